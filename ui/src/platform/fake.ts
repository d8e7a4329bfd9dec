import type { ClientEvent } from "../generated/ClientEvent";
import type { Delivery } from "../generated/Delivery";
import type { HostAnswer } from "../generated/HostAnswer";
import type { HostCommand } from "../generated/HostCommand";
import type { HostQuery } from "../generated/HostQuery";
import type { RefusalCode } from "../generated/RefusalCode";
import type { RosterEntry } from "../generated/RosterEntry";
import type { SearchPage } from "../generated/SearchPage";
import type { SecretsView } from "../generated/SecretsView";
import type { ServerOptions } from "../generated/ServerOptions";
import type { SessionView } from "../generated/SessionView";
import type { Settings } from "../generated/Settings";
import type { TimelineItem } from "../generated/TimelineItem";
import type { UserId } from "../generated/UserId";
import { Refused } from "./types";
import type { AnswerTo, Platform } from "./types";

/** What a made-up message needs to be told; the rest follows. */
export type FakeMessage = Partial<TimelineItem> & { content: string };

/**
 * An engine in memory, for tests and for `npm run dev`: it keeps what it is
 * told and answers from it. It decides nothing by itself; a script does, in
 * `onCommand`.
 */
export class FakePlatform implements Platform {
  settings: Settings = { theme: "system", defaultServer: null, profile: "default" };
  session: SessionView = {
    state: "signedOut",
    server: null,
    username: null,
    reason: null,
    resumable: false,
  };
  options: ServerOptions = {};
  secrets: SecretsView = {
    backend: "keyring",
    wanted: "keyring",
    failure: null,
    undecided: false,
    choices: ["keyring", "file", "memory"],
  };
  /** Every command that was accepted, in order. */
  readonly accepted: HostCommand[] = [];
  /** Commands that are refused, and why. */
  readonly refusals = new Map<HostCommand["type"], RefusalCode>();
  /** What follows from a command. */
  onCommand: (command: HostCommand) => void = () => undefined;
  /** How long an answer to a query takes, in milliseconds; `null` answers at once. */
  latency: number | null = null;

  readonly #roster = new Map<UserId, RosterEntry>();
  readonly #timelines = new Map<UserId, TimelineItem[]>();
  #listener: ((events: readonly ClientEvent[]) => void) | null = null;
  #nextId = 1;

  async dispatch(command: HostCommand): Promise<void> {
    await Promise.resolve();
    const refusal = this.refusals.get(command.type);
    if (refusal !== undefined) throw new Refused(refusal);
    this.accepted.push(command);
    if (command.type === "setTheme") this.settings = { ...this.settings, theme: command.theme };
    if (command.type === "saveDraft")
      this.enter({ userId: command.user, draft: command.content === "" ? null : command.content });
    if (command.type === "markRead") this.enter({ userId: command.user, unread: 0 });
    this.onCommand(command);
  }

  async query<Q extends HostQuery>(query: Q): Promise<AnswerTo<Q>> {
    const { latency } = this;
    if (latency !== null) await new Promise((resolve) => setTimeout(resolve, latency));
    // The switch answers each question with its own kind; generics cannot see that.
    return this.#answer(query) as AnswerTo<Q>;
  }

  async subscribe(onEvents: (events: readonly ClientEvent[]) => void): Promise<void> {
    this.#listener = onEvents;
    this.snapshot();
    return Promise.resolve();
  }

  /** Tells the page something. */
  emit(...events: ClientEvent[]): void {
    this.#listener?.(events);
  }

  /** Tells the page everything but timelines. */
  snapshot(): void {
    const roster = [...this.#roster.values()];
    this.emit({
      type: "snapshot",
      snapshot: { session: this.session, secrets: this.secrets, compatibility: null, roster },
    });
  }

  /** Where the session is kept has changed. */
  keep(change: Partial<SecretsView>): void {
    this.secrets = { ...this.secrets, ...change };
    this.emit({ type: "secretsChanged", secrets: this.secrets });
  }

  become(session: SessionView): void {
    this.session = session;
    this.emit({ type: "sessionChanged", session });
  }

  /** Adds somebody to the roster, or changes what is known of them. */
  enter(change: Partial<RosterEntry> & { userId: UserId }): void {
    const entry: RosterEntry = {
      username: change.userId,
      isSelf: false,
      presence: "online",
      unread: 0,
      lastMessage: null,
      receivedUpTo: null,
      readUpTo: null,
      draft: null,
      ...this.#roster.get(change.userId),
      ...change,
    };
    this.#roster.set(entry.userId, entry);
    this.emit({ type: "rosterChanged", entries: [entry] });
  }

  everyone(): readonly RosterEntry[] {
    return [...this.#roster.values()];
  }

  /** Adds a message to the end of a conversation. `from` is the other side unless it is mine. */
  say(user: UserId, message: FakeMessage): TimelineItem {
    const id = this.#nextId++;
    const isMine = message.isMine ?? false;
    const item: TimelineItem = {
      id,
      position: id,
      from: isMine ? "me" : user,
      isMine,
      at: null,
      delivery: isMine ? "sent" : null,
      ...message,
    };
    const items = this.#timelines.get(user) ?? [];
    items.push(item);
    this.#timelines.set(user, items);
    this.emit({ type: "timelineChanged", user, items: [item], removed: [] });
    if (this.#roster.has(user)) this.enter({ userId: user, lastMessage: item });
    return item;
  }

  /** A message got further, or did not. */
  deliver(user: UserId, id: number, delivery: Delivery): void {
    const items = this.#timelines.get(user) ?? [];
    const index = items.findIndex((item) => item.id === id);
    const before = items[index];
    if (before === undefined) return;
    const item = { ...before, delivery };
    items[index] = item;
    this.emit({ type: "timelineChanged", user, items: [item], removed: [] });
  }

  /** Takes a message away. */
  drop(user: UserId, id: number): void {
    const items = this.#timelines.get(user) ?? [];
    this.#timelines.set(
      user,
      items.filter((item) => item.id !== id),
    );
    this.emit({ type: "timelineChanged", user, items: [], removed: [id] });
  }

  /** In whose conversation a message is. */
  whereIs(id: number): UserId | null {
    for (const [user, items] of this.#timelines) {
      if (items.some((item) => item.id === id)) return user;
    }
    return null;
  }

  #search(query: HostQuery & { type: "search" }): SearchPage {
    const text = query.text.trim().toLowerCase();
    const asked = [...this.#timelines].filter(([user]) => (query.user ?? user) === user);
    const found = asked.flatMap(([user, items]) =>
      items
        .filter((item) => query.before === null || item.id < query.before)
        .filter((item) => text !== "" && item.content.toLowerCase().includes(text))
        .map((item) => ({ user, item })),
    );
    found.sort((one, other) => other.item.id - one.item.id);
    const hits = found.slice(0, query.limit).map(({ user, item }) => {
      const { id, position, at, isMine, content } = item;
      const start = content.toLowerCase().indexOf(text);
      const snippet = [
        { text: content.slice(0, start), matched: false },
        { text: content.slice(start, start + text.length), matched: true },
        { text: content.slice(start + text.length), matched: false },
      ].filter((part) => part.text !== "");
      return { item: id, user, position, at, isMine, snippet };
    });
    const last = hits.at(-1);
    return { hits, next: found.length > hits.length && last !== undefined ? last.item : null };
  }

  #answer(query: HostQuery): HostAnswer {
    switch (query.type) {
      case "settings":
        return { type: "settings", ...this.settings };
      case "serverOptions":
        return { type: "serverOptions", ...this.options };
      case "timeline": {
        const { user, before, after } = query;
        const all = (this.#timelines.get(user) ?? []).filter(
          (item) =>
            (before === null || item.position < before) &&
            (after === undefined || item.position > after),
        );
        const items = after === undefined ? all.slice(-query.limit) : all.slice(0, query.limit);
        return { type: "timeline", user, items, complete: items.length === all.length };
      }
      case "search":
        return { type: "search", ...this.#search(query) };
    }
  }
}
