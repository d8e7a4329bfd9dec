import type { Settings } from "../generated/Settings";
import type { Platform } from "../platform/types";

/** What all accounts have in common: the settings, and whether anybody looks. */
export class Desk {
  settings = $state.raw<Settings>({ theme: "system", defaultServer: null, profile: "default" });
  /** Whether the window has the keyboard, so that somebody may be reading. */
  focused = $state(false);
  #known = $state(false);
  #loading: Promise<void> | null = null;

  /** Whether the settings have been asked for. */
  get known(): boolean {
    return this.#known;
  }

  /** Asks for the settings, once. */
  load(platform: Pick<Platform, "query">): Promise<void> {
    this.#loading ??= platform.query({ type: "settings" }).then(
      ({ theme, defaultServer, profile }) => {
        this.settings = { theme, defaultServer, profile };
        this.#known = true;
      },
      () => {
        // Without settings the defaults are as good.
        this.#known = true;
      },
    );
    return this.#loading;
  }
}
