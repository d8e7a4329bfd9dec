import { SvelteMap } from "svelte/reactivity";

import type { RosterEntry } from "../generated/RosterEntry";
import type { UserId } from "../generated/UserId";

const byName = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

/** Where an entry stands before names are compared: oneself, the others, those who are gone. */
function shelf(entry: RosterEntry): number {
  if (entry.isSelf) return 0;
  return entry.presence === "gone" ? 2 : 1;
}

/** A person who is gone, and with whom nothing was said or begun, is of no use to anyone. */
function isShown(entry: RosterEntry): boolean {
  return entry.presence !== "gone" || entry.lastMessage !== null || entry.draft !== null;
}

function compare(a: RosterEntry, b: RosterEntry): number {
  return (
    shelf(a) - shelf(b) ||
    byName.compare(a.username, b.username) ||
    (a.userId < b.userId ? -1 : a.userId > b.userId ? 1 : 0)
  );
}

/** Everyone there is, and the order they are shown in. */
export class Roster {
  readonly #entries = new SvelteMap<UserId, RosterEntry>();
  #order = $state.raw<readonly UserId[]>([]);
  // Kept by hand: a sum over ten thousand entries would follow each of them.
  #unread = $state(0);

  /** Who is shown, from top to bottom. */
  get order(): readonly UserId[] {
    return this.#order;
  }

  /** The entry of oneself, once a server has given one. */
  get self(): RosterEntry | undefined {
    const first = this.#order[0];
    const entry = first === undefined ? undefined : this.#entries.get(first);
    return entry?.isSelf === true ? entry : undefined;
  }

  /** Whether there is nobody to write to and nothing to read. */
  get isBare(): boolean {
    return this.#order.every((id) => {
      const entry = this.#entries.get(id);
      return entry === undefined || (entry.isSelf && entry.lastMessage === null);
    });
  }

  /** How many messages of everyone together have not been seen. */
  get unread(): number {
    return this.#unread;
  }

  get(user: UserId): RosterEntry | undefined {
    return this.#entries.get(user);
  }

  /** Takes a whole roster in place of what was known. */
  replace(entries: readonly RosterEntry[]): void {
    this.#entries.clear();
    for (const entry of entries) this.#entries.set(entry.userId, entry);
    this.#unread = entries.reduce((sum, entry) => sum + entry.unread, 0);
    this.#sort();
  }

  /** Takes entries that are new or have changed. */
  upsert(entries: readonly RosterEntry[]): void {
    let moved = false;
    for (const entry of entries) {
      const before = this.#entries.get(entry.userId);
      moved ||=
        before === undefined ||
        before.username !== entry.username ||
        shelf(before) !== shelf(entry) ||
        isShown(before) !== isShown(entry);
      this.#unread += entry.unread - (before?.unread ?? 0);
      this.#entries.set(entry.userId, entry);
    }
    // Most changes are a dot or a count: ten thousand names need no sorting for those.
    if (moved) this.#sort();
  }

  #sort(): void {
    this.#order = [...this.#entries.values()]
      .filter(isShown)
      .sort(compare)
      .map((entry) => entry.userId);
  }
}
