import type { AccountKey } from "../generated/AccountKey";
import type { AccountsEvent } from "../generated/AccountsEvent";
import type { ClientEvent } from "../generated/ClientEvent";

/** What each account tells in a batch, in order, so that each is told at once. */
export function byAccount(
  events: readonly AccountsEvent[],
): ReadonlyMap<AccountKey, readonly ClientEvent[]> {
  const batches = new Map<AccountKey, ClientEvent[]>();
  for (const event of events) {
    if (event.type !== "account") continue;
    const batch = batches.get(event.account);
    if (batch === undefined) batches.set(event.account, [event.event]);
    else batch.push(event.event);
  }
  return batches;
}
