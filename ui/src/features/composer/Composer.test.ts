import { createEvent, fireEvent, render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import App from "../../App.svelte";
import type { FakePlatform } from "../../platform/fake";
import { house, settle, start, waiting } from "../../test/world";

async function open(fake: FakePlatform, who = "bob") {
  const parlour = await start(fake);
  render(App, { parlour });
  parlour.open(who);
  await settle();
  return { parlour, user: userEvent.setup() };
}

const composer = () => screen.getByTestId<HTMLTextAreaElement>("composer");
const send = () => screen.getByTestId("send");

function sent(fake: FakePlatform): unknown[] {
  return fake.accepted.filter(({ type }) => type === "sendMessage");
}

describe("Enter", () => {
  it("sends and clears; Shift+Enter breaks the line", async () => {
    const fake = house();
    const { user } = await open(fake);
    expect(composer()).toHaveFocus();
    await user.keyboard("one{Shift>}{Enter}{/Shift}two");
    expect(composer()).toHaveValue("one\ntwo");
    expect(sent(fake)).toEqual([]);
    await user.keyboard("{Enter}");
    await settle();
    expect(sent(fake)).toEqual([{ type: "sendMessage", to: "bob", content: "one\ntwo" }]);
    expect(composer()).toHaveValue("");
    expect(composer()).toHaveFocus();
  });

  it("belongs to the input method while it composes", async () => {
    const fake = house();
    const { user } = await open(fake);
    await user.type(composer(), "にほん");
    const composing = createEvent.keyDown(composer(), { key: "Enter", isComposing: true });
    await fireEvent(composer(), composing);
    expect(composing.defaultPrevented).toBe(false);
    // WebKit reports the key after the composition has ended, with this code.
    const after = createEvent.keyDown(composer(), { key: "Enter", keyCode: 229 });
    await fireEvent(composer(), after);
    expect(after.defaultPrevented).toBe(false);
    expect(sent(fake)).toEqual([]);
    expect(composer()).toHaveValue("にほん");
    await fireEvent.keyDown(composer(), { key: "Enter", keyCode: 13 });
    expect(sent(fake)).toHaveLength(1);
  });

  it("pressed twice sends once", async () => {
    const fake = house();
    const { user } = await open(fake);
    await user.type(composer(), "once");
    void fireEvent.keyDown(composer(), { key: "Enter" });
    void fireEvent.keyDown(composer(), { key: "Enter" });
    await settle();
    expect(sent(fake)).toHaveLength(1);
  });
});

describe("the button", () => {
  it("sends only text", async () => {
    const fake = house();
    const { user } = await open(fake);
    expect(send()).toBeDisabled();
    await user.type(composer(), "  {Shift>}{Enter}{/Shift} ");
    expect(send()).toBeDisabled();
    await user.keyboard("{Enter}");
    expect(sent(fake)).toEqual([]);
    await user.type(composer(), "hello");
    await user.click(send());
    await settle();
    expect(sent(fake)).toHaveLength(1);
    expect(composer()).toHaveFocus();
  });
});

describe("a refusal", () => {
  it("keeps the text and says why, until something else is typed", async () => {
    const fake = house();
    fake.refusals.set("sendMessage", "messageTooLarge");
    const { user } = await open(fake);
    await user.type(composer(), "a very long text{Enter}");
    await settle();
    expect(composer()).toHaveValue("a very long text");
    expect(screen.getByTestId("composer-problem")).toHaveTextContent(/too long/);
    expect(composer()).toHaveAccessibleDescription(/too long/);
    await user.type(composer(), "!");
    expect(screen.queryByTestId("composer-problem")).toBeNull();
  });
});

describe("a draft", () => {
  it("stays with its conversation and never reaches another", async () => {
    const fake = house();
    const { parlour, user } = await open(fake);
    await user.type(composer(), "for Bob");
    parlour.open("eve");
    await settle();
    expect(composer()).toHaveValue("");
    expect(composer()).toHaveFocus();
    await user.type(composer(), "for Eve{Enter}");
    await settle();
    expect(sent(fake)).toEqual([{ type: "sendMessage", to: "eve", content: "for Eve" }]);
    parlour.open("bob");
    await settle();
    expect(composer()).toHaveValue("for Bob");
  });

  it("goes to whom it was sent, though another conversation is open by then", async () => {
    const fake = house();
    const { parlour, user } = await open(fake);
    await user.type(composer(), "for Bob");
    void fireEvent.keyDown(composer(), { key: "Enter" });
    parlour.open("eve");
    parlour.setDraft("eve", "for Eve");
    await settle();
    expect(sent(fake)).toEqual([{ type: "sendMessage", to: "bob", content: "for Bob" }]);
    expect(parlour.draft("eve")).toBe("for Eve");
    expect(parlour.draft("bob")).toBe("");
  });
});

it("works while offline", async () => {
  const fake = house();
  const { user } = await open(fake);
  fake.become(waiting({ code: "linkLost", detail: null }));
  await settle();
  await user.type(composer(), "later{Enter}");
  await settle();
  expect(sent(fake)).toHaveLength(1);
});
