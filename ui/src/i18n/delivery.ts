import type { Delivery } from "../generated/Delivery";
import type { SendRefusal } from "../generated/SendRefusal";

type Words = {
  /** The state in a word or two. */
  readonly state: string;
  /** What that means and what to do, where something is to be done. */
  readonly sentence: string | null;
};

const DELIVERY: Record<Delivery, Words> = {
  queued: { state: "Queued", sentence: null },
  sending: { state: "Sending", sentence: null },
  sent: { state: "Sent", sentence: null },
  unsure: {
    state: "Not sure",
    sentence:
      "The connection broke while this was on its way, so it may or may not have arrived. Sent again, it may arrive twice.",
  },
  held: {
    state: "Held back",
    sentence:
      "Not sent: the server does not know you, or the person you wrote to, as the same any more.",
  },
  failed: {
    state: "Not sent",
    sentence: "Not sent, and it will not be tried again by itself.",
  },
};

/** Why the server did not take a message. */
const REFUSALS: Record<SendRefusal, string> = {
  tooLarge: "Not sent: it is longer than this server takes.",
  unknownRecipient: "Not sent: the server does not know this person any more.",
  forbidden: "Not sent: the server does not let you.",
  blocked: "Not sent: this person takes no messages.",
  other: "Not sent: the server refused it.",
};

/** What the other side did with a message that was sent, where the server says so. */
export function reachedText(
  position: number,
  reached: { receivedUpTo: number | null; readUpTo: number | null },
): string | null {
  if (reached.readUpTo !== null && position <= reached.readUpTo) return "Read";
  if (reached.receivedUpTo !== null && position <= reached.receivedUpTo) return "Delivered";
  return null;
}

/** How far a message got, and where the server refused it, why. */
export function deliveryText(delivery: Delivery, isOnline: boolean, refusal?: SendRefusal): Words {
  if (delivery === "failed" && refusal !== undefined) {
    return { state: DELIVERY.failed.state, sentence: REFUSALS[refusal] };
  }
  if (delivery === "queued" && !isOnline) {
    return { state: "Waiting for connection", sentence: null };
  }
  return DELIVERY[delivery];
}
