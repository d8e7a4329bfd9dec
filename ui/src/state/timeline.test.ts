import { describe, expect, it } from "vitest";

import type { TimelineItem } from "../generated/TimelineItem";
import type { TimelinePage } from "../generated/TimelinePage";
import { PAGE, Timeline } from "./timeline.svelte";

function item(position: number, rest: Partial<TimelineItem> = {}): TimelineItem {
  return {
    id: position,
    position,
    from: "bob",
    isMine: false,
    content: `text ${position}`,
    at: null,
    delivery: null,
    ...rest,
  };
}

/** An engine whose answers are held back until they are let go. */
class Engine {
  items: TimelineItem[];
  readonly asked: { before: number | null; limit: number }[] = [];
  readonly #held: (() => void)[] = [];
  holding = false;

  constructor(count: number) {
    this.items = Array.from({ length: count }, (_, index) => item(index + 1));
  }

  readonly fetch = async (
    user: string,
    before: number | null,
    limit: number,
  ): Promise<TimelinePage> => {
    this.asked.push({ before, limit });
    const all = this.items.filter(({ position }) => before === null || position < before);
    const page = { user, items: all.slice(-limit), complete: all.length <= limit };
    if (this.holding) await new Promise<void>((release) => this.#held.push(release));
    return page;
  };

  release(): void {
    this.#held.shift()?.();
  }
}

const positions = (timeline: Timeline) => timeline.items.map(({ position }) => position);

describe("pages", () => {
  it("come from the end, then from before what is here", async () => {
    const engine = new Engine(PAGE * 2 + 10);
    const timeline = new Timeline("bob", 0, engine.fetch);
    expect(timeline.phase).toBe("loading");
    await timeline.load();
    expect(timeline.phase).toBe("ready");
    expect(timeline.items).toHaveLength(PAGE);
    expect(timeline.complete).toBe(false);
    await timeline.loadOlder();
    expect(timeline.items).toHaveLength(PAGE * 2);
    await timeline.loadOlder();
    expect(positions(timeline)).toEqual(engine.items.map(({ position }) => position));
    expect(timeline.complete).toBe(true);
    expect(engine.asked.map(({ before }) => before)).toEqual([null, 61, 11]);
  });

  it("are asked for one at a time, and not beyond the beginning", async () => {
    const engine = new Engine(PAGE + 5);
    const timeline = new Timeline("bob", 0, engine.fetch);
    await timeline.load();
    await Promise.all([timeline.loadOlder(), timeline.loadOlder()]);
    await timeline.loadOlder();
    expect(engine.asked).toHaveLength(2);
  });

  it("that cannot be had are said so, and can be asked for again", async () => {
    let fails = true;
    const engine = new Engine(3);
    const timeline = new Timeline("bob", 0, async (...args) => {
      if (fails) throw new Error("busy");
      return engine.fetch(...args);
    });
    await timeline.load();
    expect(timeline.phase).toBe("failed");
    fails = false;
    await timeline.load();
    expect(timeline.phase).toBe("ready");
    fails = true;
    await timeline.load();
    expect(timeline.phase).toBe("ready");
    expect(timeline.items).toHaveLength(3);
  });
});

describe("events while a page is on its way", () => {
  it("are not lost, in whichever order they come", async () => {
    const engine = new Engine(3);
    engine.holding = true;
    const timeline = new Timeline("bob", 0, engine.fetch);
    const loading = timeline.load();
    timeline.change({ items: [item(4), item(2, { content: "edited" })], removed: [3] });
    engine.release();
    await loading;
    expect(positions(timeline)).toEqual([1, 2, 4]);
    expect(timeline.items[1]?.content).toBe("edited");
  });

  it("change what is here while an older page loads", async () => {
    const engine = new Engine(PAGE + 2);
    const timeline = new Timeline("bob", 0, engine.fetch);
    await timeline.load();
    engine.holding = true;
    const loading = timeline.loadOlder();
    timeline.change({ items: [item(900)], removed: [PAGE] });
    expect(positions(timeline)).toContain(900);
    engine.release();
    await loading;
    expect(positions(timeline)).toContain(900);
    expect(positions(timeline)).not.toContain(PAGE);
    expect(positions(timeline)[0]).toBe(1);
  });
});

describe("a change before the oldest item here", () => {
  it("waits for its page, so that no hole is shown as none", async () => {
    const engine = new Engine(PAGE + 20);
    const timeline = new Timeline("bob", 0, engine.fetch);
    await timeline.load();
    timeline.change({ items: [item(5, { content: "edited" })], removed: [] });
    expect(timeline.items).toHaveLength(PAGE);
    // Nor does one stay that has moved there.
    timeline.change({ items: [item(PAGE, { position: 3.5 })], removed: [] });
    expect(timeline.items).toHaveLength(PAGE - 1);
  });
});

describe("asking again", () => {
  it("covers all that was shown, and shows it until the answer is here", async () => {
    const engine = new Engine(PAGE * 8);
    const timeline = new Timeline("bob", 0, engine.fetch);
    await timeline.load();
    for (let page = 0; page < 5; page++) await timeline.loadOlder();
    const oldest = positions(timeline)[0];
    timeline.markStale();
    engine.items.push(item(1_000));
    engine.holding = true;
    const loading = timeline.load();
    expect(timeline.stale).toBe(false);
    expect(timeline.items).toHaveLength(PAGE * 6);
    engine.holding = false;
    engine.release();
    await loading;
    expect(positions(timeline).at(-1)).toBe(1_000);
    expect(positions(timeline)[0]).toBeLessThanOrEqual(oldest ?? 0);
  });

  it("makes an earlier answer void", async () => {
    const engine = new Engine(2);
    engine.holding = true;
    const timeline = new Timeline("bob", 0, engine.fetch);
    const first = timeline.load();
    engine.items = [item(7)];
    const second = timeline.load();
    engine.release();
    engine.release();
    await Promise.all([first, second]);
    expect(positions(timeline)).toEqual([7]);
  });
});

describe("what had not been seen", () => {
  it("begins with the first of the newest of the others", async () => {
    const engine = new Engine(9);
    engine.items.push(item(10, { isMine: true }));
    const timeline = new Timeline("bob", 2, engine.fetch);
    await timeline.load();
    expect(timeline.firstUnread).toBe(8);
    timeline.forgetUnread();
    expect(timeline.firstUnread).toBeNull();
  });

  it("is in the first page, if a page can hold it", async () => {
    const engine = new Engine(150);
    const timeline = new Timeline("bob", 120, engine.fetch);
    await timeline.load();
    expect(timeline.firstUnread).toBe(31);
    expect(positions(timeline)[0]).toBeLessThan(31);
  });
});

describe("a long conversation", () => {
  it("lets go of its oldest part, which can be had again", async () => {
    const engine = new Engine(PAGE);
    const timeline = new Timeline("bob", 0, engine.fetch);
    await timeline.load();
    expect(timeline.complete).toBe(true);
    engine.items.push(...Array.from({ length: 600 }, (_, index) => item(PAGE + 1 + index)));
    timeline.change({ items: engine.items.slice(PAGE), removed: [] });
    timeline.trim();
    expect(timeline.items).toHaveLength(200);
    expect(timeline.complete).toBe(false);
    await timeline.loadOlder();
    expect(timeline.items).toHaveLength(250);
    expect(positions(timeline)).toEqual([...positions(timeline)].sort((a, b) => a - b));
  });
});
