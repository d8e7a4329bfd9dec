// The official socket.io-client against a parlour-server.
//
//   node official_client.mjs --url URL --transport websocket|polling|upgrade
//
// Prints one line of JSON a check, {"check":…,"ok":true} or
// {"check":…,"ok":false,"error":…}, and ends with code 0 if all were run.
//
// That something was *not* heard is never proved by waiting: something that
// must be heard is sent behind it on the same way, and then the past is looked at.

// Behind them comes {"waiting":"bye"}: then the server has to be ended, and one
// more line says whether that was told.
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { pmChecks } from "./official_pm.mjs";
import {
  arrives,
  connects,
  everybodyLeaves,
  isAbout,
  isMessage,
  resumes,
  stage,
  text,
} from "./stage.mjs";
import { transportChecks } from "./official_transport.mjs";

const { values: options } = parseArgs({
  options: {
    url: { type: "string" },
    transport: { type: "string" },
    // How often an upgrade is done while messages go both ways.
    upgrades: { type: "string", default: "10" },
    // Only the checks whose names hold this.
    only: { type: "string", default: "" },
  },
});
stage(options);

const checks = {
  async "S3 refuses what is no name"() {
    const names = [undefined, "", "   ", null, 7, true, {}, ["Ann"], "x".repeat(5000), "a\u202eb"];
    for (const username of names) {
      assert.equal(await connects({ username }).hearsRefusal(), "invalid username");
    }
    for (const auth of [{}, { sessionID: "f".repeat(64) }, { sessionID: { a: 1 } }]) {
      assert.equal(await connects(auth).hearsRefusal(), "invalid username");
    }
  },

  async "S9 session comes first, then users"() {
    const ann = await arrives("Ann");
    assert.deepEqual(
      ann.heard.slice(0, 2).map(({ event }) => event),
      ["session", "users"],
    );
    assert.match(ann.session.sessionID, /^[0-9a-f]{64}$/);
    assert.match(ann.session.userID, /^[0-9a-f]{16}$/);
    assert.deepEqual(Object.keys(ann.session).sort(), ["sessionID", "userID"]);
  },

  async "S4 users holds everyone, oneself and the absent too"() {
    const gone = await arrives("Gone");
    const ann = await arrives("Ann");
    gone.leaves();
    await ann.hears(isAbout("user disconnected", gone.id), "Gone leaving");
    const bob = await arrives("  Bob ");
    const find = ({ id }) => bob.users.find(({ userID }) => userID === id);
    const user = (person, username, connected) => ({
      userID: person.id,
      username,
      connected,
      messages: [],
    });
    assert.deepEqual(find(bob), user(bob, "Bob", true));
    assert.deepEqual(find(ann), user(ann, "Ann", true));
    assert.deepEqual(find(gone), user(gone, "Gone", false));
  },

  async "S5 the others hear who came"() {
    const ann = await arrives("Ann");
    const bob = await arrives("Bob");
    const { args } = await ann.hears(isAbout("user connected", bob.id), "Bob coming");
    assert.deepEqual(args, [{ userID: bob.id, username: "Bob", connected: true, messages: [] }]);
    bob.says(ann, text());
    ann.says(bob, text());
    await bob.hearsEvent("private message");
    assert.equal(bob.count(isAbout("user connected", bob.id)), 0);
  },

  async "S6 messages go both ways, without an echo"() {
    const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
    const [hello, hi] = [text(), text()];
    ann.says(bob, hello);
    assert.deepEqual(await bob.hearsText(hello), { content: hello, from: ann.id, to: bob.id });
    bob.says(ann, hi);
    assert.deepEqual(await ann.hearsText(hi), { content: hi, from: bob.id, to: ann.id });
    assert.equal(ann.count(isMessage), 1);
    assert.equal(bob.count(isMessage), 1);
  },

  async "S11 all tabs but the sending one hear a message"() {
    const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
    const [annToo, bobToo] = [await resumes(ann), await resumes(bob)];
    const hello = text();
    ann.says(bob, hello);
    for (const person of [bob, bobToo, annToo]) {
      assert.deepEqual(await person.hearsText(hello), { content: hello, from: ann.id, to: bob.id });
    }
    bob.says(ann, text());
    await ann.hearsEvent("private message");
    assert.equal(ann.count(isMessage), 1);
  },

  async "a message to oneself reaches one's other tabs"() {
    const ann = await arrives("Ann");
    const annToo = await resumes(ann);
    const [note, back] = [text(), text()];
    ann.says(ann, note);
    assert.deepEqual(await annToo.hearsText(note), { content: note, from: ann.id, to: ann.id });
    annToo.says(ann, back);
    await ann.hearsText(back);
    assert.equal(ann.count(isMessage), 1);
    assert.equal(annToo.count(isMessage), 1);
  },

  async "S8 a known session brings back the same user"() {
    const ann = await arrives("Ann");
    ann.leaves();
    const again = connects({ sessionID: ann.session.sessionID, username: "Not Ann" });
    await again.signedIn();
    assert.deepEqual(again.session, ann.session);
    assert.equal(again.users.find(({ userID }) => userID === ann.id).username, "Ann");
  },

  async "S8 an unknown session is never adopted"() {
    const sessionID = "0".repeat(64);
    const eve = connects({ sessionID, username: "Eve" });
    await eve.signedIn();
    assert.notEqual(eve.session.sessionID, sessionID);
  },

  async "S7 only the last tab's leaving is told"() {
    const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
    const bobToo = await resumes(bob);
    bob.leaves();
    bobToo.says(ann, text());
    await ann.hearsEvent("private message");
    const stillHere = await arrives("Cleo");
    assert.equal(stillHere.users.find(({ userID }) => userID === bob.id).connected, true);
    assert.equal(ann.count(isAbout("user disconnected", bob.id)), 0);
    bobToo.leaves();
    const { args } = await ann.hears(isAbout("user disconnected", bob.id), "Bob leaving");
    assert.deepEqual(args, [bob.id]);
    const later = await arrives("Dan");
    assert.equal(later.users.find(({ userID }) => userID === bob.id).connected, false);
    assert.equal(ann.count(isAbout("user disconnected", bob.id)), 1);
  },

  async "S13 what came while one was away is there afterwards"() {
    const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
    const texts = [text(), text(), text()];
    bob.says(ann, texts[0]);
    await ann.hearsText(texts[0]);
    bob.leaves();
    await ann.hears(isAbout("user disconnected", bob.id), "Bob leaving");
    ann.says(bob, texts[1]);
    ann.says(bob, texts[2]);
    await ann.fence(1);
    const back = await resumes(bob);
    assert.deepEqual(back.users.find(({ userID }) => userID === ann.id).messages, [
      { content: texts[0], from: bob.id, to: ann.id },
      { content: texts[1], from: ann.id, to: bob.id },
      { content: texts[2], from: ann.id, to: bob.id },
    ]);
  },

  async "S13 nobody sees others' conversations"() {
    const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
    ann.says(bob, text());
    await bob.hearsEvent("private message");
    const eve = await arrives("Eve");
    assert.ok(eve.users.every(({ messages }) => messages.length === 0));
    assert.equal(eve.count(isMessage), 0);
  },

  async "a thousand messages keep their order"() {
    const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
    const texts = Array.from({ length: 1000 }, text);
    texts.forEach((content) => ann.says(bob, content));
    await bob.hearsText(texts.at(-1));
    const heard = bob.heard.filter(isMessage).map(({ args }) => args[0].content);
    assert.deepEqual(heard, texts);
    const back = await resumes(bob);
    const kept = back.users.find(({ userID }) => userID === ann.id).messages;
    assert.deepEqual(
      kept.map(({ content }) => content),
      texts.slice(-200),
    );
  },

  async "a fence is answered once what came before is stored"() {
    const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
    for (let number = 1; number <= 20; number += 1) {
      const content = text();
      ann.says(bob, content);
      assert.equal(await ann.fence(number), "Invalid namespace");
      const back = await resumes(bob);
      const kept = back.users.find(({ userID }) => userID === ann.id).messages;
      assert.equal(kept.at(-1).content, content);
      back.leaves();
    }
  },

  async "any other namespace is refused"() {
    const ann = await arrives("Ann");
    const other = ann.socket.io.socket("/other");
    const refusal = await new Promise((resolve) => other.on("connect_error", resolve));
    assert.equal(refusal.message, "Invalid namespace");
    other.disconnect();
  },

  async "W5 malformed messages harm nobody"() {
    const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
    const deep = (depth) => {
      let value = 1;
      for (let i = 0; i < depth; i += 1) {
        value = [value];
      }
      return value;
    };
    const to = bob.id;
    const corpus = [
      [],
      [null],
      [undefined],
      [7],
      [true],
      ["hello"],
      [[]],
      [[{ content: "x", to }]],
      [{}],
      [{ content: "x" }],
      [{ to }],
      [{ content: 7, to }],
      [{ content: null, to }],
      [{ content: {}, to }],
      [{ content: ["x"], to }],
      [{ content: "", to }],
      [{ content: "x".repeat(16 * 1024 + 1), to }],
      [{ content: "x", to: 7 }],
      [{ content: "x", to: [to] }],
      [{ content: "x", to: null }],
      [{ content: "x", to: "" }],
      [{ content: "x", to: "x".repeat(1000) }],
      [{ content: "x", to: "0123456789abcdef" }],
      [{ content: Buffer.from("x"), to }],
      [Buffer.from("x")],
      [new Uint8Array(1000), { content: "x", to }],
      [{ content: deep(100), to }],
      [{ content: deep(2000), to }],
      [deep(2000)],
      [{ __proto__: null, constructor: { prototype: 1 } }],
      [...Array(1000).keys()],
    ];
    for (const args of corpus) {
      ann.socket.emit("private message", ...args);
      ann.socket.emit("no such event", ...args);
    }
    ann.socket.emit("", 1);
    const [hello, hi] = [text(), text()];
    ann.says(bob, hello);
    await bob.hearsText(hello);
    bob.says(ann, hi);
    await ann.hearsText(hi);
    assert.equal(bob.count(isMessage), 1);
  },

  async "extra fields and arguments are dropped"() {
    const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
    const content = text();
    const extra = { from: "eve", seq: 9, ts: 1, unknown: [] };
    ann.socket.emit("private message", { content, to: bob.id, ...extra }, 2);
    assert.deepEqual(await bob.hearsText(content), { content, from: ann.id, to: bob.id });
  },

  async "a plain client that asks for it is acknowledged, or refused"() {
    const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
    const content = text();
    const answer = await ann.tells(bob, content);
    assert.deepEqual(Object.keys(answer).sort(), ["id", "ok", "seq", "ts"]);
    assert.deepEqual([answer.ok, answer.seq], [true, 1]);
    assert.deepEqual(await bob.hearsText(content), { content, from: ann.id, to: bob.id });
    assert.deepEqual(await ann.tells("0123456789abcdef", content), {
      ok: false,
      code: "unknown_recipient",
    });
    assert.deepEqual(await ann.asks("private message"), { ok: false, code: "bad_request" });
    assert.deepEqual(await ann.asks("pm:sync", { since: 0 }), { ok: false, code: "unsupported" });
  },

  async "half an emoji costs nothing but itself"() {
    const [ann, bob] = [await arrives("Ann"), await arrives("Bob")];
    ann.says(bob, "half \ud83d");
    const content = text();
    ann.says(bob, content);
    await bob.hearsText(content);
    assert.deepEqual(
      bob.heard.filter(isMessage).map(({ args }) => args[0].content),
      ["half \ufffd", content],
    );
  },

  async "the transport is the one asked for"() {
    const ann = connects({ username: "Ann" });
    const { engine } = ann.socket.io;
    if (options.transport === "upgrade") {
      await new Promise((resolve) => engine.once("upgrade", resolve));
    }
    await ann.signedIn();
    const expected = options.transport === "polling" ? "polling" : "websocket";
    assert.equal(engine.transport.name, expected);
    const bob = await arrives("Bob");
    const content = text();
    ann.says(bob, content);
    await bob.hearsText(content);
  },
};

async function tries(check, run) {
  let result = { check, ok: true };
  try {
    await run();
  } catch (error) {
    result = { check, ok: false, error: error.message };
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
  everybodyLeaves();
}

const all = { ...checks, ...pmChecks, ...transportChecks(options) };
for (const [check, run] of Object.entries(all)) {
  if (check.includes(options.only)) {
    await tries(check, run);
  }
}
await tries("pm:bye comes before the end", async () => {
  const ann = await arrives("Ann", { pm: true });
  const plain = await arrives("Plain");
  await ann.hears(isAbout("user connected", plain.id), "Plain coming");
  // A server that ends takes no new connection, and this client makes one for
  // each poll: only a poll that has arrived can be answered. Nothing tells when.
  await new Promise((resolve) => setTimeout(resolve, 200));
  process.stdout.write('{"waiting":"bye"}\n');
  const bye = await ann.hearsEvent("pm:bye");
  assert.equal(bye.reason, "restart");
  assert.ok(bye.retryAfterMs > 0);
  for (const person of [ann, plain]) {
    await person.hearsEvent("disconnect");
  }
  assert.equal(
    plain.count(({ event }) => event === "pm:bye"),
    0,
  );
});
process.exit(0);
