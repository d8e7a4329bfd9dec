import { SvelteMap } from "svelte/reactivity";

import type { UserId } from "../generated/UserId";

/** Whose draft, for whom. */
export type DraftKey = {
  readonly server: string;
  readonly self: UserId | null;
  readonly to: UserId;
};

/** How long after the last key a draft is stored. */
const PAUSE_MS = 500;

/**
 * Text that has been typed and not sent. It belongs to one conversation of one
 * identity, never to a name or to the field it was typed into, so that it can
 * never reach somebody else. The engine keeps it; what is here is what was typed
 * in this window, also before the engine has it.
 */
export class Drafts {
  readonly #texts = new SvelteMap<string, string>();
  readonly #unsaved = new SvelteMap<
    string,
    { key: DraftKey; timer: ReturnType<typeof setTimeout> }
  >();
  readonly #save: (key: DraftKey, text: string) => void;

  constructor(save: (key: DraftKey, text: string) => void) {
    this.#save = save;
  }

  /** What was typed in this window; `undefined` where nothing was. */
  get(key: DraftKey): string | undefined {
    return this.#texts.get(keyText(key));
  }

  set(key: DraftKey, text: string): void {
    const id = keyText(key);
    this.#texts.set(id, text);
    clearTimeout(this.#unsaved.get(id)?.timer);
    const timer = setTimeout(() => {
      this.#flush(id);
    }, PAUSE_MS);
    this.#unsaved.set(id, { key, timer });
  }

  /** Stores what has not been stored yet. */
  flush(): void {
    for (const id of [...this.#unsaved.keys()]) this.#flush(id);
  }

  /**
   * Takes away what has been sent, and leaves what was typed on meanwhile.
   *
   * @param stored whether the engine may have a draft of this conversation
   */
  sent(key: DraftKey, text: string, stored: boolean): void {
    const id = keyText(key);
    const now = this.#texts.get(id) ?? text;
    const rest = now.startsWith(text) ? now.slice(text.length) : now;
    clearTimeout(this.#unsaved.get(id)?.timer);
    this.#unsaved.delete(id);
    this.#texts.set(id, rest);
    if (rest !== "" || stored) this.#save(key, rest);
  }

  /** Forgets what was typed here: the engine has it. */
  clear(): void {
    for (const { timer } of this.#unsaved.values()) clearTimeout(timer);
    this.#unsaved.clear();
    this.#texts.clear();
  }

  #flush(id: string): void {
    const unsaved = this.#unsaved.get(id);
    if (unsaved === undefined) return;
    clearTimeout(unsaved.timer);
    this.#unsaved.delete(id);
    this.#save(unsaved.key, this.#texts.get(id) ?? "");
  }
}

/** Whether two are the draft of the same conversation of the same identity. */
export function isSame(one: DraftKey, other: DraftKey): boolean {
  return keyText(one) === keyText(other);
}

function keyText(key: DraftKey): string {
  return JSON.stringify([key.server, key.self, key.to]);
}
