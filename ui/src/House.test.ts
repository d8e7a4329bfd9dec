import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { expect, it } from "vitest";

import HouseView from "./House.svelte";
import { messages } from "./i18n/messages";
import { FakePlatform } from "./platform/fake";
import { FakeHost } from "./platform/fakeHost";
import { House } from "./state/house.svelte";
import { house as oneHouse, settle } from "./test/world";

/** Nils, online on another server, with somebody who wrote twice. */
function second(): FakePlatform {
  const fake = new FakePlatform();
  const account = { server: "https://second.example", username: "Nils", userId: "nils" };
  fake.session = { state: "online", account };
  fake.enter({ userId: "nils", username: "Nils", isSelf: true });
  fake.enter({ userId: "olga", username: "Olga", unread: 2 });
  return fake;
}

async function show(...fakes: FakePlatform[]) {
  const host = new FakeHost();
  for (const fake of fakes) host.move(fake);
  const house = new House(host);
  render(HouseView, { house });
  await house.start();
  await settle();
  return { host, house };
}

function rail(): HTMLElement {
  return screen.getByTestId("accounts");
}

async function violations(): Promise<string[]> {
  document.documentElement.lang = "en";
  const { violations: found } = await axe.run(document, {
    // jsdom paints nothing: colours are measured in styles/contrast.test.ts.
    rules: { "color-contrast": { enabled: false } },
  });
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
}

it("has no rail for one account, but a way to a second", async () => {
  const { house } = await show(oneHouse());
  expect(screen.queryByTestId("accounts")).toBeNull();
  await userEvent.click(screen.getByTestId("add-account"));
  await settle();
  expect(house.accounts).toHaveLength(2);
  expect(screen.getByTestId("sign-in")).toBeVisible();
  expect(within(rail()).getAllByTestId("account")).toHaveLength(2);
  expect(await violations()).toEqual([]);
});

it("keeps two accounts apart and counts both", async () => {
  const first = oneHouse();
  const other = second();
  await show(first, other);
  expect(document.title).toBe("(2) Parlour");
  expect(screen.getByText("Bob")).toBeVisible();
  expect(screen.queryByText("Olga")).toBeNull();
  const nils = screen.getByRole("button", { name: "Nils on second.example, 2 unread messages" });
  await userEvent.click(nils);
  await settle();
  expect(nils).toHaveAttribute("aria-current", "true");
  expect(screen.getByText("Olga")).toBeVisible();
  expect(screen.queryByText("Bob")).toBeNull();

  await userEvent.click(screen.getByText("Olga"));
  await settle();
  expect(other.accepted).toEqual([{ type: "markRead", user: "olga" }]);
  expect(first.accepted).toEqual([]);
  expect(document.title).toBe("Parlour");

  // What happens in the one that is not shown is counted, and is there when one comes back.
  first.enter({ userId: "bob", unread: 1 });
  await settle();
  expect(document.title).toBe("(1) Parlour");
  expect(screen.getByTestId("account-unread")).toHaveTextContent("1");
  expect(await violations()).toEqual([]);
});

it("stores what is half written when another account is shown", async () => {
  const first = oneHouse();
  const { house } = await show(first, second());
  await userEvent.click(screen.getByText("Bob"));
  await settle();
  await userEvent.type(screen.getByTestId("composer"), "Lunch at");
  house.show(2);
  await settle();
  expect(first.accepted).toContainEqual({ type: "saveDraft", user: "bob", content: "Lunch at" });
});

it("is gone through by the arrow keys, with one stop for Tab", async () => {
  await show(oneHouse(), second(), new FakePlatform());
  const buttons = within(rail()).getAllByTestId("account");
  expect(buttons.map((button) => button.tabIndex)).toEqual([0, -1, -1]);
  buttons[0]?.focus();
  await userEvent.keyboard("{ArrowDown}{ArrowDown}{ArrowDown}");
  expect(document.activeElement).toBe(buttons[2]);
  await userEvent.keyboard("{Home}{ArrowDown}{Enter}");
  await settle();
  expect(buttons[1]).toHaveAttribute("aria-current", "true");
  expect(buttons.map((button) => button.tabIndex)).toEqual([-1, 0, -1]);
});

it("asks before it removes an account, and which way", async () => {
  const { host, house } = await show(oneHouse(), second());
  await userEvent.click(screen.getByTestId("remove-account"));
  await settle();
  const dialog = screen.getByRole("dialog");
  expect(dialog).toHaveTextContent("Alice on chat.example.org");
  expect(await violations()).toEqual([]);
  await userEvent.click(within(dialog).getByText(messages.accounts.removal.cancel));
  await settle();
  expect(host.managed).toEqual([]);
  await userEvent.click(screen.getByTestId("remove-account"));
  await settle();
  await userEvent.click(screen.getByTestId("remove-account-keep"));
  await settle();
  expect(host.managed).toEqual([{ type: "removeAccount", account: 1, keepHistory: true }]);
  expect(house.current?.key).toBe(2);
  expect(screen.getByText("Olga")).toBeVisible();
});

it("says which account cannot be opened, and shows the others", async () => {
  const host = new FakeHost();
  const reason = { code: "storageFailed", detail: "the file is no database" } as const;
  host.move(new FakePlatform(), { state: "failed", reason });
  host.move(second());
  const house = new House(host);
  render(HouseView, { house });
  await house.start();
  await settle();
  expect(screen.getByTestId("account-failed")).toHaveTextContent("the file is no database");
  expect(await violations()).toEqual([]);
  await userEvent.click(screen.getByTestId("retry-account"));
  expect(host.managed).toEqual([{ type: "retryAccount", account: 1 }]);
  await userEvent.click(screen.getByRole("button", { name: /^Nils/ }));
  await settle();
  expect(screen.getByText("Olga")).toBeVisible();
});

it("leads from a second sign-in as the same to the first", async () => {
  const { host, house } = await show(oneHouse(), new FakePlatform());
  house.show(2);
  host.change(2, { twin: 1 });
  await settle();
  expect(screen.getByTestId("twin-banner")).toHaveTextContent("Alice on chat.example.org");
  await userEvent.click(screen.getByTestId("show-twin"));
  await settle();
  expect(house.current?.key).toBe(1);
  expect(screen.queryByTestId("twin-banner")).toBeNull();
});

it("says why an account was not added", async () => {
  const { host } = await show(oneHouse(), second());
  host.refusals.set("addAccount", "tooManyAccounts");
  await userEvent.click(screen.getByTestId("rail-add-account"));
  await settle();
  expect(screen.getByTestId("house-problem")).toHaveTextContent("no room for another account");
});
