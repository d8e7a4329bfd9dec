import { SvelteMap } from "svelte/reactivity";

import type { Compatibility } from "../generated/Compatibility";
import type { Failure } from "../generated/Failure";
import type { SecretsView } from "../generated/SecretsView";
import type { SessionView } from "../generated/SessionView";
import type { UserId } from "../generated/UserId";
import { Roster } from "./roster.svelte";
import type { Timeline } from "./timeline.svelte";

/** What the engine has told. Only `apply` changes it. */
export class World {
  /** Where we stand with the server; `null` until the first snapshot. */
  session = $state.raw<SessionView | null>(null);
  /** When the next attempt follows, on the clock of `Clock.now`. */
  retryAt = $state<number | null>(null);
  /** What went wrong last, kept while it is tried again. */
  trouble = $state.raw<Failure | null>(null);
  /** Whether this session has been online since it began. */
  wasOnline = $state(false);
  secrets = $state.raw<SecretsView | null>(null);
  /** What is known of the server. */
  compatibility = $state.raw<Compatibility | null>(null);
  /** The open conversation. */
  timeline = $state.raw<Timeline | null>(null);
  readonly roster = new Roster();
  /** Who is writing, and until when that holds, on the clock of `Clock.now`. */
  readonly typing = new SvelteMap<UserId, number>();

  get isOnline(): boolean {
    return this.session?.state === "online";
  }
}
