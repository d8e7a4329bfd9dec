// A person at the official client, for the checks.

import { io } from "socket.io-client";

const PATIENCE_MS = 10_000;

/** What is behind an error of the transport: a status or the error below. */
function cause({ description }) {
  return description instanceof Error ? String(description) : description;
}

/** A connection that remembers everything it heard, in order. */
export class Person {
  constructor(url, transports, auth, options = {}) {
    this.heard = [];
    this.waiting = [];
    this.socket = io(url, { transports, auth, forceNew: true, reconnection: false, ...options });
    this.socket.onAny((event, ...args) => this.note({ event, args }));
    this.socket.on("connect_error", (error) =>
      this.note({ event: "connect_error", args: [error.message, cause(error)], data: error.data }),
    );
    this.socket.on("disconnect", (reason) => this.note({ event: "disconnect", args: [reason] }));
  }

  note(entry) {
    this.heard.push(entry);
    this.waiting = this.waiting.filter(({ wanted, resolve }) => {
      if (!wanted(entry)) {
        return true;
      }
      resolve(entry);
      return false;
    });
  }

  /** The first entry, past or to come, that is `wanted`. */
  hears(wanted, what) {
    const past = this.heard.find(wanted);
    if (past) {
      return Promise.resolve(past);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`never heard: ${what}; heard ${this.events()}`)),
        PATIENCE_MS,
      );
      this.waiting.push({
        wanted,
        resolve: (entry) => {
          clearTimeout(timer);
          resolve(entry);
        },
      });
    });
  }

  async hearsEvent(event) {
    const { args } = await this.hears((entry) => entry.event === event, event);
    return args[0];
  }

  /** Why the connection was not made, with what is behind it. */
  async hearsRefusal() {
    const { args } = await this.hears(({ event }) => event === "connect_error", "a refusal");
    return args.filter((part) => part !== undefined).join(": ");
  }

  /** What a refusal says beyond its text. */
  async hearsRefusalData() {
    const { data } = await this.hears(({ event }) => event === "connect_error", "a refusal");
    return data;
  }

  async hearsText(content) {
    const entry = await this.hears(
      ({ event, args }) => event === "private message" && args[0].content === content,
      `the text ${content}`,
    );
    return entry.args[0];
  }

  events() {
    return JSON.stringify(
      this.heard.map(({ event, args }) => (event === "connect_error" ? [event, ...args] : event)),
    );
  }

  /** How often something was heard so far. */
  count(wanted) {
    return this.heard.filter(wanted).length;
  }

  /** Waits for `session` and `users`. */
  async signedIn() {
    this.session = await this.hearsEvent("session");
    this.users = await this.hearsEvent("users");
    this.id = this.session.userID;
    return this;
  }

  says(to, content) {
    this.socket.emit("private message", { content, to: to.id ?? to });
  }

  /** Asks something and gives the answer. */
  async asks(event, ...args) {
    const answers = await this.socket.timeout(PATIENCE_MS).emitWithAck(event, ...args);
    return answers;
  }

  /** Sends a message that is acknowledged. */
  tells(to, content, more = {}) {
    return this.asks("private message", { content, to: to.id ?? to, ...more });
  }

  /** The proof that the server is done with everything said before. */
  fence(number) {
    return new Promise((resolve, reject) => {
      const fence = this.socket.io.socket(`/__f${number}`);
      const timer = setTimeout(() => reject(new Error("the fence was not answered")), PATIENCE_MS);
      fence.on("connect_error", (error) => {
        clearTimeout(timer);
        fence.disconnect();
        resolve(error.message);
      });
      fence.connect();
    });
  }

  leaves() {
    this.socket.disconnect();
  }
}
