import type { AccountKey } from "../generated/AccountKey";
import type { AccountsEvent } from "../generated/AccountsEvent";
import type { ClientEvent } from "../generated/ClientEvent";
import type { HostAnswer } from "../generated/HostAnswer";
import type { HostCommand } from "../generated/HostCommand";
import type { HostQuery } from "../generated/HostQuery";
import type { RefusalCode } from "../generated/RefusalCode";

/** The answer that belongs to a question. */
export type AnswerTo<Q extends HostQuery> = Extract<HostAnswer, { type: Q["type"] }>;

/**
 * The only door out of the page: to all accounts, and to the shell around them.
 * What concerns one account names it.
 */
export interface Host {
  /**
   * Resolves once the request is accepted, with the key of an account that was
   * asked for; rejects with {@link Refused} when it is not.
   */
  dispatch(account: AccountKey | null, command: HostCommand): Promise<AccountKey | null>;
  /** Rejects with {@link Refused}. */
  query<Q extends HostQuery>(account: AccountKey | null, query: Q): Promise<AnswerTo<Q>>;
  /**
   * Batches of events, in order, for as long as the page lives: the accounts first,
   * then each one's snapshot, and what happens.
   */
  subscribe(onEvents: (events: readonly AccountsEvent[]) => void): Promise<void>;
}

/** One account's part of it. */
export interface Platform {
  /** Resolves once the request is accepted; rejects with {@link Refused} when it is not. */
  dispatch(command: HostCommand): Promise<void>;
  /** Rejects with {@link Refused}. */
  query<Q extends HostQuery>(query: Q): Promise<AnswerTo<Q>>;
  /**
   * Batches of events, in order, for as long as the page lives. The first event
   * is a snapshot; a lagged event is followed by another.
   */
  subscribe(onEvents: (events: readonly ClientEvent[]) => void): Promise<void>;
}

/** The engine did not accept a request: nothing has changed. */
export class Refused extends Error {
  constructor(readonly code: RefusalCode) {
    super(code);
    this.name = "Refused";
  }
}
