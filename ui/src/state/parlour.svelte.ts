import type { AccountView } from "../generated/AccountView";
import type { ClientEvent } from "../generated/ClientEvent";
import type { HostCommand } from "../generated/HostCommand";
import type { ItemId } from "../generated/ItemId";
import type { RosterEntry } from "../generated/RosterEntry";
import type { SecretsBackend } from "../generated/SecretsBackend";
import type { Settings } from "../generated/Settings";
import type { Theme } from "../generated/Theme";
import type { UserId } from "../generated/UserId";
import type { Platform } from "../platform/types";
import { apply } from "./apply";
import { Clock } from "./clock.svelte";
import { Desk } from "./desk.svelte";
import { Drafts, isSame } from "./drafts.svelte";
import type { DraftKey } from "./drafts.svelte";
import { problemOf } from "./problem";
import type { Problem } from "./problem";
import { Timeline } from "./timeline.svelte";
import { World } from "./world.svelte";

/** What is typed into the form of the sign-in; `null` where nothing was typed. */
export type SignInForm = { server: string | null; username: string | null };

/** What one account knows of the others. */
export interface Neighbours {
  /** Whether there are none. */
  readonly isAlone: boolean;
  /** Asks for a further account. */
  add(): Promise<void>;
}

/** How often the engine is told that somebody writes here. */
const TYPING_MS = 3_000;

/** Everything the screens of one account show, and everything a person can do on them. */
export class Parlour {
  readonly world = new World();
  readonly clock = new Clock();
  readonly form = $state<SignInForm>({ server: null, username: null });
  readonly #drafts = new Drafts((key, text) => {
    void this.#saveDraft(key, text);
  });
  readonly #platform: Platform;
  readonly #desk: Desk;
  #problem = $state<Problem | null>(null);
  #secretsDismissed = $state(false);
  #secretsAsked = $state(false);
  #typingTold = -Infinity;
  #signOutAsked = $state(false);

  /** The other accounts, where there can be any. */
  readonly neighbours: Neighbours | null;

  constructor(platform: Platform, desk = new Desk(), neighbours: Neighbours | null = null) {
    this.#platform = platform;
    this.#desk = desk;
    this.neighbours = neighbours;
  }

  /** Begins to listen. Resolves once there is something to show. */
  async start(): Promise<void> {
    await this.#desk.load(this.#platform);
    try {
      await this.#platform.subscribe((events) => {
        this.#take(events);
      });
    } catch (error) {
      this.#problem = problemOf(error);
    }
  }

  /** Whether the first snapshot is here. */
  get ready(): boolean {
    return this.#desk.known && this.world.session !== null;
  }

  get settings(): Settings {
    return this.#desk.settings;
  }

  /** Whether the window has the keyboard, so that somebody may be reading. */
  get focused(): boolean {
    return this.#desk.focused;
  }

  set focused(focused: boolean) {
    this.#desk.focused = focused;
  }

  /** What a person asked for last and did not get, until they put it away. */
  get problem(): Problem | null {
    return this.#problem;
  }

  dismissProblem(): void {
    this.#problem = null;
  }

  /** Who is signed in, where. */
  get account(): AccountView | null {
    const session = this.world.session;
    return session === null || session.state === "signedOut" ? null : session.account;
  }

  /** The other side of the open conversation. */
  get openUser(): RosterEntry | undefined {
    const timeline = this.world.timeline;
    return timeline === null ? undefined : this.world.roster.get(timeline.user);
  }

  /** Whether to warn that the session is not kept. */
  get secretsAtRisk(): boolean {
    return this.world.secrets?.failure != null && !this.#secretsDismissed;
  }

  dismissSecrets(): void {
    this.#secretsDismissed = true;
  }

  /** Whether to ask where the session is to be kept. */
  get secretsAsked(): boolean {
    return this.#secretsAsked;
  }

  askSecrets(): void {
    this.#secretsAsked = true;
  }

  leaveSecrets(): void {
    this.#secretsAsked = false;
  }

  /** Keeps the session there from now on. */
  chooseSecrets(backend: SecretsBackend): void {
    this.#secretsAsked = false;
    // What comes of it is to be seen, also after an earlier notice was put away.
    this.#secretsDismissed = false;
    void this.#act({ type: "chooseSecrets", backend });
  }

  /** Opens a conversation, which also marks it as read. */
  open(user: UserId): void {
    const unread = this.world.roster.get(user)?.unread ?? 0;
    if (this.world.timeline?.user !== user) {
      this.#drafts.flush();
      const timeline = new Timeline(user, unread, async (who, before, limit) =>
        this.#platform.query({ type: "timeline", user: who, before, limit }),
      );
      this.world.timeline = timeline;
      void timeline.load();
    }
    if (unread > 0) this.markRead(user);
  }

  /** Closes the conversation: on a narrow window, back to the roster. */
  close(): void {
    this.#drafts.flush();
    this.world.timeline = null;
  }

  markRead(user: UserId): void {
    // A refusal changes nothing that a person would miss: the next look marks it again.
    void this.#try({ type: "markRead", user });
  }

  draft(to: UserId): string {
    return this.#drafts.get(this.#draftKey(to)) ?? this.world.roster.get(to)?.draft ?? "";
  }

  /** Has everything stored that was typed: the window may go. */
  saveDrafts(): void {
    this.#drafts.flush();
  }

  async #saveDraft(key: DraftKey, text: string): Promise<void> {
    // The engine would take it for the one who is signed in now.
    if (!isSame(key, this.#draftKey(key.to))) return;
    const content = text.toWellFormed();
    const problem = await this.#try({ type: "saveDraft", user: key.to, content });
    if (problem !== null) this.#problem = problem;
  }

  setDraft(to: UserId, text: string): void {
    this.#drafts.set(this.#draftKey(to), text);
    if (text !== "") this.#tellTyping(to);
  }

  /** Whether somebody is writing to us. */
  isTyping(user: UserId): boolean {
    const until = this.world.typing.get(user);
    return until !== undefined && this.clock.now < until;
  }

  #tellTyping(to: UserId): void {
    const now = performance.now();
    const isOther = this.world.roster.get(to)?.isSelf === false;
    if (!isOther || !this.world.isOnline || now - this.#typingTold < TYPING_MS) return;
    this.#typingTold = now;
    // Nobody misses it.
    void this.#try({ type: "typing", to });
  }

  /** Sends the draft of a conversation. What was not accepted stays a draft. */
  async sendDraft(to: UserId): Promise<Problem | null> {
    const key = this.#draftKey(to);
    const text = this.draft(to);
    const stored = (this.world.roster.get(to)?.draft ?? null) !== null;
    const problem = await this.#try({ type: "sendMessage", to, content: tidy(text) });
    if (problem === null) this.#drafts.sent(key, text, stored);
    return problem;
  }

  async signIn(server: string, username: string): Promise<Problem | null> {
    return this.#try({ type: "signIn", server, username });
  }

  async resume(): Promise<Problem | null> {
    return this.#try({ type: "resume" });
  }

  /** Whether to ask if the session is to be forgotten. */
  get signOutAsked(): boolean {
    return this.#signOutAsked;
  }

  askSignOut(): void {
    this.#signOutAsked = true;
  }

  leaveSignOut(): void {
    this.#signOutAsked = false;
  }

  /** Forgets the session. Drafts belong to it: they are there when it is. */
  async signOut(): Promise<void> {
    this.#signOutAsked = false;
    this.#drafts.flush();
    if (await this.#act({ type: "signOut" })) this.#drafts.clear();
  }

  reconnect(): void {
    void this.#act({ type: "reconnect" });
  }

  retryMessage(item: ItemId): void {
    void this.#act({ type: "retryMessage", item });
  }

  discardMessage(item: ItemId): void {
    void this.#act({ type: "discardMessage", item });
  }

  saveSession(): void {
    void this.#act({ type: "saveSession" });
  }

  async setTheme(theme: Theme): Promise<void> {
    const before = this.#desk.settings;
    this.#desk.settings = { ...before, theme };
    if (!(await this.#act({ type: "setTheme", theme }))) this.#desk.settings = before;
  }

  #take(events: readonly ClientEvent[]): void {
    const now = performance.now();
    for (const event of events) apply(this.world, event, now);
    const { session, secrets, timeline } = this.world;
    if (session?.state === "signedOut") this.close();
    // What was typed has been of use; the next form starts with what the engine remembers.
    if (session?.state === "online") this.#resetForm();
    if (secrets?.failure == null) this.#secretsDismissed = false;
    if (timeline?.stale === true) void timeline.load();
  }

  #resetForm(): void {
    this.form.server = null;
    this.form.username = null;
  }

  #draftKey(to: UserId): DraftKey {
    return { server: this.account?.server ?? "", self: this.account?.userId ?? null, to };
  }

  async #try(command: HostCommand): Promise<Problem | null> {
    try {
      await this.#platform.dispatch(command);
      return null;
    } catch (error) {
      return problemOf(error);
    }
  }

  /** For what has no place of its own to say that it failed. */
  async #act(command: HostCommand): Promise<boolean> {
    const problem = await this.#try(command);
    this.#problem = problem;
    return problem === null;
  }
}

/**
 * The text as it is sent: without blank lines before it and blanks after it,
 * and without halves of characters, which no server can carry.
 */
function tidy(text: string): string {
  return text
    .replace(/^(?:[^\S\n]*\n)+/, "")
    .trimEnd()
    .toWellFormed();
}
