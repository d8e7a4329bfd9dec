import { countdown } from "./time";

/** Everything the app says but for codes, which have tables of their own. */
export const messages = {
  app: "Parlour",
  /** The window adds the profile. */
  title: (unread: number) => (unread === 0 ? "Parlour" : `(${unread}) Parlour`),
  dismiss: "Dismiss",
  tryAgain: "Try again",
  tryNow: "Try now",
  nextTry: (seconds: number) =>
    seconds === 0 ? "Trying now…" : `Next try in ${countdown(seconds)}.`,
  yourself: (name: string) => `${name} (yourself)`,

  signIn: {
    lead: "Private messages, on a server of your choice",
    server: "Server",
    serverHint: "chat.example.org",
    username: "Your name",
    usernameHint: "How the others will see you",
    submit: "Sign in",
    submitting: "Signing in…",
    serverEmpty: "Where is your server? Its address looks like chat.example.org.",
    note: "Whoever runs the server can read the messages that pass through it.",
  },

  connecting: {
    connecting: (server: string) => `Connecting to ${server}`,
    authenticating: (name: string) => `Signing in as ${name}`,
    catchingUp: "Fetching people and messages",
    waiting: (server: string) => `Cannot reach ${server}`,
    elsewhere: "Use another server",
  },

  banner: {
    label: "What to know",
    offline: "You are offline.",
    connecting: "Connecting…",
    catchingUp: "Connected. Fetching what you missed…",
  },

  secrets: {
    failed: "Your sign-in could not be saved.",
    effect: "You stay signed in until you close Parlour.",
    failedBefore: "Parlour could not keep a sign-in.",
    effectBefore: "You would stay signed in until you close Parlour.",
    notMoved: "Your sign-in stays where it was.",
    choose: "Choose a place…",
    open: "Where your sign-in is kept",
    title: "Where should your sign-in be kept?",
    lead: "Parlour keeps what proves to the server that you are you, so that you need not sign in anew at each start. Your messages are not affected.",
    label: "Place",
    names: {
      keyring: "In the keyring of this computer",
      file: "In a file",
      memory: "Only until Parlour closes",
    },
    hints: {
      keyring: "The safest place: it is encrypted while you are logged out.",
      file: "It is not encrypted. Other users of this computer cannot read it, but every program that you run can.",
      memory:
        "Nothing is stored. At the next start you sign in anew, as somebody new to the others.",
    },
    again: "Try the keyring again",
    cancel: "Not now",
    confirm: "Keep it there",
  },

  roster: {
    label: "Conversations",
    list: "People",
    alone: "Nobody else is here yet. People appear as soon as they sign in to this server.",
    unread: (count: number) => (count === 1 ? "1 unread message" : `${count} unread messages`),
    badge: (count: number) => (count > 999 ? "999+" : String(count)),
    mine: (text: string) => `You: ${text}`,
    theme: "Colours",
    themes: { system: "As the system", light: "Light", dark: "Dark" },
    profile: (name: string) => `Profile ${name}`,
  },

  accounts: {
    label: "Accounts",
    add: "Add an account",
    remove: "Remove this account",
    nobody: "Not signed in",
    name: (name: string, server: string) => `${name} on ${server}`,
    unread: (name: string, count: number) =>
      count === 1 ? `${name}, 1 unread message` : `${name}, ${count} unread messages`,
    broken: (name: string) => `${name}, cannot be opened`,
    failed: "This account cannot be opened.",
    others: "Your other accounts are not affected.",
    leaving: "This account is being removed…",
    twin: (name: string) => `You are already signed in as ${name}.`,
    show: "Show that account",
    removal: {
      title: "Remove this account?",
      body: (who: string) => `Parlour signs out and forgets ${who}.`,
      bodyUnused: "Nobody has signed in here yet.",
      history:
        "Its messages on this computer can be deleted, or put aside in the folder “removed” of your profile.",
      cancel: "Cancel",
      keep: "Remove, keep messages",
      erase: "Remove and delete",
      confirm: "Remove",
    },
  },

  signOut: {
    open: "Sign out",
    title: "Sign out?",
    body: (name: string, server: string) =>
      `Parlour forgets that you are ${name} on ${server}. There is no password to come back with: signing in by the same name makes you somebody new to the others.`,
    unsent: "Messages that were not sent yet will not be sent.",
    confirm: "Sign out",
    cancel: "Stay signed in",
  },

  conversation: {
    none: "No conversation open",
    noneHint: "Choose somebody on the left to write to them.",
    aloneHint: "When somebody else signs in to this server, you can write to them here.",
    empty: (name: string) => `This is the beginning of your conversation with ${name}.`,
    emptySelf: "Notes to yourself go here. Only you can see them, and whoever runs the server.",
    log: (name: string) => `Messages with ${name}`,
    loading: "Fetching messages…",
    failed: "The messages could not be fetched.",
    older: "Fetching older messages…",
    newMessages: "New messages",
    toNewest: "To the newest message",
    back: "Back to the people",
    retry: "Send again",
    discard: "Discard",
    said: (name: string, text: string) => `${name}: ${text}`,
    typing: "is writing…",
    unknownSender: "Somebody",
  },

  composer: {
    label: (name: string) => `Message to ${name}`,
    labelSelf: "Note to yourself",
    send: "Send",
  },
} as const;
