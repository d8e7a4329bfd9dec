import type { AccountKey } from "../generated/AccountKey";
import type { ClientEvent } from "../generated/ClientEvent";
import type { HostCommand } from "../generated/HostCommand";
import type { HostQuery } from "../generated/HostQuery";
import type { AnswerTo, Host, Platform } from "../platform/types";

/** The way to one account. What comes before anybody listens waits for them. */
export class Door implements Platform {
  readonly #host: Host;
  readonly #key: AccountKey;
  #listener: ((events: readonly ClientEvent[]) => void) | null = null;
  #waiting: ClientEvent[] = [];

  constructor(host: Host, key: AccountKey) {
    this.#host = host;
    this.#key = key;
  }

  async dispatch(command: HostCommand): Promise<void> {
    await this.#host.dispatch(this.#key, command);
  }

  query<Q extends HostQuery>(query: Q): Promise<AnswerTo<Q>> {
    return this.#host.query(this.#key, query);
  }

  subscribe(onEvents: (events: readonly ClientEvent[]) => void): Promise<void> {
    this.#listener = onEvents;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0) onEvents(waiting);
    return Promise.resolve();
  }

  /** Passes on what the account tells. */
  deliver(events: readonly ClientEvent[]): void {
    if (this.#listener === null) this.#waiting.push(...events);
    else this.#listener(events);
  }
}
