import { inApp, tauri } from "./tauri";
import type { Platform } from "./types";

/**
 * The engine of the app; in a plain browser, and only under `npm run dev`, a
 * world that is made up (`?world=…`, see worlds.ts). A build for people does
 * not contain it.
 */
export async function openPlatform(): Promise<Platform> {
  if (import.meta.env.DEV && !inApp()) {
    const { worldNamed } = await import("./worlds");
    return worldNamed(new URLSearchParams(location.search));
  }
  return tauri;
}
