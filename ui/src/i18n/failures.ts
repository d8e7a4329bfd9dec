import type { Failure } from "../generated/Failure";
import type { FailureCode } from "../generated/FailureCode";
import { hostOf } from "./address";

type Words = {
  /** What went wrong: one sentence. */
  readonly what: (server: string) => string;
  /** What a person can do about it. */
  readonly advice: string;
  /** Whose words the detail is: the server's own, or a program's. */
  readonly detail?: "server" | "program";
};

const CHECK_ADDRESS = "Check the address, and that you are connected to the network.";
const KEYRING_AGAIN = "Try again, or sign in as somebody new.";

/** A sentence for each way to fail. A code without one does not pass the type check. */
const FAILURES: Record<FailureCode, Words> = {
  invalidAddress: {
    what: () => "This address cannot be used.",
    advice: "It looks like chat.example.org or http://127.0.0.1:3000.",
  },
  nameNotFound: {
    what: (server) => `There is no server named ${server}.`,
    advice: CHECK_ADDRESS,
  },
  connectionRefused: {
    what: (server) => `Nothing answers at ${server}.`,
    advice: "The server may be down, or the address or its port may be wrong.",
  },
  timedOut: {
    what: (server) => `${capital(server)} did not answer in time.`,
    advice: "The server or the network may be slow or down.",
  },
  tls: {
    what: (server) => `A secure connection to ${server} could not be made.`,
    advice: "Ask whoever runs the server about its certificate.",
    detail: "program",
  },
  notSocketIo: {
    what: (server) => `${capital(server)} answers, but it is not a chat server.`,
    advice: "Check the address and its port.",
  },
  redirected: {
    what: (server) => `${capital(server)} sends you on to another address.`,
    advice: "If you trust that address, use it instead. Parlour does not follow by itself.",
    detail: "program",
  },
  proxyFailed: {
    what: (server) => `The proxy on the way to ${server} does not let you through.`,
    advice: "Check the proxy in your settings, or ask whoever runs it.",
    detail: "program",
  },
  proxyAuthRequired: {
    what: (server) => `The proxy on the way to ${server} wants you to sign in.`,
    advice: "Check the name and the password in your proxy settings.",
    detail: "program",
  },
  network: {
    what: (server) => `The network failed on the way to ${server}.`,
    advice: CHECK_ADDRESS,
    detail: "program",
  },
  signInRefused: {
    what: (server) => `${capital(server)} refused to let you in.`,
    advice: "Another name may do.",
    detail: "server",
  },
  serverBusy: {
    what: (server) => `${capital(server)} is too busy to let you in.`,
    advice: "It will be tried again.",
  },
  serverRestarting: {
    what: (server) => `${capital(server)} is starting again.`,
    advice: "It will be back shortly.",
  },
  sessionForgotten: {
    what: (server) => `${capital(server)} does not know you any more.`,
    advice: "Sign in again. Messages that were not sent are kept, and are not sent by themselves.",
  },
  closedByServer: {
    what: (server) => `${capital(server)} closed the connection.`,
    advice: "It may be starting again.",
    detail: "program",
  },
  linkLost: {
    what: (server) => `The connection to ${server} was lost.`,
    advice: "The server or the network may be down.",
  },
  protocolError: {
    what: (server) => `${capital(server)} said something that Parlour does not understand.`,
    advice: "Ask whoever runs the server.",
    detail: "program",
  },
  keyringLocked: {
    what: () => "Your keyring is locked.",
    advice: "Unlock it and try again, or sign in as somebody new.",
  },
  keyringMissing: {
    what: () => "There is no keyring on this computer.",
    advice: "Start or install one, GNOME Keyring or KWallet for instance, and try again.",
  },
  keyringTimedOut: {
    what: () => "Your keyring did not answer.",
    advice: KEYRING_AGAIN,
  },
  keyringFailed: {
    what: () => "Your keyring failed.",
    advice: KEYRING_AGAIN,
    detail: "program",
  },
  secretsFileFailed: {
    what: () => "The file of sign-ins could not be read or written.",
    advice: "Check that the disk is not full, and try again, or keep your sign-in elsewhere.",
    detail: "program",
  },
  sessionMissing: {
    what: () => "Your sign-in is not where it was kept any more.",
    advice: "Sign in again. Your messages on this computer are kept.",
  },
  alreadySignedIn: {
    what: (server) => `You are signed in to ${server} with another account here already.`,
    advice: "Go to that account, or sign in by another name.",
  },
  engineEnded: {
    what: () => "This account has stopped because of a mistake in Parlour.",
    advice: "Try again. Nothing that was shown as sent or waiting is lost.",
  },
  storageFailed: {
    what: () => "The messages on this computer could not be read or written.",
    advice: "Check that the disk is not full, and start Parlour again.",
    detail: "program",
  },
};

/** What went wrong, in words. */
export type FailureText = {
  readonly what: string;
  readonly advice: string;
  /** The words of the other side, introduced as such; `null` when it said none. */
  readonly detail: string | null;
};

/** @param server the address it is about, when it is known */
export function failureText(failure: Failure, server: string | null): FailureText {
  const words = FAILURES[failure.code];
  const said = failure.detail?.trim() ?? "";
  return {
    what: words.what(server === null || server === "" ? "the server" : hostOf(server)),
    advice: words.advice,
    detail:
      said === "" || words.detail === undefined
        ? null
        : words.detail === "server"
          ? `The server says: “${said}”`
          : `Details: ${said}`,
  };
}

/** A sentence may begin with "the server", but not with a name in capitals that is none. */
function capital(server: string): string {
  return server === "the server" ? "The server" : server;
}
