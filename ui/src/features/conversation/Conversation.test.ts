import { fireEvent, render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { flushSync } from "svelte";
import { describe, expect, it } from "vitest";

import App from "../../App.svelte";
import type { Delivery } from "../../generated/Delivery";
import type { FakePlatform } from "../../platform/fake";
import { house, settle, start, waiting } from "../../test/world";

async function open(fake: FakePlatform, who = "bob") {
  const parlour = await start(fake);
  render(App, { parlour });
  parlour.open(who);
  await settle();
  return { parlour, user: userEvent.setup() };
}

const shown = () => screen.getAllByTestId("message");
const texts = () => screen.getAllByTestId("message-text").map((text) => text.textContent);

describe("messages", () => {
  it("are shown as they were written, with nothing of them run", async () => {
    const fake = house();
    const content = "<script>alert(1)</script>\n  two  spaces\n<b>bold</b> &amp; {@html}";
    fake.say("bob", { content });
    await open(fake);
    expect(texts()).toEqual([content]);
    expect(document.querySelector("[data-testid=message-text] *")).toBeNull();
  });

  it("carry the sender's name once in a row, one's own as oneself", async () => {
    const fake = house();
    fake.say("bob", { content: "one" });
    fake.say("bob", { content: "two" });
    fake.say("bob", { content: "three", isMine: true });
    await open(fake);
    expect(screen.getAllByTestId("message-sender").map((name) => name.textContent)).toEqual([
      "Bob",
      "Alice (yourself)",
    ]);
    expect(shown().map((message) => message.dataset.mine)).toEqual(["false", "false", "true"]);
  });

  it("have a time only where one is known", async () => {
    const fake = house();
    fake.say("bob", { content: "old" });
    fake.say("bob", { content: "new", at: Date.now() });
    await open(fake);
    const [old, fresh] = shown() as [HTMLElement, HTMLElement];
    expect(old.querySelector("time")).toBeNull();
    expect(fresh.querySelector("time")).toHaveAttribute("title");
    expect(screen.getByText("Today")).toBeInTheDocument();
  });

  it.each<[Delivery, string]>([
    ["queued", "Queued"],
    ["sending", "Sending"],
    ["sent", "Sent"],
    ["unsure", "Not sure"],
    ["held", "Held back"],
    ["failed", "Not sent"],
  ])("say how far they got: %s", async (delivery, words) => {
    const fake = house();
    fake.say("bob", { content: "mine", isMine: true, delivery });
    await open(fake);
    expect(shown()[0]?.dataset.delivery).toBe(delivery);
    expect(screen.getByTestId("message-state")).toHaveTextContent(words);
    const hasActions = ["unsure", "held", "failed"].includes(delivery);
    expect(screen.queryByTestId("retry") !== null).toBe(hasActions);
    expect(screen.queryByTestId("discard") !== null).toBe(hasActions);
  });

  it("of others have no state", async () => {
    const fake = house();
    fake.say("bob", { content: "theirs" });
    await open(fake);
    expect(shown()[0]?.dataset.delivery).toBe("");
    expect(screen.queryByTestId("message-state")).toBeNull();
  });

  it("that wait for a connection say so, and can be discarded", async () => {
    const fake = house();
    const { user } = await open(fake);
    fake.become(waiting({ code: "linkLost", detail: null }));
    const { id } = fake.say("bob", { content: "later", isMine: true, delivery: "queued" });
    flushSync();
    expect(screen.getByTestId("message-state")).toHaveTextContent("Waiting for connection");
    expect(screen.queryByTestId("retry")).toBeNull();
    await user.click(screen.getByTestId("discard"));
    expect(fake.accepted).toContainEqual({ type: "discardMessage", item: id });
    fake.drop("bob", id);
    flushSync();
    expect(screen.queryAllByTestId("message")).toEqual([]);
  });

  it("that failed can be sent again; a refusal is told", async () => {
    const fake = house();
    const { id } = fake.say("bob", { content: "again", isMine: true, delivery: "failed" });
    const { user } = await open(fake);
    await user.click(screen.getByTestId("retry"));
    expect(fake.accepted).toContainEqual({ type: "retryMessage", item: id });
    fake.refusals.set("retryMessage", "unknownMessage");
    await user.click(screen.getByTestId("retry"));
    await settle();
    expect(screen.getByTestId("problem-banner")).toHaveTextContent(/has changed/);
  });

  it("change in place when they get further", async () => {
    const fake = house();
    const { id } = fake.say("bob", { content: "mine", isMine: true, delivery: "sending" });
    await open(fake);
    const before = shown()[0];
    fake.deliver("bob", id, "sent");
    flushSync();
    expect(shown()[0]).toBe(before);
    expect(before?.dataset.delivery).toBe("sent");
  });
});

describe("what is new", () => {
  it("is read out, older pages are not", async () => {
    const fake = house();
    fake.say("bob", { content: "old" });
    await open(fake);
    expect(screen.getByRole("log")).toHaveAttribute("aria-live", "off");
    const live = document.querySelector("[aria-live=polite]");
    expect(live).toHaveTextContent("");
    fake.say("bob", { content: "hello" });
    flushSync();
    expect(live).toHaveTextContent("Bob: hello");
    fake.say("bob", { content: "mine", isMine: true });
    flushSync();
    expect(live).toHaveTextContent("Bob: hello");
  });

  it("is marked as read while somebody looks, and else when they come back", async () => {
    const fake = house();
    const { parlour } = await open(fake);
    fake.say("bob", { content: "one" });
    fake.enter({ userId: "bob", unread: 1 });
    await settle();
    expect(fake.accepted).toEqual([{ type: "markRead", user: "bob" }]);
    await fireEvent.blur(window);
    expect(parlour.focused).toBe(false);
    fake.enter({ userId: "bob", unread: 1 });
    await settle();
    expect(fake.accepted).toHaveLength(1);
    await fireEvent.focus(window);
    await settle();
    expect(fake.accepted).toHaveLength(2);
  });

  it("begins below a line", async () => {
    const fake = house();
    fake.say("bob", { content: "seen" });
    fake.say("bob", { content: "not seen" });
    fake.enter({ userId: "bob", unread: 1 });
    await open(fake);
    const line = screen.getByText("New messages");
    expect(line.nextElementSibling).toHaveTextContent("not seen");
    fake.say("bob", { content: "mine", isMine: true });
    flushSync();
    expect(screen.queryByText("New messages")).toBeNull();
  });

  it("waits behind a button for who reads further up", async () => {
    const fake = house();
    for (let n = 0; n < 30; n++) fake.say("bob", { content: `old ${n}` });
    const { user } = await open(fake);
    const log = screen.getByRole("log");
    Object.defineProperties(log, {
      clientHeight: { value: 500 },
      scrollHeight: { value: 3_000, configurable: true },
    });
    log.scrollTop = 3_000;
    await fireEvent.scroll(log);
    log.scrollTop = 900;
    await fireEvent.scroll(log);
    fake.say("bob", { content: "new" });
    fake.enter({ userId: "bob", unread: 1 });
    await settle();
    expect(fake.accepted).toEqual([]);
    await user.click(screen.getByTestId("new-messages"));
    await settle();
    expect(log.scrollTop).toBe(3_000);
    expect(screen.queryByTestId("new-messages")).toBeNull();
    expect(fake.accepted).toEqual([{ type: "markRead", user: "bob" }]);
  });
});

describe("older messages", () => {
  it("come when one scrolls up", async () => {
    const fake = house();
    for (let n = 1; n <= 120; n++) fake.say("bob", { content: `text ${n}` });
    await open(fake);
    expect(shown()).toHaveLength(50);
    const log = screen.getByRole("log");
    Object.defineProperty(log, "clientHeight", { value: 500 });
    Object.defineProperty(log, "scrollHeight", { value: 4_000 });
    log.scrollTop = 4_000;
    await fireEvent.scroll(log);
    log.scrollTop = 100;
    await fireEvent.scroll(log);
    await settle();
    expect(shown()).toHaveLength(100);
    expect(texts()[0]).toBe("text 21");
  });
});

describe("the place of a conversation", () => {
  it("says what to do while none is open", async () => {
    const parlour = await start(house());
    render(App, { parlour });
    expect(screen.getByRole("heading", { name: "No conversation open" })).toBeInTheDocument();
  });

  it("has the name and the presence of the other in its header", async () => {
    await open(house(), "eve");
    const header = within(screen.getByTestId("conversation-header"));
    expect(header.getByRole("heading", { name: "Eve" })).toBeInTheDocument();
    expect(header.getByText("offline")).toBeInTheDocument();
  });

  it("says where a conversation begins", async () => {
    const { parlour } = await open(house());
    expect(screen.getByText(/the beginning of your conversation with Bob/)).toBeInTheDocument();
    parlour.open("me");
    await settle();
    expect(screen.getByText(/Notes to yourself/)).toBeInTheDocument();
  });

  it("says so when its messages cannot be had", async () => {
    const fake = house();
    const query = fake.query.bind(fake);
    let fails = true;
    fake.query = async (asked) => {
      if (fails && asked.type === "timeline") throw new Error("busy");
      return query(asked);
    };
    const { user } = await open(fake);
    expect(screen.getByText("The messages could not be fetched.")).toBeInTheDocument();
    fails = false;
    fake.say("bob", { content: "here I am" });
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await settle();
    expect(texts()).toEqual(["here I am"]);
  });
});
