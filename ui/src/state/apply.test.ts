import { describe, expect, it } from "vitest";

import type { Compatibility } from "../generated/Compatibility";
import type { ClientEvent } from "../generated/ClientEvent";
import type { RosterEntry } from "../generated/RosterEntry";
import type { SessionView } from "../generated/SessionView";
import type { TimelineItem } from "../generated/TimelineItem";
import { kept, online, SERVER, signedOut, waiting } from "../test/world";
import { apply } from "./apply";
import { Timeline } from "./timeline.svelte";
import { World } from "./world.svelte";

function entry(userId: string, rest: Partial<RosterEntry> = {}): RosterEntry {
  return {
    userId,
    username: userId,
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

function item(id: number, rest: Partial<TimelineItem> = {}): TimelineItem {
  return {
    id,
    position: id * 10,
    from: "bob",
    isMine: false,
    content: `text ${id}`,
    at: null,
    delivery: null,
    ...rest,
  };
}

function snapshot(roster: RosterEntry[], session: SessionView = online()): ClientEvent {
  return {
    type: "snapshot",
    snapshot: { session, secrets: kept(), compatibility: null, roster },
  };
}

async function worldWithOpen(items: TimelineItem[]): Promise<World> {
  const world = new World();
  world.timeline = new Timeline("bob", 0, async (user) =>
    Promise.resolve({ user, items, complete: true }),
  );
  await world.timeline.load();
  return world;
}

const ids = (world: World) => world.timeline?.items.map(({ id }) => id);

describe("a snapshot", () => {
  it("replaces everything that was known", () => {
    const world = new World();
    apply(world, snapshot([entry("old"), entry("kept", { unread: 3 })]), 0);
    apply(world, snapshot([entry("kept"), entry("new")]), 0);
    expect(world.roster.order).toEqual(["kept", "new"]);
    expect(world.roster.get("old")).toBeUndefined();
    expect(world.roster.get("kept")?.unread).toBe(0);
    expect(world.session).toEqual(online());
    expect(world.secrets).toEqual(kept());
  });

  it("has the open conversation asked for again", async () => {
    const world = await worldWithOpen([item(1)]);
    expect(world.timeline?.stale).toBe(false);
    apply(world, snapshot([entry("bob")]), 0);
    expect(world.timeline?.stale).toBe(true);
  });
});

describe("a lagged event", () => {
  it("changes nothing: the snapshot after it does", async () => {
    const world = await worldWithOpen([item(1)]);
    apply(world, snapshot([entry("bob")]), 0);
    apply(world, { type: "lagged", missed: 7 }, 0);
    expect(world.roster.order).toEqual(["bob"]);
    expect(ids(world)).toEqual([1]);
  });
});

describe("a change of the session", () => {
  const lost = { code: "linkLost", detail: null } as const;

  it("sets the moment of the next attempt by the clock given", () => {
    const world = new World();
    apply(world, { type: "sessionChanged", session: waiting(lost, 4_000) }, 1_000);
    expect(world.retryAt).toBe(5_000);
    expect(world.trouble).toEqual(lost);
  });

  it("keeps what went wrong while it is tried again, until it is over", () => {
    const world = new World();
    const connecting: SessionView = {
      state: "connecting",
      account: { server: SERVER, username: "Alice", userId: null },
      attempt: 2,
    };
    apply(world, { type: "sessionChanged", session: waiting(lost) }, 0);
    apply(world, { type: "sessionChanged", session: connecting }, 0);
    expect(world.trouble).toEqual(lost);
    expect(world.retryAt).toBeNull();
    apply(world, { type: "sessionChanged", session: online() }, 0);
    expect(world.trouble).toBeNull();
    expect(world.wasOnline).toBe(true);
    expect(world.isOnline).toBe(true);
  });

  it("begins anew after a sign-out", () => {
    const world = new World();
    apply(world, { type: "sessionChanged", session: online() }, 0);
    apply(world, { type: "sessionChanged", session: signedOut() }, 0);
    expect(world.wasOnline).toBe(false);
    expect(world.isOnline).toBe(false);
  });
});

describe("news of somebody who is writing", () => {
  it("hold for a time, and until the message is here", () => {
    const world = new World();
    apply(world, { type: "typing", user: "bob", forMs: 6_000 }, 1_000);
    apply(world, { type: "typing", user: "eve", forMs: 6_000 }, 1_000);
    expect(world.typing.get("bob")).toBe(7_000);
    const own = { type: "timelineChanged", user: "bob", items: [item(1, { isMine: true })] };
    apply(world, { ...own, removed: [] } as ClientEvent, 0);
    expect(world.typing.has("bob")).toBe(true);
    apply(world, { type: "timelineChanged", user: "bob", items: [item(2)], removed: [] }, 0);
    expect([...world.typing.keys()]).toEqual(["eve"]);
    apply(world, snapshot([]), 0);
    expect(world.typing.size).toBe(0);
  });
});

describe("a change of the secrets", () => {
  it("is kept", () => {
    const world = new World();
    const failure = { code: "keyringLocked", detail: null } as const;
    const secrets = kept({ backend: "memory", failure, undecided: true });
    apply(world, { type: "secretsChanged", secrets }, 0);
    expect(world.secrets).toEqual(secrets);
  });
});

describe("what is known of the server", () => {
  it("is kept, and comes with a snapshot", () => {
    const world = new World();
    const compatibility: Compatibility = {
      dialect: "d",
      findings: [{ code: "messagesBetweenOthers", verdict: "yes", number: 3 }],
    };
    apply(world, { type: "compatibilityChanged", compatibility }, 0);
    expect(world.compatibility).toEqual(compatibility);
    apply(world, snapshot([]), 0);
    expect(world.compatibility).toBeNull();
  });
});

describe("a change of the roster", () => {
  it("updates who is known, adds who is new, and leaves the others", () => {
    const world = new World();
    apply(world, snapshot([entry("bob"), entry("eve")]), 0);
    const entries = [entry("bob", { unread: 2 }), entry("ann")];
    apply(world, { type: "rosterChanged", entries }, 0);
    expect(world.roster.order).toEqual(["ann", "bob", "eve"]);
    expect(world.roster.get("bob")?.unread).toBe(2);
    expect(world.roster.unread).toBe(2);
    apply(
      world,
      { type: "rosterChanged", entries: [entry("bob"), entry("eve", { unread: 5 })] },
      0,
    );
    expect(world.roster.unread).toBe(5);
  });
});

describe("a change of a timeline", () => {
  it("replaces by id, orders by position, and takes away", async () => {
    const world = await worldWithOpen([item(1), item(2), item(3)]);
    apply(
      world,
      {
        type: "timelineChanged",
        user: "bob",
        items: [item(2, { position: 35, content: "later" }), item(4)],
        removed: [1],
      },
      0,
    );
    expect(ids(world)).toEqual([3, 2, 4]);
    expect(world.timeline?.items[1]?.content).toBe("later");
  });

  it("of another conversation leaves the open one alone", async () => {
    const world = await worldWithOpen([item(1)]);
    apply(world, { type: "timelineChanged", user: "eve", items: [item(9)], removed: [1] }, 0);
    expect(ids(world)).toEqual([1]);
  });
});
