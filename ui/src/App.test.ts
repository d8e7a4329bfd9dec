import { render, screen } from "@testing-library/svelte";
import axe from "axe-core";
import { describe, expect, it } from "vitest";

import App from "./App.svelte";
import { FakePlatform } from "./platform/fake";
import { worldNamed } from "./platform/worlds";
import { settle, start } from "./test/world";

async function show(fake: FakePlatform) {
  const parlour = await start(fake);
  render(App, { parlour });
  await settle();
  return parlour;
}

function world(query: string): FakePlatform {
  return worldNamed(new URLSearchParams(query));
}

async function violations(): Promise<string[]> {
  document.documentElement.lang = "en";
  const { violations: found } = await axe.run(document, {
    // jsdom paints nothing: colours are measured in styles/contrast.test.ts.
    rules: { "color-contrast": { enabled: false } },
  });
  return found.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`,
  );
}

it("is empty until it knows what to show", async () => {
  const fake = new FakePlatform();
  fake.subscribe = async () => Promise.resolve();
  await show(fake);
  expect(screen.queryByTestId("sign-in")).toBeNull();
  expect(screen.queryByTestId("roster")).toBeNull();
});

it("says so when the engine cannot be reached", async () => {
  const fake = new FakePlatform();
  fake.subscribe = async () => Promise.reject(new Error("no bridge"));
  await show(fake);
  expect(screen.getByRole("alert")).toHaveTextContent(/Something went wrong inside Parlour/);
});

it("leaves the menu of the page to text", async () => {
  const parlour = await show(world("world=busy"));
  parlour.open("bob");
  await settle();
  const menu = (element: Element) =>
    element.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }));
  expect(menu(screen.getByTestId("composer"))).toBe(true);
  expect(menu(screen.getAllByTestId("message-text")[0] as Element)).toBe(true);
  expect(menu(screen.getByTestId("conversation-header"))).toBe(false);
});

describe("accessibility", () => {
  it.each([
    "world=fresh",
    "world=refused&detail=no&resumable=1",
    "world=connecting",
    "world=busy",
    "world=offline",
    "world=unsaved",
    "world=alone",
  ])("axe has nothing to say about %s", async (query) => {
    await show(world(query));
    expect(await violations()).toEqual([]);
  });

  it("axe has nothing to say about an open conversation", async () => {
    const parlour = await show(world("world=offline"));
    parlour.open("bob");
    await settle();
    expect(await violations()).toEqual([]);
  });

  it("axe has nothing to say about the choice of a place for the session", async () => {
    await show(world("world=unsaved"));
    screen.getByTestId("choose-secrets").click();
    await settle();
    expect(await violations()).toEqual([]);
  });

  it("axe has nothing to say about a dialog", async () => {
    await show(world("world=busy"));
    screen.getByTestId("sign-out").click();
    await settle();
    expect(await violations()).toEqual([]);
  });
});
