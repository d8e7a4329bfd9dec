import { describe, expect, it, vi } from "vitest";

import { house, kept, online, settle, signedOut, start } from "../test/world";
import { FakePlatform } from "../platform/fake";

describe("writing", () => {
  it("is told now and then, and shown for a time", async () => {
    const fake = house();
    const parlour = await start(fake);
    parlour.setDraft("bob", "a");
    parlour.setDraft("bob", "ab");
    parlour.setDraft("me", "note");
    await settle();
    expect(fake.accepted).toEqual([{ type: "typing", to: "bob" }]);
    fake.emit({ type: "typing", user: "bob", forMs: 6_000 });
    expect(parlour.isTyping("bob")).toBe(true);
    fake.emit({ type: "typing", user: "bob", forMs: 0 });
    expect(parlour.isTyping("bob")).toBe(false);
    expect(parlour.isTyping("eve")).toBe(false);
  });
});

describe("drafts", () => {
  const saved = (fake: FakePlatform) =>
    fake.accepted.filter((command) => command.type === "saveDraft");

  it("are stored after a pause, and at once when one turns to somebody else", async () => {
    vi.useFakeTimers();
    const fake = house();
    const parlour = await start(fake);
    parlour.setDraft("bob", "for");
    parlour.setDraft("bob", "for Bob only");
    expect(saved(fake)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(saved(fake)).toEqual([{ type: "saveDraft", user: "bob", content: "for Bob only" }]);
    // Half an emoji, as a field may have it, and a turn to somebody else.
    parlour.setDraft("bob", "for Bob \ud83d");
    parlour.open("eve");
    await vi.advanceTimersByTimeAsync(0);
    expect(saved(fake)[1]).toEqual({ type: "saveDraft", user: "bob", content: "for Bob \ufffd" });
    expect(parlour.draft("eve")).toBe("");
    vi.useRealTimers();
  });

  it("come back after a restart, and are gone once sent", async () => {
    const fake = house();
    fake.enter({ userId: "bob", draft: "from before" });
    const parlour = await start(fake);
    expect(parlour.draft("bob")).toBe("from before");
    expect(await parlour.sendDraft("bob")).toBeNull();
    expect(parlour.draft("bob")).toBe("");
    await settle();
    expect(saved(fake)).toEqual([{ type: "saveDraft", user: "bob", content: "" }]);
    expect(fake.everyone().find(({ userId }) => userId === "bob")?.draft).toBeNull();
  });

  it("are not stored for whoever signs in next", async () => {
    vi.useFakeTimers();
    const fake = house();
    const parlour = await start(fake);
    parlour.setDraft("bob", "secret");
    fake.become({
      state: "online",
      account: { server: "https://other.example.org", username: "Alice", userId: "me" },
    });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(saved(fake)).toEqual([]);
    vi.useRealTimers();
  });

  it("that cannot be stored are said", async () => {
    const fake = house();
    const parlour = await start(fake);
    fake.refusals.set("saveDraft", "draftTooLarge");
    parlour.setDraft("bob", "too much");
    parlour.saveDrafts();
    await settle();
    expect(parlour.problem).toBe("draftTooLarge");
    expect(parlour.draft("bob")).toBe("too much");
  });

  it("belong to one conversation, and come back with it", async () => {
    const parlour = await start(house());
    parlour.setDraft("bob", "for Bob only");
    expect(parlour.draft("eve")).toBe("");
    expect(parlour.draft("bob")).toBe("for Bob only");
  });

  it("do not pass to somebody else who has the same id elsewhere", async () => {
    const fake = house();
    const parlour = await start(fake);
    parlour.setDraft("bob", "secret");
    fake.become({
      state: "online",
      account: { server: "https://other.example.org", username: "Alice", userId: "me" },
    });
    expect(parlour.draft("bob")).toBe("");
  });

  it("are stored before a sign-out, and gone from here after it", async () => {
    const fake = house();
    const parlour = await start(fake);
    parlour.setDraft("bob", "hello");
    fake.refusals.set("signOut", "busy");
    await parlour.signOut();
    expect(parlour.problem).toBe("busy");
    expect(parlour.draft("bob")).toBe("hello");
    fake.refusals.clear();
    await parlour.signOut();
    expect(parlour.problem).toBeNull();
    expect(saved(fake)).toEqual([{ type: "saveDraft", user: "bob", content: "hello" }]);
    fake.enter({ userId: "bob", draft: null });
    expect(parlour.draft("bob")).toBe("");
  });

  it("lose what was sent, and nothing that was typed on meanwhile", async () => {
    const fake = house();
    const parlour = await start(fake);
    parlour.setDraft("bob", "one");
    const sending = parlour.sendDraft("bob");
    parlour.setDraft("bob", "one, two");
    expect(await sending).toBeNull();
    expect(parlour.draft("bob")).toBe(", two");
  });
});

describe("sending", () => {
  it("strips what cannot be seen around the text, and what no server can carry", async () => {
    const fake = house();
    const parlour = await start(fake);
    parlour.setDraft("bob", "\n  \n  first\n\n  second \ud83d \n");
    await parlour.sendDraft("bob");
    expect(fake.accepted).toContainEqual({
      type: "sendMessage",
      to: "bob",
      content: "  first\n\n  second \ufffd",
    });
  });

  it("keeps the draft when it was refused, and says why", async () => {
    const fake = house();
    fake.refusals.set("sendMessage", "messageTooLarge");
    const parlour = await start(fake);
    parlour.setDraft("bob", "long");
    expect(await parlour.sendDraft("bob")).toBe("messageTooLarge");
    expect(parlour.draft("bob")).toBe("long");
  });
});

describe("opening a conversation", () => {
  it("marks it as read and fetches it; opening it again fetches nothing", async () => {
    const fake = house();
    fake.say("bob", { content: "hi" });
    fake.enter({ userId: "bob", unread: 1 });
    const parlour = await start(fake);
    parlour.open("bob");
    await settle();
    const timeline = parlour.world.timeline;
    expect(timeline?.items).toHaveLength(1);
    expect(fake.accepted).toEqual([{ type: "markRead", user: "bob" }]);
    parlour.open("bob");
    expect(parlour.world.timeline).toBe(timeline);
  });

  it("is over at a sign-out", async () => {
    const fake = house();
    const parlour = await start(fake);
    parlour.open("bob");
    fake.become(signedOut());
    expect(parlour.world.timeline).toBeNull();
  });

  it("is fetched again after a snapshot", async () => {
    const fake = house();
    const parlour = await start(fake);
    parlour.open("bob");
    await settle();
    // As after a lag: the item was never told about.
    fake.say("bob", { content: "unheard" });
    parlour.world.timeline?.change({ items: [], removed: [1] });
    expect(parlour.world.timeline?.items).toHaveLength(0);
    fake.snapshot();
    await settle();
    expect(parlour.world.timeline?.items).toHaveLength(1);
  });
});

describe("settings", () => {
  it("show a theme at once, and take it back when it cannot be kept", async () => {
    const fake = house();
    const parlour = await start(fake);
    await parlour.setTheme("dark");
    expect(parlour.settings.theme).toBe("dark");
    fake.refusals.set("setTheme", "storageFailed");
    await parlour.setTheme("light");
    expect(parlour.settings.theme).toBe("dark");
    expect(parlour.problem).toBe("storageFailed");
  });

  it("that cannot be had are no reason not to start", async () => {
    const fake = house();
    const query = fake.query.bind(fake);
    fake.query = async (asked) => {
      if (asked.type === "settings") throw new Error("no settings");
      return query(asked);
    };
    const parlour = await start(fake);
    expect(parlour.ready).toBe(true);
    expect(parlour.settings.theme).toBe("system");
  });
});

describe("the warning that the session is not kept", () => {
  it("can be put away, and comes back with the next failure", async () => {
    const fake = new FakePlatform();
    fake.session = online();
    fake.keep({ backend: "memory", failure: { code: "keyringLocked", detail: null } });
    const parlour = await start(fake);
    expect(parlour.secretsAtRisk).toBe(true);
    parlour.dismissSecrets();
    expect(parlour.secretsAtRisk).toBe(false);
    fake.emit({ type: "secretsChanged", secrets: kept() });
    fake.emit({ type: "secretsChanged", secrets: fake.secrets });
    expect(parlour.secretsAtRisk).toBe(true);
  });
});

it("says so when it cannot listen", async () => {
  const fake = new FakePlatform();
  fake.subscribe = async () => Promise.reject(new Error("no bridge"));
  const parlour = await start(fake);
  expect(parlour.ready).toBe(false);
  expect(parlour.problem).toBe("unexpected");
});
