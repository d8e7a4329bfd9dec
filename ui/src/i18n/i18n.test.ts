import { describe, expect, it } from "vitest";

import type { Delivery } from "../generated/Delivery";
import type { FailureCode } from "../generated/FailureCode";
import type { SendRefusal } from "../generated/SendRefusal";
import { hostOf } from "./address";
import { deliveryText, reachedText } from "./delivery";
import { failureText } from "./failures";
import { problemText } from "./problems";
import type { ProblemCode } from "./problems";
import { countdown, dayName, dayOf } from "./time";

// The tables are complete by their types: these records, too, fail the type
// check when a code is added, so that nobody forgets to look at its sentence.
const FAILURE_CODES: Record<FailureCode, true> = {
  invalidAddress: true,
  nameNotFound: true,
  connectionRefused: true,
  timedOut: true,
  tls: true,
  notSocketIo: true,
  redirected: true,
  proxyFailed: true,
  proxyAuthRequired: true,
  network: true,
  signInRefused: true,
  serverBusy: true,
  serverRestarting: true,
  sessionForgotten: true,
  closedByServer: true,
  linkLost: true,
  protocolError: true,
  keyringLocked: true,
  keyringMissing: true,
  keyringTimedOut: true,
  keyringFailed: true,
  secretsFileFailed: true,
  sessionMissing: true,
  alreadySignedIn: true,
  storageFailed: true,
  engineEnded: true,
};
const PROBLEM_CODES: Record<ProblemCode, true> = {
  invalidAddress: true,
  invalidPath: true,
  invalidCertificates: true,
  invalidPin: true,
  invalidProxy: true,
  proxyPassword: true,
  usernameEmpty: true,
  usernameTooLong: true,
  usernameInvisible: true,
  notSignedIn: true,
  noSession: true,
  messageEmpty: true,
  messageTooLarge: true,
  draftTooLarge: true,
  unknownUser: true,
  unknownMessage: true,
  invalidQuery: true,
  notOffered: true,
  superseded: true,
  unknownAccount: true,
  tooManyAccounts: true,
  storageFailed: true,
  busy: true,
  closed: true,
  unexpected: true,
};
const DELIVERIES: Record<Delivery, true> = {
  queued: true,
  sending: true,
  sent: true,
  unsure: true,
  held: true,
  failed: true,
};

const REFUSALS: Record<SendRefusal, true> = {
  tooLarge: true,
  unknownRecipient: true,
  forbidden: true,
  blocked: true,
  other: true,
};

function keys<K extends string>(record: Record<K, true>): K[] {
  return Object.keys(record) as K[];
}

/** A sentence begins with a capital (or a host), ends with a full stop, and is no code. */
const SENTENCE = /^[\p{Lu}a-z0-9][^{}<>]*[.?]$/u;

describe("every failure", () => {
  it.each(keys(FAILURE_CODES))("has a sentence and a way out: %s", (code) => {
    for (const server of [null, "https://chat.example.org:8443/"]) {
      const text = failureText({ code, detail: null }, server);
      expect(text.what).toMatch(SENTENCE);
      expect(text.advice).toMatch(SENTENCE);
      expect(text.detail).toBeNull();
      if (/[A-Z]/.test(code)) expect(text.what + text.advice).not.toContain(code);
    }
  });

  it("is told apart from every other", () => {
    const said = keys(FAILURE_CODES).map((code) => failureText({ code, detail: null }, null).what);
    expect(new Set(said).size).toBe(said.length);
  });

  it("names whose words a detail is", () => {
    const detail = " no room ";
    expect(failureText({ code: "signInRefused", detail }, null).detail).toBe(
      "The server says: “no room”",
    );
    expect(failureText({ code: "tls", detail }, null).detail).toBe("Details: no room");
    expect(failureText({ code: "tls", detail: "  " }, null).detail).toBeNull();
  });
});

describe("every refusal", () => {
  it.each(keys(PROBLEM_CODES))("has a sentence: %s", (code) => {
    expect(problemText(code)).toMatch(SENTENCE);
  });
});

describe("every state of a message", () => {
  it.each(keys(DELIVERIES))("has a word: %s", (delivery) => {
    expect(deliveryText(delivery, true).state).not.toBe("");
  });

  it.each(keys(REFUSALS))("has a sentence for why it was refused: %s", (refusal) => {
    const { state, sentence } = deliveryText("failed", true, refusal);
    expect(state).toBe("Not sent");
    expect(sentence).toMatch(SENTENCE);
  });

  it("says how far the other side got, where a server says so", () => {
    expect(reachedText(3, { receivedUpTo: null, readUpTo: null })).toBeNull();
    expect(reachedText(3, { receivedUpTo: 2, readUpTo: null })).toBeNull();
    expect(reachedText(3, { receivedUpTo: 3, readUpTo: 2 })).toBe("Delivered");
    expect(reachedText(3, { receivedUpTo: 4, readUpTo: 3 })).toBe("Read");
  });

  it("waits for the connection while there is none", () => {
    expect(deliveryText("queued", false).state).toBe("Waiting for connection");
    expect(deliveryText("queued", true).state).toBe("Queued");
  });
});

describe("addresses", () => {
  it("are shortened to what people call a server", () => {
    expect(hostOf("https://chat.example.org")).toBe("chat.example.org");
    expect(hostOf("http://127.0.0.1:3000/")).toBe("127.0.0.1:3000");
    expect(hostOf("not an address")).toBe("not an address");
  });
});

describe("times", () => {
  const now = new Date(2026, 0, 1, 0, 30).getTime();

  it("name the days that are near", () => {
    expect(dayName(now, now)).toBe("Today");
    expect(dayName(new Date(2025, 11, 31, 23, 59).getTime(), now)).toBe("Yesterday");
    expect(dayName(new Date(2025, 11, 30).getTime(), now)).toContain("2025");
  });

  it("tell days apart, whatever the month", () => {
    const days = new Set<number>();
    for (let day = 0; day < 800; day++) days.add(dayOf(new Date(2024, 0, 1 + day, 12).getTime()));
    expect(days.size).toBe(800);
  });

  it("count down in words", () => {
    expect(countdown(1)).toBe("1 second");
    expect(countdown(89)).toBe("89 seconds");
    expect(countdown(100)).toBe("2 minutes");
  });
});
