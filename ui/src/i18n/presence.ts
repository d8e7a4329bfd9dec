import type { Presence } from "../generated/Presence";

type Words = {
  /** For a line of the roster. */
  readonly short: string;
  /** For the header of a conversation, and for those who cannot see the dot. */
  readonly long: string;
};

const PRESENCE: Record<Presence, Words> = {
  online: { short: "online", long: "online" },
  offline: { short: "offline", long: "offline" },
  unknown: { short: "—", long: "not known while you are offline" },
  gone: { short: "gone", long: "no longer on this server" },
};

/** Whether somebody is there. */
export function presenceText(presence: Presence): Words {
  return PRESENCE[presence];
}
