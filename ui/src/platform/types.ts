import type { Answer } from "../generated/Answer";
import type { ClientEvent } from "../generated/ClientEvent";
import type { Command } from "../generated/Command";
import type { Query } from "../generated/Query";
import type { RefusalCode } from "../generated/RefusalCode";

/** Which colours the window has. */
export type Theme = "system" | "light" | "dark";

/** What the host, not the engine, keeps: the same for everyone who signs in here. */
export type Settings = {
  theme: Theme;
  /** The address to fill the form with when nobody has signed in yet. */
  defaultServer: string | null;
  /** The name of this identity's folder; `default` unless another was asked for. */
  profile: string;
};

/** A request to the engine or to the host around it. */
export type HostCommand = Command | { type: "setTheme"; theme: Theme };

/** A question to the engine or to the host around it. */
export type HostQuery = Query | { type: "settings" };

/** The answer to a {@link HostQuery} of the same `type`. */
export type HostAnswer = Answer | ({ type: "settings" } & Settings);

/** The answer that belongs to a question. */
export type AnswerTo<Q extends HostQuery> = Extract<HostAnswer, { type: Q["type"] }>;

/** The only door out of the page. */
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
