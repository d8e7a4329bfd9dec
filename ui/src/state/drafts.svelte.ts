import { SvelteMap } from "svelte/reactivity";

import type { UserId } from "../generated/UserId";

/** Whose draft, for whom. */
export type DraftKey = {
  readonly server: string;
  readonly self: UserId | null;
  readonly to: UserId;
};

/**
 * Text that has been typed and not sent. It belongs to one conversation of one
 * identity, never to a name or to the field it was typed into, so that it can
 * never reach somebody else.
 */
export class Drafts {
  readonly #texts = new SvelteMap<string, string>();

  get(key: DraftKey): string {
    return this.#texts.get(keyText(key)) ?? "";
  }

  set(key: DraftKey, text: string): void {
    if (text === "") this.#texts.delete(keyText(key));
    else this.#texts.set(keyText(key), text);
  }

  /** Takes away what has been sent, and leaves what was typed on meanwhile. */
  sent(key: DraftKey, text: string): void {
    const now = this.get(key);
    if (now.startsWith(text)) this.set(key, now.slice(text.length));
  }

  clear(): void {
    this.#texts.clear();
  }
}

function keyText(key: DraftKey): string {
  return JSON.stringify([key.server, key.self, key.to]);
}
