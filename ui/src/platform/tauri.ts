import { Channel, invoke, isTauri } from "@tauri-apps/api/core";

import type { ClientEvent } from "../generated/ClientEvent";
import type { HostCommand } from "../generated/HostCommand";
import type { HostQuery } from "../generated/HostQuery";
import type { Refusal } from "../generated/Refusal";
import { Refused } from "./types";
import type { AnswerTo, Platform } from "./types";

/** Whether the page runs inside the app's window. */
export const inApp = isTauri;

/** The engine behind Tauri's three commands. */
export const tauri: Platform = {
  async dispatch(command: HostCommand): Promise<void> {
    await call("dispatch", { command });
  },
  query<Q extends HostQuery>(query: Q): Promise<AnswerTo<Q>> {
    return call<AnswerTo<Q>>("query", { query });
  },
  async subscribe(onEvents): Promise<void> {
    await call("subscribe", { channel: new Channel<ClientEvent[]>(onEvents) });
  },
};

async function call<T>(name: string, args: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(name, args);
  } catch (error) {
    // Besides refusals there are errors of the bridge itself: plain strings.
    throw isRefusal(error) ? new Refused(error.code) : error;
  }
}

function isRefusal(error: unknown): error is Refusal {
  return (
    typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
  );
}
