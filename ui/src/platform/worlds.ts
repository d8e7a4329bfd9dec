import type { FailureCode } from "../generated/FailureCode";
import type { SessionView } from "../generated/SessionView";
import type { UserId } from "../generated/UserId";
import { FakePlatform } from "./fake";
import { FakeHost } from "./fakeHost";

/**
 * Made-up worlds to look at in a plain browser under `npm run dev`:
 * `http://localhost:1420/?world=busy&theme=dark`. The person is Alice.
 */
const WORLDS: Record<string, (fake: FakePlatform, options: URLSearchParams) => void> = {
  /** The first start. */
  fresh: (fake) => {
    fake.settings = { ...fake.settings, defaultServer: "http://127.0.0.1:3000" };
  },
  /** Back at the form; `reason` is a FailureCode. */
  refused: (fake, options) => {
    fake.session = {
      state: "signedOut",
      server: SERVER,
      username: "Alice",
      reason: { code: code(options, "signInRefused"), detail: options.get("detail") },
      resumable: options.has("resumable"),
    };
  },
  /** The first connection, and it does not stand. */
  connecting: (fake, options) => {
    fake.session = waiting(code(options, "connectionRefused"), null);
  },
  /** People, messages in every state, names of every kind. */
  busy: (fake) => {
    fake.session = online();
    populate(fake);
  },
  /** As `busy`, but the connection is lost. */
  offline: (fake, options) => {
    populate(fake);
    fake.session = waiting(code(options, "linkLost"), ME);
    for (const entry of fake.everyone()) {
      if (entry.presence !== "gone") fake.enter({ userId: entry.userId, presence: "unknown" });
    }
    fake.say("bob", { content: "Are you there?", isMine: true, at: ago(0), delivery: "queued" });
  },
  /** As `busy`, but the keyring is locked. */
  unsaved: (fake, options) => {
    fake.session = online();
    fake.keep({
      backend: "memory",
      failure: { code: code(options, "keyringLocked"), detail: null },
      undecided: true,
    });
    populate(fake);
  },
  /** Nobody else is there. */
  alone: (fake) => {
    fake.session = online();
    fake.enter({ userId: ME, username: "Alice", isSelf: true });
  },
  /** Many people and a long conversation. */
  crowd: (fake) => {
    fake.session = online();
    populate(fake);
    for (let n = 0; n < 10_000; n++) {
      fake.enter({ userId: `crowd-${n}`, username: `Guest ${n}`, presence: "offline" });
    }
    for (let n = 0; n < 5_000; n++) {
      fake.say("dora", {
        content: `Message ${n}. ${LOREM}`,
        isMine: n % 3 === 0,
        at: ago(5_000 - n),
      });
    }
  },
};

const SERVER = "https://chat.example.org";
const ME = "me";
const LOREM = "The kettle is on, the window is open, and the cat has taken the good chair again.";

/** The world that the address of the page asks for, and with `two` a second account. */
export function hostNamed(options: URLSearchParams): FakeHost {
  const host = new FakeHost();
  host.move(worldNamed(options));
  if (options.has("two")) {
    const second = worldNamed(new URLSearchParams("world=alone"));
    second.enter({ userId: "nils", username: "Nils", unread: 4 });
    host.move(second);
  }
  return host;
}

/** The world that the address of the page asks for. */
export function worldNamed(options: URLSearchParams): FakePlatform {
  const fake = new FakePlatform();
  fake.onCommand = (command) => {
    script(fake, command);
  };
  const theme = options.get("theme");
  if (theme === "light" || theme === "dark") fake.settings = { ...fake.settings, theme };
  const profile = options.get("profile");
  if (profile !== null) fake.settings = { ...fake.settings, profile };
  const world = WORLDS[options.get("world") ?? "busy"];
  world?.(fake, options);
  return fake;
}

/** A server that says yes to everything, and Bob, who has an answer to everything. */
function script(fake: FakePlatform, command: Parameters<FakePlatform["onCommand"]>[0]): void {
  switch (command.type) {
    case "signIn":
    case "resume":
    case "reconnect": {
      fake.become({ state: "connecting", account: account(null), attempt: 1 });
      setTimeout(() => {
        if (fake.everyone().length === 0) populate(fake);
        fake.become(online());
      }, 700);
      return;
    }
    case "signOut":
      fake.become({
        state: "signedOut",
        server: SERVER,
        username: "Alice",
        reason: null,
        resumable: false,
      });
      return;
    case "sendMessage":
      send(fake, command.to, command.content);
      return;
    case "retryMessage":
    case "discardMessage": {
      const user = fake.whereIs(command.item);
      if (user === null) return;
      if (command.type === "discardMessage") fake.drop(user, command.item);
      else fake.deliver(user, command.item, "sent");
      return;
    }
    case "saveSession":
      fake.keep({ backend: fake.secrets.wanted, failure: null, undecided: false });
      return;
    case "chooseSecrets": {
      const { backend } = command;
      fake.keep({ backend, wanted: backend, failure: null, undecided: false });
      return;
    }
    case "saveDraft":
    case "typing":
    case "addAccount":
    case "removeAccount":
    case "retryAccount":
    case "reorderAccounts":
    case "markRead":
    case "setServerOptions":
    case "setTheme":
      return;
  }
}

function send(fake: FakePlatform, to: UserId, content: string): void {
  const isOnline = fake.session.state === "online";
  const item = fake.say(to, {
    content,
    isMine: true,
    at: Date.now(),
    delivery: isOnline ? "sending" : "queued",
  });
  if (!isOnline) return;
  setTimeout(() => {
    fake.deliver(to, item.id, "sent");
  }, 200);
  if (to !== "bob") return;
  setTimeout(() => {
    fake.say("bob", { content: `“${content}” — well said.`, at: Date.now() });
  }, 900);
}

function populate(fake: FakePlatform): void {
  const people: readonly [UserId, string, "online" | "offline" | "gone"][] = [
    ["bob", "Bob", "online"],
    ["eve", "Eve", "offline"],
    ["zoe", "zoë", "online"],
    ["dora", "Dora Maria Magdalena von und zu Hohenfels", "online"],
    ["salma", "سلمى الأندلسي", "online"],
    ["chen", "陈晓明", "offline"],
    ["rex", "Rex", "gone"],
    ["robot", "🤖 build-bot", "online"],
  ];
  fake.enter({ userId: ME, username: "Alice", isSelf: true });
  for (const [userId, username, presence] of people) fake.enter({ userId, username, presence });

  fake.say("bob", { content: "Hello Alice! Is this the new house?" });
  fake.say("bob", { content: "It is quiet here. I like it." });
  fake.say("bob", { content: "It is. Come in, the door was open.", isMine: true });
  fake.say("bob", { content: "Shall we meet on Thursday?", at: ago(60 * 26) });
  fake.say("bob", {
    content:
      "Thursday is good. I will bring:\n  – bread\n  – the good cheese\n  – Zoë, if she likes",
    isMine: true,
    at: ago(60 * 26 - 2),
  });
  fake.say("bob", {
    content: `${LOREM} ${LOREM} And then there is https://example.org/a/very/long/address/that/never/ends?with=a&query=${"x".repeat(90)}`,
    at: ago(44),
  });
  fake.say("bob", { content: "سأصل في الساعة الثامنة مساءً.", at: ago(43) });
  fake.say("bob", { content: "😀🎉", at: ago(42) });
  fake.say("bob", { content: "Eight it is.", isMine: true, at: ago(40) });
  fake.say("bob", {
    content: "The bridge is closed, take the ferry.",
    isMine: true,
    at: ago(12),
    delivery: "unsure",
  });
  fake.say("bob", { content: "Too much at once", isMine: true, at: ago(11), delivery: "failed" });
  fake.say("bob", { content: "On my way!", isMine: true, at: ago(1), delivery: "sending" });

  fake.say("eve", { content: "Did you see the lights last night?", at: ago(30) });
  fake.say("eve", { content: "All of them green.", at: ago(29) });
  fake.enter({ userId: "eve", unread: 2 });
  fake.say("zoe", { content: "Yes! I like.", at: ago(300), isMine: true, delivery: "held" });
  fake.say("salma", { content: "مرحبا، كيف حالك؟", at: ago(80) });
  fake.enter({ userId: "salma", unread: 1 });
  for (let n = 1; n <= 130; n++) {
    fake.say("robot", { content: `Build ${n} is green.`, at: ago(140 - n) });
  }
  fake.enter({ userId: "robot", unread: 120 });
  fake.say("rex", { content: "Farewell, and thank you.", at: ago(60 * 24 * 9) });
}

function account(userId: UserId | null) {
  return { server: SERVER, username: "Alice", userId };
}

function online(): SessionView {
  return { state: "online", account: account(ME) };
}

function waiting(reason: FailureCode, userId: UserId | null): SessionView {
  return {
    state: "waiting",
    account: account(userId),
    reason: { code: reason, detail: null },
    attempt: 3,
    retryInMs: 12_000,
  };
}

function code(options: URLSearchParams, usual: FailureCode): FailureCode {
  // Whoever types another word than a code gets to see what is missing.
  return (options.get("reason") as FailureCode | null) ?? usual;
}

function ago(minutes: number): number {
  return Date.now() - minutes * 60_000;
}
