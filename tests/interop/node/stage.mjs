// Who takes part in a check, and how they connect.

import { Person } from "./client.mjs";

const TRANSPORTS = {
  websocket: ["websocket"],
  polling: ["polling"],
  upgrade: ["polling", "websocket"],
};

const people = new Set();
let setting = {};
let count = 0;

/** Sets where to connect, and by which transport. */
export function stage({ url, transport }) {
  setting = { url, transports: TRANSPORTS[transport] };
}

/** What a client that speaks pm says of itself. */
export const HELLO = { v: [1], caps: [], client: "the official client" };

export function connects(auth, { pm = false, ...options } = {}) {
  const whole = pm ? { ...auth, pm: HELLO } : auth;
  const person = new Person(setting.url, setting.transports, whole, options);
  people.add(person);
  return person;
}

export function arrives(name, options) {
  return connects({ username: name }, options).signedIn();
}

export function resumes(person, options) {
  return connects({ sessionID: person.session.sessionID }, options).signedIn();
}

export function everybodyLeaves() {
  for (const person of people) {
    person.leaves();
  }
  people.clear();
}

/** A text that nobody said before. */
export function text() {
  count += 1;
  return `text ${count}`;
}

export const isMessage = ({ event }) => event === "private message";

export const isAbout =
  (name, id) =>
  ({ event, args }) =>
    event === name && (args[0] === id || args[0].userID === id);
