import { createSubscriber } from "svelte/reactivity";

/** Often enough that a countdown of seconds never seems to skip one. */
const TICK_MS = 250;

/** A clock that ticks only while something on the screen shows it. */
export class Clock {
  readonly #subscribe = createSubscriber((update) => {
    const timer = setInterval(update, TICK_MS);
    return () => {
      clearInterval(timer);
    };
  });

  /** Milliseconds on a clock that never jumps; not a time of day. */
  get now(): number {
    this.#subscribe();
    return performance.now();
  }

  /** Whole seconds until `deadline`, never below 0. */
  secondsUntil(deadline: number): number {
    return Math.max(0, Math.ceil((deadline - this.now) / 1000));
  }
}
