import type { AccountEntry } from "../generated/AccountEntry";
import type { AccountKey } from "../generated/AccountKey";
import type { AccountState } from "../generated/AccountState";
import type { AccountsEvent } from "../generated/AccountsEvent";
import type { HostCommand } from "../generated/HostCommand";
import type { HostQuery } from "../generated/HostQuery";
import type { RefusalCode } from "../generated/RefusalCode";
import { FakePlatform } from "./fake";
import { Refused } from "./types";
import type { AnswerTo, Host } from "./types";

/** Several engines in memory, for tests and for `npm run dev`. */
export class FakeHost implements Host {
  readonly accounts = new Map<AccountKey, FakePlatform>();
  /** What was asked of all accounts together. */
  readonly managed: HostCommand[] = [];
  /** Requests for all accounts together that are refused, and why. */
  readonly refusals = new Map<HostCommand["type"], RefusalCode>();
  readonly #entries = new Map<AccountKey, AccountEntry>();
  #listener: ((events: readonly AccountsEvent[]) => void) | null = null;
  #nextKey = 1;

  /** Adds an account to the end. */
  move(fake: FakePlatform, state: AccountState = { state: "running" }): AccountKey {
    const key = this.#nextKey++;
    const { session } = fake;
    const who = session.state === "signedOut" ? null : session.account;
    this.accounts.set(key, fake);
    this.#entries.set(key, { key, who, state, twin: null });
    this.#list();
    if (this.#listener !== null && state.state === "running") void this.#listen(key, fake);
    return key;
  }

  /** Another state of an account. */
  change(key: AccountKey, change: Partial<AccountEntry>): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.set(key, { ...entry, ...change });
    this.#list();
  }

  async dispatch(account: AccountKey | null, command: HostCommand): Promise<AccountKey | null> {
    await Promise.resolve();
    const fake = account === null ? undefined : this.accounts.get(account);
    if (fake !== undefined) {
      await fake.dispatch(command);
      return null;
    }
    const refusal = this.refusals.get(command.type);
    if (refusal !== undefined) throw new Refused(refusal);
    this.managed.push(command);
    switch (command.type) {
      case "addAccount":
        return this.move(new FakePlatform());
      case "removeAccount":
        this.accounts.delete(command.account);
        this.#entries.delete(command.account);
        if (this.accounts.size === 0) this.move(new FakePlatform());
        this.#list();
        return null;
      default:
        return null;
    }
  }

  query<Q extends HostQuery>(account: AccountKey | null, query: Q): Promise<AnswerTo<Q>> {
    const fake = this.accounts.get(account ?? 1);
    return fake === undefined ? Promise.reject(new Refused("unknownAccount")) : fake.query(query);
  }

  async subscribe(onEvents: (events: readonly AccountsEvent[]) => void): Promise<void> {
    this.#listener = onEvents;
    this.#list();
    for (const [key, fake] of this.accounts) await this.#listen(key, fake);
  }

  #listen(account: AccountKey, fake: FakePlatform): Promise<void> {
    return fake.subscribe((events) => {
      this.#listener?.(events.map((event) => ({ type: "account", account, event })));
    });
  }

  #list(): void {
    this.#listener?.([{ type: "accounts", accounts: [...this.#entries.values()] }]);
  }
}
