import { inApp, tauri } from "./tauri";
import type { Host } from "./types";

/**
 * The accounts of the app; in a plain browser, and only under `npm run dev`, a
 * world that is made up (`?world=…`, see worlds.ts). A build for people does
 * not contain it.
 */
export async function openHost(): Promise<Host> {
  if (import.meta.env.DEV && !inApp()) {
    const { hostNamed } = await import("./worlds");
    return hostNamed(new URLSearchParams(location.search));
  }
  return tauri;
}
