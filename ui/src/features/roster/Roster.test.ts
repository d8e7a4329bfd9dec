import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { flushSync } from "svelte";
import { describe, expect, it } from "vitest";

import App from "../../App.svelte";
import { FakePlatform } from "../../platform/fake";
import { house, online, settle, start, waiting } from "../../test/world";

async function show(fake: FakePlatform) {
  const parlour = await start(fake);
  render(App, { parlour });
  return { parlour, user: userEvent.setup() };
}

const entries = () => screen.getAllByTestId("roster-entry");
const names = () => entries().map((entry) => entry.dataset.username);

function entryOf(userId: string): HTMLElement {
  const found = entries().find((entry) => entry.dataset.userId === userId);
  if (found === undefined) throw new Error(`${userId} is not in the roster`);
  return found;
}

describe("the list", () => {
  it("has oneself first, then the others by name", async () => {
    await show(house());
    expect(names()).toEqual(["Alice", "Bob", "Eve"]);
    expect(entryOf("me")).toHaveTextContent("Alice (yourself)");
    expect(entryOf("me").dataset.self).toBe("true");
    expect(entryOf("bob").dataset.self).toBe("false");
  });

  it("says who is there in words", async () => {
    const fake = house();
    fake.enter({ userId: "rex", username: "Rex", presence: "gone" });
    fake.say("rex", { content: "farewell" });
    await show(fake);
    expect(entryOf("bob")).toHaveAccessibleName(/online/);
    expect(entryOf("eve")).toHaveAccessibleName(/offline/);
    expect(entryOf("rex")).toHaveAccessibleName(/no longer on this server/);
    expect(entries().map((entry) => entry.dataset.presence)).toEqual([
      "online",
      "online",
      "offline",
      "gone",
    ]);
  });

  it("shows oneself offline, and the others as not known, without a connection", async () => {
    const fake = house();
    await show(fake);
    fake.become(waiting({ code: "linkLost", detail: null }));
    fake.enter({ userId: "bob", presence: "unknown" });
    flushSync();
    expect(entryOf("me").dataset.presence).toBe("offline");
    expect(entryOf("bob")).toHaveAccessibleName(/not known while you are offline/);
  });

  it("takes up newcomers where their name belongs", async () => {
    const fake = house();
    await show(fake);
    fake.enter({ userId: "carl", username: "Carl" });
    flushSync();
    expect(names()).toEqual(["Alice", "Bob", "Carl", "Eve"]);
  });

  it("counts what has not been seen, and clears the count when it is opened", async () => {
    const fake = house();
    fake.say("bob", { content: "one" });
    fake.enter({ userId: "bob", unread: 2 });
    const { user } = await show(fake);
    const badge = within(entryOf("bob")).getByTestId("unread");
    expect(badge).toHaveTextContent("2 unread messages");
    expect(document.title).toBe("(2) Parlour");
    await user.click(entryOf("bob"));
    await settle();
    expect(screen.queryByTestId("unread")).toBeNull();
    expect(document.title).toBe("Parlour");
    expect(entryOf("bob")).toHaveAttribute("aria-current", "true");
    expect(screen.getByTestId("conversation-header")).toHaveTextContent("Bob");
  });

  it("shows the last message, and whose it is", async () => {
    const fake = house();
    fake.say("bob", { content: "<img src=x onerror=alert(1)>" });
    fake.say("eve", { content: "see you", isMine: true });
    await show(fake);
    expect(entryOf("bob")).toHaveTextContent("<img src=x onerror=alert(1)>");
    expect(entryOf("eve")).toHaveTextContent("You: see you");
  });

  it("says so when nobody else is there", async () => {
    const fake = new FakePlatform();
    fake.session = online();
    fake.enter({ userId: "me", username: "Alice", isSelf: true });
    await show(fake);
    expect(screen.getByTestId("roster")).toHaveTextContent("Nobody else is here yet.");
  });
});

describe("with the keyboard", () => {
  it("is one stop of Tab, and arrows move inside", async () => {
    const { user } = await show(house());
    expect(entries().filter((entry) => entry.tabIndex === 0)).toHaveLength(1);
    entryOf("me").focus();
    await user.keyboard("{ArrowDown}");
    expect(entryOf("bob")).toHaveFocus();
    await user.keyboard("{End}");
    expect(entryOf("eve")).toHaveFocus();
    await user.keyboard("{ArrowDown}");
    expect(entryOf("eve")).toHaveFocus();
    await user.keyboard("{Home}{ArrowDown}{Enter}");
    await settle();
    expect(screen.getByTestId("conversation-header")).toHaveTextContent("Bob");
    expect(entries().filter((entry) => entry.tabIndex === 0)).toEqual([entryOf("bob")]);
  });

  it("reaches the last of ten thousand, who are not all rendered", async () => {
    const fake = house();
    const { user } = await show(fake);
    fake.emit({
      type: "rosterChanged",
      entries: Array.from({ length: 10_000 }, (_, n) => ({
        userId: `guest-${n}`,
        username: `guest ${n}`,
        isSelf: false,
        presence: "offline" as const,
        unread: 0,
        lastMessage: null,
        receivedUpTo: null,
        readUpTo: null,
        draft: null,
      })),
    });
    flushSync();
    expect(entries().length).toBeLessThan(60);
    entryOf("me").focus();
    await user.keyboard("{End}");
    expect(entryOf("guest-9999")).toHaveFocus();
    expect(entryOf("guest-9999").parentElement).toHaveAttribute("aria-posinset", "10003");
  });
});

describe("on a narrow window", () => {
  it("goes back to the entry that was open", async () => {
    const { user } = await show(house());
    await user.click(entryOf("eve"));
    await settle();
    expect(screen.getByTestId("composer")).toHaveFocus();
    await user.click(screen.getByTestId("back"));
    await settle();
    expect(screen.queryByTestId("conversation")).toBeNull();
    expect(entryOf("eve")).toHaveFocus();
  });
});

describe("signing out", () => {
  it("asks first, and the safe answer has the focus", async () => {
    const fake = house();
    const { user } = await show(fake);
    await user.click(screen.getByTestId("sign-out"));
    const dialog = screen.getByRole("dialog", { name: "Sign out?" });
    expect(dialog).toHaveTextContent("Alice on chat.example.org");
    expect(screen.getByRole("button", { name: "Stay signed in" })).toHaveFocus();
    await user.click(screen.getByRole("button", { name: "Stay signed in" }));
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(fake.accepted).toEqual([]);
    await user.click(screen.getByTestId("sign-out"));
    await user.click(screen.getByTestId("sign-out-confirm"));
    expect(fake.accepted).toEqual([{ type: "signOut" }]);
  });
});

describe("colours", () => {
  it("follow the choice", async () => {
    const fake = house();
    const { user } = await show(fake);
    expect(document.documentElement.dataset.theme).toBe("light");
    await user.click(screen.getByRole("radio", { name: "Dark" }));
    await settle();
    expect(document.documentElement.dataset.theme).toBe("dark");
    expect(fake.accepted).toEqual([{ type: "setTheme", theme: "dark" }]);
  });
});
