import { Channel, invoke, isTauri } from "@tauri-apps/api/core";

import type { AccountKey } from "../generated/AccountKey";
import type { AccountsEvent } from "../generated/AccountsEvent";
import type { HostCommand } from "../generated/HostCommand";
import type { HostQuery } from "../generated/HostQuery";
import type { Refusal } from "../generated/Refusal";
import { Refused } from "./types";
import type { AnswerTo, Host } from "./types";

/** Whether the page runs inside the app's window. */
export const inApp = isTauri;

/** The accounts behind Tauri's three commands. */
export const tauri: Host = {
  dispatch(account: AccountKey | null, command: HostCommand): Promise<AccountKey | null> {
    return call<AccountKey | null>("dispatch", { account, command });
  },
  query<Q extends HostQuery>(account: AccountKey | null, query: Q): Promise<AnswerTo<Q>> {
    return call<AnswerTo<Q>>("query", { account, query });
  },
  async subscribe(onEvents): Promise<void> {
    await call("subscribe", { channel: new Channel<AccountsEvent[]>(onEvents) });
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
