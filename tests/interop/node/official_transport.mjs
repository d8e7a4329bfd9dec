// What the official client does below the chat: sharing a connection, coming
// back, many at once, changing the transport while messages go both ways.

import assert from "node:assert/strict";
import { Manager, io } from "socket.io-client";
import { arrives, connects, isMessage, resumes, text } from "./stage.mjs";

/** The first `event` of something that emits, with a time limit. */
function first(emitter, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event}`)), 10_000);
    emitter.once(event, (...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}

function texts(person) {
  return person.heard.filter(isMessage).map(({ args }) => args[0].content);
}

export function transportChecks({ url, transport, upgrades }) {
  const transports = { websocket: ["websocket"], polling: ["polling"] }[transport] ?? [
    "polling",
    "websocket",
  ];
  const checks = {
    async "several sockets share one connection"() {
      const manager = new Manager(url, { transports, reconnection: false });
      const main = manager.socket("/", { auth: { username: "Ann" } });
      assert.equal(manager.socket("/"), main);
      const users = first(main, "users");
      const others = ["/one", "/two", "/three"].map((name) => manager.socket(name));
      const refusals = await Promise.all(others.map((other) => first(other, "connect_error")));
      for (const [error] of refusals) {
        assert.equal(error.message, "Invalid namespace");
      }
      await users;
      assert.equal(main.connected, true);
      const answer = await main.timeout(5_000).emitWithAck("private message", {});
      assert.equal(answer.code, "bad_request");
      // Leaving the namespace and joining again, on the same connection.
      const { engine } = manager;
      main.disconnect();
      const again = first(main, "session");
      main.connect();
      await again;
      assert.ok(
        main.io.engine === engine || transport === "upgrade" || !engine.readyState.startsWith("o"),
      );
      main.disconnect();
      others.forEach((other) => other.disconnect());
    },

    async "forceNew makes connections of their own"() {
      const sockets = [1, 2, 3].map(() =>
        io(url, { transports, forceNew: true, reconnection: false, auth: { username: "Ann" } }),
      );
      await Promise.all(sockets.map((socket) => first(socket, "users")));
      assert.equal(new Set(sockets.map(({ io: manager }) => manager.engine.id)).size, 3);
      assert.equal(new Set(sockets.map(({ id }) => id)).size, 3);
      // The id of a socket is not the secret of its connection.
      assert.ok(sockets.every(({ id, io: manager }) => id !== manager.engine.id));
      sockets.forEach((socket) => socket.disconnect());
    },

    async "a client that lost its connection comes back by itself"() {
      const bob = await arrives("Bob");
      const ann = connects(
        { username: "Ann" },
        { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 },
      );
      await ann.signedIn();
      ann.socket.auth = { sessionID: ann.session.sessionID };
      for (let round = 1; round <= 5; round += 1) {
        const back = first(ann.socket, "users");
        const away = first(ann.socket, "disconnect");
        // It ends an upgrade first, and drops what it is given meanwhile.
        ann.socket.io.engine.close();
        await away;
        // Kept by the client until it is back.
        const content = text();
        ann.says(bob, content);
        await back;
        assert.equal((await bob.hearsText(content)).from, ann.id);
      }
      assert.equal(texts(bob).length, 5);
    },

    async "binary in odd places harms nobody"() {
      const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
      const blob = Buffer.from([0, 1, 2, 255]);
      const odd = [
        [blob],
        [{ content: blob, to: bob.id }],
        [{ content: "x", to: blob }],
        [{ content: { text: blob }, to: bob.id }],
        [[blob, [blob, { blob }]]],
        [null, blob],
      ];
      for (const args of odd) {
        const answer = await ann.asks("private message", ...args);
        assert.deepEqual(answer, { ok: false, code: "bad_request" });
        ann.socket.emit("something else", ...args, blob);
      }
      // Beside a good message it is only something extra.
      const content = text();
      const answer = await ann.asks("private message", { content, to: bob.id, extra: blob }, blob);
      assert.equal(answer.ok, true);
      assert.deepEqual(await bob.hearsText(content), { content, from: ann.id, to: bob.id });
      assert.equal(texts(bob).length, 1);
    },

    async "many arrive and speak at once"() {
      const names = Array.from({ length: 60 }, (_, number) => `Someone ${number}`);
      const people = await Promise.all(names.map((name) => arrives(name)));
      const said = people.map((person, index) => {
        const contents = Array.from({ length: 10 }, text);
        const next = people[(index + 1) % people.length];
        contents.forEach((content) => person.says(next, content));
        return contents;
      });
      await Promise.all(
        people.map((person, index) => {
          const before = (index + people.length - 1) % people.length;
          return person.hearsText(said[before].at(-1));
        }),
      );
      people.forEach((person, index) => {
        const before = (index + people.length - 1) % people.length;
        assert.deepEqual(texts(person), said[before]);
      });
    },

    async "what is said right before leaving arrives"() {
      const bob = await arrives("Bob");
      for (let round = 0; round < 10; round += 1) {
        const ann = await arrives("Ann");
        const content = text();
        ann.says(bob, content);
        ann.leaves();
        await bob.hearsText(content);
      }
    },
  };
  if (transport === "upgrade") {
    checks["messages survive the change of the transport"] = () => changing(Number(upgrades));
  }
  return checks;
}

/** Messages both ways from the first moment on, while the transport changes. */
async function changing(rounds) {
  const bob = await arrives("Bob");
  for (let round = 0; round < rounds; round += 1) {
    const ann = connects({ username: "Ann" });
    const upgraded = first(ann.socket.io.engine, "upgrade");
    await ann.signedIn();
    const [said, heard] = [[], []];
    let done = false;
    upgraded.then(
      () => (done = true),
      () => (done = true),
    );
    let last;
    do {
      last = done;
      for (let number = 0; number < 5; number += 1) {
        said.push(text());
        ann.says(bob, said.at(-1));
        heard.push(text());
        bob.says(ann, heard.at(-1));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    } while (!last);
    await upgraded;
    assert.equal(ann.socket.io.engine.transport.name, "websocket");
    await bob.hearsText(said.at(-1));
    await ann.hearsText(heard.at(-1));
    assert.deepEqual(
      texts(bob).filter((content) => said.includes(content)),
      said,
    );
    assert.deepEqual(texts(ann), heard);
    assert.equal(
      ann.count(({ event }) => event === "disconnect"),
      0,
    );
    const back = await resumes(ann);
    back.leaves();
    ann.leaves();
    bob.heard = [];
  }
}
