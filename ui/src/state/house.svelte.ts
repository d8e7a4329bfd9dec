import { SvelteMap } from "svelte/reactivity";

import type { AccountEntry } from "../generated/AccountEntry";
import type { AccountKey } from "../generated/AccountKey";
import type { AccountsCommand } from "../generated/AccountsCommand";
import type { AccountsEvent } from "../generated/AccountsEvent";
import type { Host } from "../platform/types";
import { byAccount } from "./batches";
import { Desk } from "./desk.svelte";
import { Door } from "./door";
import { Parlour } from "./parlour.svelte";
import type { Neighbours } from "./parlour.svelte";
import { problemOf } from "./problem";
import type { Problem } from "./problem";

/** An account, and all that its screens show. */
type Room = { readonly door: Door; readonly parlour: Parlour };

/** All accounts, and which of them is shown. Each has a world of its own. */
export class House implements Neighbours {
  readonly desk = new Desk();
  readonly #host: Host;
  readonly #rooms = new SvelteMap<AccountKey, Room>();
  #accounts = $state.raw<readonly AccountEntry[]>([]);
  #chosen = $state<AccountKey | null>(null);
  #problem = $state<Problem | null>(null);
  #removalAsked = $state(false);

  constructor(host: Host) {
    this.#host = host;
  }

  /** Begins to listen. */
  async start(): Promise<void> {
    await this.desk.load({ query: async (query) => this.#host.query(null, query) });
    try {
      await this.#host.subscribe((events) => {
        this.#take(events);
      });
    } catch (error) {
      this.#problem = problemOf(error);
    }
  }

  /** The accounts there are, in order. */
  get accounts(): readonly AccountEntry[] {
    return this.#accounts;
  }

  get isAlone(): boolean {
    return this.#accounts.length <= 1;
  }

  /** The account that is shown: the one chosen last, or else the first. */
  get current(): AccountEntry | null {
    const chosen = this.#accounts.find(({ key }) => key === this.#chosen);
    return chosen ?? this.#accounts[0] ?? null;
  }

  /** What the account that is shown shows. */
  get parlour(): Parlour | null {
    return this.current === null ? null : this.parlourOf(this.current.key);
  }

  parlourOf(key: AccountKey): Parlour | null {
    return this.#rooms.get(key)?.parlour ?? null;
  }

  /** How many messages of all accounts together have not been seen. */
  get unread(): number {
    return this.#accounts.reduce((sum, { key }) => sum + this.unreadOf(key), 0);
  }

  unreadOf(key: AccountKey): number {
    return this.parlourOf(key)?.world.roster.unread ?? 0;
  }

  /** What a person asked for last and did not get, until they put it away. */
  get problem(): Problem | null {
    return this.#problem;
  }

  dismissProblem(): void {
    this.#problem = null;
  }

  show(key: AccountKey): void {
    if (key !== this.current?.key) this.parlour?.saveDrafts();
    this.#chosen = key;
    this.#removalAsked = false;
  }

  /** Shows an account that nobody has used yet, made for it if there is none. */
  async add(): Promise<void> {
    const key = await this.#manage({ type: "addAccount" });
    if (key !== null) this.show(key);
  }

  async retry(account: AccountKey): Promise<void> {
    await this.#manage({ type: "retryAccount", account });
  }

  /** Whether to ask if the account that is shown is to be removed. */
  get removalAsked(): boolean {
    return this.#removalAsked;
  }

  askRemoval(): void {
    this.#removalAsked = true;
  }

  leaveRemoval(): void {
    this.#removalAsked = false;
  }

  /** Removes an account, and shows another. */
  async remove(account: AccountKey, keepHistory: boolean): Promise<void> {
    this.#removalAsked = false;
    await this.#manage({ type: "removeAccount", account, keepHistory });
  }

  async #manage(command: AccountsCommand): Promise<AccountKey | null> {
    this.#problem = null;
    try {
      return await this.#host.dispatch(null, command);
    } catch (error) {
      this.#problem = problemOf(error);
      return null;
    }
  }

  #take(events: readonly AccountsEvent[]): void {
    // What an account tells comes after it is listed.
    for (const event of events) if (event.type === "accounts") this.#list(event.accounts);
    for (const [key, batch] of byAccount(events)) this.#rooms.get(key)?.door.deliver(batch);
  }

  #list(accounts: readonly AccountEntry[]): void {
    for (const key of [...this.#rooms.keys()]) {
      if (!accounts.some((account) => account.key === key)) this.#rooms.delete(key);
    }
    for (const { key } of accounts) {
      if (!this.#rooms.has(key)) this.#rooms.set(key, this.#room(key));
    }
    this.#accounts = accounts;
  }

  #room(key: AccountKey): Room {
    const door = new Door(this.#host, key);
    const parlour = new Parlour(door, this.desk, this);
    void parlour.start();
    return { door, parlour };
  }
}
