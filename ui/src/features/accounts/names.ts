import type { AccountEntry } from "../../generated/AccountEntry";
import { hostOf } from "../../i18n/address";
import { messages } from "../../i18n/messages";

/** Who is behind an account, in words. */
export function nameOf(account: AccountEntry): string {
  const { who } = account;
  return who === null
    ? messages.accounts.nobody
    : messages.accounts.name(who.username, hostOf(who.server));
}
