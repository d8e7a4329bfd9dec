import { expect, it } from "vitest";

import type { RosterEntry } from "../generated/RosterEntry";
import type { TimelineItem } from "../generated/TimelineItem";
import { Roster } from "./roster.svelte";

const message: TimelineItem = {
  id: 1,
  position: 1,
  from: "x",
  isMine: false,
  content: "hello",
  at: null,
  delivery: null,
};

function entry(userId: string, username: string, rest: Partial<RosterEntry> = {}): RosterEntry {
  return {
    userId,
    username,
    isSelf: false,
    presence: "online",
    unread: 0,
    lastMessage: null,
    receivedUpTo: null,
    readUpTo: null,
    draft: null,
    ...rest,
  };
}

function names(roster: Roster): (string | undefined)[] {
  return roster.order.map((id) => roster.get(id)?.username);
}

it("has oneself first, the others by name as people read it, and those who are gone last", () => {
  const roster = new Roster();
  roster.replace([
    entry("1", "zoë"),
    entry("2", "Ann", { presence: "gone", lastMessage: message }),
    entry("3", "Bob"),
    entry("4", "ämil"),
    entry("5", "mia", { isSelf: true }),
    entry("6", "guest 10"),
    entry("7", "Guest 9"),
  ]);
  expect(names(roster)).toEqual(["mia", "ämil", "Bob", "Guest 9", "guest 10", "zoë", "Ann"]);
  expect(roster.self?.username).toBe("mia");
});

it("does not show who is gone and never wrote", () => {
  const roster = new Roster();
  roster.replace([entry("1", "Ann"), entry("2", "Bob")]);
  roster.upsert([entry("2", "Bob", { presence: "gone" })]);
  expect(names(roster)).toEqual(["Ann"]);
  roster.upsert([entry("2", "Bob", { presence: "gone", lastMessage: message })]);
  expect(names(roster)).toEqual(["Ann", "Bob"]);
});

it("tells people of one name apart, always in the same order", () => {
  const roster = new Roster();
  roster.replace([entry("b", "Sam"), entry("a", "Sam")]);
  expect(roster.order).toEqual(["a", "b"]);
});

it("sorts again only when a name or a place has changed", () => {
  const roster = new Roster();
  roster.replace([entry("1", "Ann"), entry("2", "Bob")]);
  const before = roster.order;
  roster.upsert([entry("2", "Bob", { unread: 4, presence: "offline" })]);
  expect(roster.order).toBe(before);
  roster.upsert([entry("2", "Aaron")]);
  expect(names(roster)).toEqual(["Aaron", "Ann"]);
});

it("is bare with nobody but a silent oneself", () => {
  const roster = new Roster();
  expect(roster.isBare).toBe(true);
  roster.replace([entry("1", "me", { isSelf: true })]);
  expect(roster.isBare).toBe(true);
  roster.upsert([entry("1", "me", { isSelf: true, lastMessage: message })]);
  expect(roster.isBare).toBe(false);
});
