import type { RefusalCode } from "../generated/RefusalCode";

/** Besides refusals: the bridge to the engine itself failed. */
export type ProblemCode = RefusalCode | "unexpected";

/** A sentence for each refusal. A code without one does not pass the type check. */
const PROBLEMS: Record<ProblemCode, string> = {
  invalidAddress:
    "This address cannot be used. It looks like chat.example.org or http://127.0.0.1:3000.",
  invalidPath:
    "This path cannot be used. It starts with a slash and looks like /socket.io/, without blanks or question marks.",
  invalidCertificates:
    "There is no usable certificate in this file. It has to be a PEM file without private keys.",
  invalidPin: "This is not the fingerprint of a key. It looks like sha256/ and 44 more characters.",
  invalidProxy:
    "This proxy cannot be used. Its address looks like http://proxy.example.org:8080 or socks5h://127.0.0.1:1080.",
  proxyPassword:
    "A proxy’s name and password are not kept here. Set them in the environment, as https_proxy.",
  usernameEmpty: "Choose a name that the others will know you by.",
  usernameTooLong: "This name is too long. It can have up to 32 characters.",
  usernameInvisible:
    "This name has a character that cannot be seen. Type it anew, without copying it.",
  notSignedIn: "You are not signed in.",
  noSession: "There is no sign-in to go back to. Sign in with a name.",
  messageEmpty: "There is nothing to send yet.",
  messageTooLarge: "This message is too long. Send it in parts of up to 16,000 letters.",
  draftTooLarge: "What you typed is too long to be kept. Send it in parts of up to 16,000 letters.",
  unknownUser: "This person is not on the server any more, so nothing was sent.",
  unknownMessage: "This message has changed in the meantime. Nothing was done.",
  invalidQuery: "Parlour asked itself something that has no answer. Start Parlour anew.",
  notOffered: "Sign-ins cannot be kept there. Choose another place.",
  superseded: "A newer search has taken the place of this one.",
  unknownAccount: "This account is not here any more.",
  tooManyAccounts: "There is no room for another account. Remove one that you do not use.",
  storageFailed:
    "This could not be stored on your computer. Check that the disk is not full, and try again.",
  busy: "Parlour has too much to do just now. Wait a moment, and try again.",
  closed: "Parlour’s engine has stopped. Close Parlour and start it again.",
  unexpected: "Something went wrong inside Parlour. Try again, or start Parlour anew.",
};

/** Why something was not done, and what to do about it. */
export function problemText(problem: ProblemCode): string {
  return PROBLEMS[problem];
}
