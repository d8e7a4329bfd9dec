// pm version 1, spoken by the official client: it needs nothing but events and
// acknowledgements.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { HELLO, arrives, connects, isMessage, resumes, text } from "./stage.mjs";

const PM = { pm: true };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A UUID of version 7. */
function newId() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = bytes.toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The whole inbox, page by page. */
async function inbox(person, limit = 200) {
  const messages = [];
  let since = 0;
  for (;;) {
    const page = await person.asks("pm:sync", { since, limit });
    assert.ok(page.messages.length <= limit);
    assert.equal(page.epoch, person.session.pm.epoch);
    messages.push(...page.messages);
    if (page.complete) {
      assert.ok(messages.every(({ seq }, index) => seq === index + 1));
      return messages;
    }
    assert.ok(page.next > since);
    since = page.next;
  }
}

function contents(messages) {
  return messages.map(({ content }) => content);
}

const isReceipt = (wanted) => (entry) =>
  entry.event === "pm:receipt" &&
  Object.entries(wanted).every(([key, value]) => entry.args[0][key] === value);

export const pmChecks = {
  async "pm is negotiated, and only where it is asked for"() {
    const ann = await arrives("Ann", PM);
    const { pm } = ann.session;
    assert.equal(pm.v, 1);
    assert.deepEqual(pm.limits.content, 16384);
    assert.ok(pm.limits.page >= 1 && pm.limits.window >= 1 && pm.limits.rate.burst >= 1);
    assert.match(pm.serverId, /^[0-9a-f-]{36}$/);
    assert.match(pm.epoch, /^[0-9a-f-]{36}$/);
    assert.ok(Math.abs(pm.now - Date.now()) < 60_000);
    assert.deepEqual([pm.lastSeq, pm.resumed], [0, false]);
    const again = await resumes(ann, PM);
    assert.equal(again.session.pm.resumed, true);
    assert.equal(again.session.pm.epoch, pm.epoch);
    for (const hello of [{ v: [2] }, { v: [] }, {}, true, "1", [1], { v: 1 }]) {
      const plain = await connects({ username: "Plain", pm: hello }).signedIn();
      assert.equal(plain.session.pm, undefined);
    }
    const later = await connects({ username: "Later", pm: { ...HELLO, v: [7, 1] } }).signedIn();
    assert.equal(later.session.pm.v, 1);
  },

  async "pm refusals say why"() {
    const code = async (auth) => (await connects(auth, PM).hearsRefusalData()).code;
    assert.equal(await code({ sessionID: "f".repeat(64) }), "session_expired");
    assert.equal(await code({ username: "" }), "bad_request");
    assert.equal(await code({ username: "a\u202eb" }), "bad_request");
    assert.equal(await code({}), "bad_request");
  },

  async "pm messages are acknowledged with their place"() {
    const [ann, bob] = [await arrives("Ann", PM), await arrives("Bob", PM)];
    const id = newId();
    const content = text();
    const sentAt = Date.now() - 1000;
    const answer = await ann.tells(bob, content, { id, sentAt });
    assert.deepEqual(answer, { ok: true, id, seq: 1, ts: answer.ts });
    const whole = { content, from: ann.id, to: bob.id, id, seq: 1, ts: answer.ts, sentAt };
    assert.deepEqual(await bob.hearsText(content), whole);
    assert.equal(ann.count(isMessage), 0);
    // Without an id of its own, a message gets one.
    const other = await ann.tells(bob, text());
    assert.match(other.id, UUID);
    assert.equal(other.seq, 2);
    // Bob's own numbers go on with his.
    assert.equal((await bob.tells(bob, text(), { id: newId() })).seq, 3);
    assert.equal((await ann.tells(ann, text(), { id: newId() })).seq, 3);
  },

  async "pm repeats are answered again and delivered once"() {
    const [ann, bob] = [await arrives("Ann", PM), await arrives("Bob", PM)];
    const annToo = await resumes(ann, PM);
    const id = newId();
    const content = text();
    const first = await ann.tells(bob, content, { id });
    const repeats = await Promise.all([
      ann.tells(bob, content, { id }),
      annToo.tells(bob, content, { id }),
      ann.tells(bob, content, { id: id.toUpperCase() }),
    ]);
    for (const repeat of repeats) {
      assert.deepEqual(repeat, { ...first, dup: true });
    }
    for (const [to, words] of [
      [bob, text()],
      [ann, content],
    ]) {
      const answer = await ann.tells(to, words, { id });
      assert.deepEqual(answer, { ok: false, code: "conflict" });
    }
    // Somebody else may have the same id.
    assert.equal((await bob.tells(ann, text(), { id })).ok, true);
    const last = text();
    await ann.tells(bob, last, { id: newId() });
    await bob.hearsText(last);
    await annToo.hearsText(last);
    assert.deepEqual(contents(await inbox(bob)).length, 3);
    assert.equal(
      bob.count(({ event, args }) => isMessage({ event }) && args[0].id === id),
      1,
    );
    assert.equal(
      annToo.count(({ event, args }) => isMessage({ event }) && args[0].id === id),
      2,
    );
  },

  async "pm refusals of messages have codes, and the connection lives"() {
    const [ann, bob] = [await arrives("Ann", PM), await arrives("Bob", PM)];
    const code = async (...args) => {
      const answer = await ann.asks(...args);
      assert.equal(answer.ok, false);
      return answer.code;
    };
    const message = "private message";
    assert.equal(await code(message), "bad_request");
    assert.equal(await code(message, null), "bad_request");
    assert.equal(await code(message, { content: "", to: bob.id }), "bad_request");
    assert.equal(await code(message, { content: "x", to: bob.id, id: "x" }), "bad_request");
    assert.equal(await code(message, { content: Buffer.from("x"), to: bob.id }), "bad_request");
    assert.equal(await code(message, { content: "x", to: "nobody" }), "unknown_recipient");
    assert.equal(await code(message, { content: "x".repeat(16_385), to: bob.id }), "too_large");
    assert.equal(await code("pm:nothing", {}), "unsupported");
    assert.equal(await code("pm:sync", { since: "0" }), "bad_request");
    const content = text();
    await ann.tells(bob, content);
    await bob.hearsText(content);
    assert.equal(bob.count(isMessage), 1);
  },

  async "pm:sync gives the inbox from any cursor"() {
    const [ann, bob] = [await arrives("Ann", PM), await arrives("Bob", PM)];
    const texts = Array.from({ length: 450 }, text);
    await Promise.all(texts.map((content) => ann.tells(bob, content, { id: newId() })));
    assert.deepEqual(contents(await inbox(ann)), texts);
    assert.deepEqual(contents(await inbox(bob, 70)), texts);
    const page = await bob.asks("pm:sync", { since: 440, limit: 200 });
    assert.deepEqual(contents(page.messages), texts.slice(440));
    assert.deepEqual([page.next, page.complete], [450, true]);
    const end = await bob.asks("pm:sync", { since: 450, limit: 200 });
    assert.deepEqual([end.messages, end.next, end.complete], [[], 450, true]);
    const live = bob.heard.filter(isMessage).map(({ args }) => args[0]);
    assert.deepEqual(live, await inbox(bob));
    assert.equal((await resumes(bob, PM)).session.pm.lastSeq, 450);
  },

  async "pm:history goes back in one conversation"() {
    const [ann, bob, cleo] = await Promise.all(
      ["Ann", "Bob", "Cleo"].map((name) => arrives(name, PM)),
    );
    const texts = [];
    for (let number = 0; number < 60; number += 1) {
      texts.push(text());
      await (number % 3 ? ann.tells(bob, texts.at(-1)) : bob.tells(ann, texts.at(-1)));
      await ann.tells(cleo, text());
    }
    for (const [person, peer] of [
      [ann, bob],
      [bob, ann],
    ]) {
      const messages = [];
      let before;
      for (;;) {
        const page = await person.asks("pm:history", { peer: peer.id, before, limit: 25 });
        messages.unshift(...page.messages);
        if (page.complete) {
          break;
        }
        assert.equal(page.messages.length, 25);
        before = messages[0].seq;
      }
      assert.deepEqual(contents(messages), texts);
    }
    const nobody = await ann.asks("pm:history", { peer: "nobody", limit: 10 });
    assert.deepEqual(nobody, { ok: false, code: "unknown_recipient" });
  },

  async "pm:users gives everyone in pages, and finds names"() {
    const mark = `Ü${randomBytes(4).toString("hex")}`;
    const people = [];
    for (let number = 0; number < 7; number += 1) {
      people.push(await arrives(`${mark} ${number}`, PM));
    }
    const ann = people[0];
    const found = [];
    let after;
    do {
      const page = await ann.asks("pm:users", { q: mark.toLowerCase(), limit: 3, after });
      assert.ok(page.users.length <= 3);
      found.push(...page.users);
      after = page.next ?? undefined;
    } while (after !== undefined);
    assert.deepEqual(
      found.map(({ userID }) => userID),
      people.map(({ id }) => id).sort(),
    );
    assert.ok(found.every(({ connected, messages }) => connected && messages.length === 0));
    const all = [];
    do {
      const page = await ann.asks("pm:users", { limit: 200, after });
      all.push(...page.users.map(({ userID }) => userID));
      after = page.next ?? undefined;
    } while (after !== undefined);
    assert.ok(people.every(({ id }) => all.includes(id)));
    assert.equal(new Set(all).size, all.length);
  },

  async "pm users say in short what one would have to load"() {
    const [ann, bob] = [await arrives("Ann", PM), await arrives("Bob", PM)];
    await ann.tells(ann, text());
    for (let number = 0; number < 3; number += 1) {
      await bob.tells(ann, text());
    }
    const own = text();
    await ann.tells(bob, own);
    const last = text();
    const { id } = await bob.tells(ann, last);
    const back = await resumes(ann, PM);
    const entry = back.users.find(({ userID }) => userID === bob.id);
    assert.deepEqual(entry.messages, []);
    assert.deepEqual([entry.lastSeq, entry.unread, entry.received, entry.read], [6, 4, 0, 0]);
    assert.deepEqual([entry.last.content, entry.last.id, entry.last.seq], [last, id, 6]);
    await back.asks("pm:read", { peer: bob.id, upTo: 3 });
    const again = await resumes(ann, PM);
    assert.equal(again.users.find(({ userID }) => userID === bob.id).unread, 2);
  },

  async "pm:receipts tell how far the other one got"() {
    const [ann, bob] = [await arrives("Ann", PM), await arrives("Bob", PM)];
    const bobToo = await resumes(bob, PM);
    await ann.tells(ann, text());
    for (let number = 0; number < 3; number += 1) {
      await ann.tells(bob, text());
    }
    // Bob's numbers are 1 to 3, Ann's own 2 to 4.
    assert.deepEqual(await bob.asks("pm:received", { upTo: 2 }), { ok: true });
    await ann.hears(isReceipt({ peer: bob.id, received: 3 }), "received");
    assert.deepEqual(await bob.asks("pm:read", { peer: ann.id, upTo: 3 }), { ok: true });
    await ann.hears(isReceipt({ peer: bob.id, read: 4 }), "read");
    await bobToo.hears(isReceipt({ peer: ann.id, read: 3, own: true }), "one's own reading");
    assert.equal(
      bob.count(({ event }) => event === "pm:receipt"),
      0,
    );
    const entry = (await resumes(ann, PM)).users.find(({ userID }) => userID === bob.id);
    assert.equal(entry.read, 4);
    const bobs = (await resumes(bob, PM)).users.find(({ userID }) => userID === ann.id);
    assert.equal(bobs.unread, 0);
    // Nothing goes back, and too often is refused.
    const soon = await bob.asks("pm:read", { peer: ann.id, upTo: 1 });
    assert.deepEqual([soon.ok, soon.code], [false, "rate_limited"]);
    await new Promise((resolve) => setTimeout(resolve, soon.retryAfterMs));
    assert.deepEqual(await bob.asks("pm:read", { peer: ann.id, upTo: 1 }), { ok: true });
    const still = (await resumes(ann, PM)).users.find(({ userID }) => userID === bob.id);
    assert.equal(still.read, 4);
  },

  async "pm:typing is passed on, now and then"() {
    const [ann, bob] = [await arrives("Ann", PM), await arrives("Bob", PM)];
    const plain = await arrives("Plain");
    for (let number = 0; number < 5; number += 1) {
      ann.socket.emit("pm:typing", { to: bob.id });
      ann.socket.emit("pm:typing", { to: plain.id });
    }
    const { args } = await bob.hears(({ event }) => event === "pm:typing", "somebody typing");
    assert.deepEqual(args, [{ from: ann.id }]);
    for (const person of [bob, plain]) {
      const content = text();
      await ann.tells(person, content);
      await person.hearsText(content);
    }
    assert.equal(
      bob.count(({ event }) => event === "pm:typing"),
      1,
    );
    assert.equal(
      plain.count(({ event }) => event === "pm:typing"),
      0,
    );
  },

  async "pm:logout ends this session, or all"() {
    const ann = await arrives("Ann", PM);
    const twin = await resumes(ann, PM);
    const bob = await arrives("Bob");
    assert.deepEqual(await ann.asks("pm:logout"), { ok: true });
    for (const person of [ann, twin]) {
      assert.equal((await person.hearsEvent("pm:bye")).reason, "signed_out");
      await person.hearsEvent("disconnect");
    }
    await bob.hears(
      ({ event, args }) => event === "user disconnected" && args[0] === ann.id,
      "Ann leaving",
    );
    const late = connects({ sessionID: ann.session.sessionID }, PM);
    assert.equal((await late.hearsRefusalData()).code, "session_expired");
    const cleo = await arrives("Cleo", PM);
    const cleoToo = await resumes(cleo, PM);
    assert.deepEqual(await cleoToo.asks("pm:logout", { all: true }), { ok: true });
    for (const person of [cleo, cleoToo]) {
      assert.equal((await person.hearsEvent("pm:bye")).reason, "signed_out");
    }
    const gone = connects({ sessionID: cleo.session.sessionID });
    assert.equal(await gone.hearsRefusal(), "invalid username");
  },

  async "pm and plain clients side by side"() {
    const [ann, bob] = [await arrives("Ann", PM), await arrives("Bob")];
    const bobToo = await resumes(bob, PM);
    const [one, two] = [text(), text()];
    const { id, ts } = await ann.tells(bob, one);
    assert.deepEqual(await bob.hearsText(one), { content: one, from: ann.id, to: bob.id });
    const stamped = { content: one, from: ann.id, to: bob.id, id, seq: 1, ts };
    assert.deepEqual(await bobToo.hearsText(one), stamped);
    bob.says(ann, two);
    assert.match((await ann.hearsText(two)).id, UUID);
    assert.deepEqual(contents(await inbox(bobToo)), [one, two]);
    const back = await resumes(bob);
    assert.deepEqual(back.users.find(({ userID }) => userID === ann.id).messages, [
      { content: one, from: ann.id, to: bob.id },
      { content: two, from: bob.id, to: ann.id },
    ]);
    assert.equal(back.users.find(({ userID }) => userID === ann.id).lastSeq, undefined);
  },
};
