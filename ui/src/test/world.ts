import { flushSync } from "svelte";

import type { AccountView } from "../generated/AccountView";
import type { Failure } from "../generated/Failure";
import type { SecretsView } from "../generated/SecretsView";
import type { SessionView } from "../generated/SessionView";
import { FakePlatform } from "../platform/fake";
import { Parlour } from "../state/parlour.svelte";

export const SERVER = "https://chat.example.org";

export function account(userId: string | null = "me"): AccountView {
  return { server: SERVER, username: "Alice", userId };
}

export function online(): SessionView {
  return { state: "online", account: account() };
}

export function waiting(reason: Failure, retryInMs = 8_000): SessionView {
  return { state: "waiting", account: account(), reason, attempt: 2, retryInMs };
}

export function signedOut(
  rest: Partial<Extract<SessionView, { state: "signedOut" }>> = {},
): SessionView {
  return {
    state: "signedOut",
    server: null,
    username: null,
    reason: null,
    resumable: false,
    ...rest,
  };
}

/** The session is in the keyring. */
export function kept(rest: Partial<SecretsView> = {}): SecretsView {
  return {
    backend: "keyring",
    wanted: "keyring",
    failure: null,
    undecided: false,
    choices: ["keyring", "file", "memory"],
    ...rest,
  };
}

/** Alice, online, with Bob (here) and Eve (away). */
export function house(): FakePlatform {
  const fake = new FakePlatform();
  fake.session = online();
  fake.enter({ userId: "me", username: "Alice", isSelf: true });
  fake.enter({ userId: "eve", username: "Eve", presence: "offline" });
  fake.enter({ userId: "bob", username: "Bob" });
  return fake;
}

/** A started app over a fake engine. */
export async function start(fake: FakePlatform): Promise<Parlour> {
  const parlour = new Parlour(fake);
  parlour.focused = true;
  await parlour.start();
  flushSync();
  return parlour;
}

/** Lets promises that need no time settle, and the page follow them. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  flushSync();
}
