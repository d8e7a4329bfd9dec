import type { ItemId } from "../generated/ItemId";
import type { TimelineItem } from "../generated/TimelineItem";
import type { TimelinePage } from "../generated/TimelinePage";
import type { UserId } from "../generated/UserId";
import { merge } from "./merge";
import type { TimelineChange } from "./merge";

/** Items asked for at once: about two screens. */
export const PAGE = 50;

/** The most that the engine gives at once. */
const LARGEST_PAGE = 200;

/** Above this many items the oldest are let go while nobody looks at them. */
const TRIM_ABOVE = 600;

/** How many of the newest items stay then. */
const TRIM_TO = 200;

/** Asks the engine for a page. */
export type FetchPage = (
  user: UserId,
  before: number | null,
  limit: number,
) => Promise<TimelinePage>;

/**
 * The open conversation: an unbroken run of its newest items.
 *
 * Pages and events come by two ways whose order against each other is not
 * known. So what events say while a page is on its way is said again once the
 * page is in. An event that is older than the page may show a state that is
 * past, but the events that led to the page are then still to come.
 */
export class Timeline {
  #items = $state.raw<readonly TimelineItem[]>([]);
  #phase = $state<"loading" | "ready" | "failed">("loading");
  #complete = $state(false);
  #loadingOlder = $state(false);
  #firstUnread = $state<ItemId | null>(null);

  /** The smallest position that the run covers. */
  #floor = Number.POSITIVE_INFINITY;
  /** What events said since a page was asked for; `null` while none is on its way. */
  #meanwhile: TimelineChange[] | null = null;
  /** A newer request makes the answers to older ones void. */
  #request = 0;
  #stale = false;

  constructor(
    readonly user: UserId,
    /** How many messages had not been seen when the conversation was opened. */
    private readonly unseen: number,
    private readonly fetchPage: FetchPage,
  ) {}

  /** The items, by rising position. */
  get items(): readonly TimelineItem[] {
    return this.#items;
  }

  /** Whether the newest items are here yet. */
  get phase(): "loading" | "ready" | "failed" {
    return this.#phase;
  }

  /** Whether nothing older exists. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Whether an older page is on its way. */
  get loadingOlder(): boolean {
    return this.#loadingOlder;
  }

  /** The first item that had not been seen when the conversation was opened. */
  get firstUnread(): ItemId | null {
    return this.#firstUnread;
  }

  /** Whether what is here may miss something, and has to be asked for again. */
  get stale(): boolean {
    return this.#stale;
  }

  markStale(): void {
    this.#stale = true;
  }

  /** The mark of what is new has done its work. */
  forgetUnread(): void {
    this.#firstUnread = null;
  }

  /** Takes what an event said. */
  change(change: TimelineChange): void {
    this.#meanwhile?.push(change);
    this.#items = merge(this.#items, change, this.#floor);
  }

  /**
   * Asks for everything that is shown, again; the first time, for the newest
   * page. What is shown stays until the answer is here.
   */
  async load(): Promise<void> {
    const request = ++this.#request;
    const first = this.#phase !== "ready";
    const covered = this.#floor;
    this.#stale = false;
    this.#meanwhile = [];
    this.#loadingOlder = false;
    if (first) this.#phase = "loading";
    try {
      let items: readonly TimelineItem[] = [];
      let complete = false;
      let floor = Number.POSITIVE_INFINITY;
      do {
        const before = items[0]?.position ?? null;
        const page = await this.fetchPage(
          this.user,
          before,
          first ? this.#firstPage() : LARGEST_PAGE,
        );
        if (request !== this.#request) return;
        items = [...page.items, ...items];
        complete = page.complete || page.items.length === 0;
        floor = complete ? Number.NEGATIVE_INFINITY : (items[0]?.position ?? floor);
      } while (!first && !complete && floor > covered);
      this.#settle(items, floor, complete);
      if (first) this.#firstUnread = this.#findFirstUnread();
      this.#phase = "ready";
    } catch {
      if (request !== this.#request) return;
      this.#meanwhile = null;
      // What is on the screen already is better than an excuse for it.
      if (first) this.#phase = "failed";
    }
  }

  /** Asks for the page before the oldest item. */
  async loadOlder(): Promise<void> {
    if (this.#phase !== "ready" || this.#complete || this.#meanwhile !== null) return;
    const request = ++this.#request;
    this.#meanwhile = [];
    this.#loadingOlder = true;
    try {
      const page = await this.fetchPage(this.user, this.#floor, PAGE);
      if (request !== this.#request) return;
      const complete = page.complete || page.items.length === 0;
      const floor = complete
        ? Number.NEGATIVE_INFINITY
        : Math.min(this.#floor, page.items[0]?.position ?? this.#floor);
      this.#settle(
        merge(page.items, { items: this.#items, removed: [] }, Number.NEGATIVE_INFINITY),
        floor,
        complete,
      );
    } catch {
      // Scrolling up again asks again.
      if (request === this.#request) this.#meanwhile = null;
    } finally {
      if (request === this.#request) this.#loadingOlder = false;
    }
  }

  /** Lets go of old items of a long conversation; they can be had again. */
  trim(): void {
    if (this.#items.length <= TRIM_ABOVE || this.#meanwhile !== null) return;
    this.#items = this.#items.slice(-TRIM_TO);
    this.#floor = this.#items[0]?.position ?? this.#floor;
    this.#complete = false;
  }

  #settle(items: readonly TimelineItem[], floor: number, complete: boolean): void {
    this.#floor = floor;
    this.#complete = complete;
    let merged = items;
    for (const change of this.#meanwhile ?? []) merged = merge(merged, change, floor);
    this.#meanwhile = null;
    this.#items = merged;
  }

  /** Large enough to begin before what has not been seen, if one page can be. */
  #firstPage(): number {
    return Math.min(Math.max(PAGE, this.unseen + PAGE / 2), LARGEST_PAGE);
  }

  #findFirstUnread(): ItemId | null {
    const theirs = this.#items.filter((item) => !item.isMine);
    return this.unseen === 0 ? null : (theirs.at(-this.unseen)?.id ?? null);
  }
}
