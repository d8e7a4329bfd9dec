// A reference server on the official socket.io package, in one of the three
// dialects of the private-messaging guide:
//
//   A  no sessions, a user is a socket, nothing is kept
//   B  sessions: a user outlives its sockets, messages are not kept
//   C  as B, and messages are kept
//
//   node server.mjs --dialect C --port 0 [--late MS] [--ping-interval MS] [--ping-timeout MS]
//     [--refuse TEXT] [--store TEXT] [--store-nested DEPTH] [--no-fences]
//
// --late sends `users` and registers the handlers so many milliseconds after the
// connection, as a server with a slow session store does: what comes before is lost.
//
// --refuse refuses every sign-in by name with this text. --store puts a message
// with this text (JSON escapes are read, so it may hold half an emoji) into the
// conversation of everybody with themselves, --store-nested one that is no text
// but arrays within arrays.
//
// --no-fences never answers a CONNECT to a namespace that does not exist.
//
// It prints `listening PORT` once it is ready, and then one line of JSON for
// each line of JSON on its standard input:
//
//   {"do":"forget"}   forgets all sessions and messages; live sockets stay
//   {"do":"drop"}     breaks all connections without a goodbye
//   {"do":"kick"}     says goodbye to all connections (DISCONNECT)
//   {"do":"state"}    answers {"sockets":…,"sessions":…,"messages":[…]}
//
// It ends with its standard input.

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Server } from "socket.io";

const { values: options } = parseArgs({
  options: {
    dialect: { type: "string", default: "C" },
    port: { type: "string", default: "0" },
    late: { type: "string", default: "0" },
    "ping-interval": { type: "string", default: "25000" },
    "ping-timeout": { type: "string", default: "20000" },
    refuse: { type: "string" },
    store: { type: "string" },
    "store-nested": { type: "string" },
    "no-fences": { type: "boolean", default: false },
  },
});
const { dialect } = options;
if (!["A", "B", "C"].includes(dialect)) {
  process.stderr.write(`no such dialect: ${dialect}\n`);
  process.exit(2);
}
const hasSessions = dialect !== "A";
const keepsMessages = dialect === "C";

const sessions = new Map(); // sessionID → { userID, username, connected }
const messages = []; // { content, from, to }

/** What --store and --store-nested put into conversations. */
const planted = (() => {
  if (options.store !== undefined) {
    return JSON.parse(`"${options.store}"`);
  }
  if (options["store-nested"] !== undefined) {
    const depth = Number(options["store-nested"]);
    return JSON.parse("[".repeat(depth) + "]".repeat(depth));
  }
  return undefined;
})();

const http = createServer();
const io = new Server(http, {
  cors: { origin: "http://localhost:8080" },
  pingInterval: Number(options["ping-interval"]),
  pingTimeout: Number(options["ping-timeout"]),
});

if (options["no-fences"]) {
  // A namespace of any name, whose door neither opens nor says no.
  io.of(/^\/.+/).use(() => {});
}

io.use((socket, next) => {
  const { sessionID, username } = socket.handshake.auth;
  const known = hasSessions && sessionID ? sessions.get(sessionID) : undefined;
  if (!known && !username) {
    return next(new Error("invalid username"));
  }
  if (!known && options.refuse) {
    return next(new Error(options.refuse));
  }
  socket.data = known
    ? { sessionID, userID: known.userID, username: known.username }
    : hasSessions
      ? { sessionID: token(), userID: token(), username }
      : { userID: socket.id, username };
  next();
});

io.on("connection", async (socket) => {
  const { sessionID, userID, username } = socket.data;
  if (hasSessions) {
    sessions.set(sessionID, { userID, username, connected: true });
    socket.emit("session", { sessionID, userID });
    socket.join(userID);
  }
  if (planted !== undefined) {
    messages.push({ content: planted, from: userID, to: userID });
  }
  if (Number(options.late) > 0) {
    await new Promise((resolve) => setTimeout(resolve, Number(options.late)));
  }
  socket.emit("users", everyone(userID));
  socket.broadcast.emit("user connected", describe({ userID, username, connected: true }, []));

  socket.on("private message", ({ content, to }) => {
    if (!hasSessions) {
      socket.to(to).emit("private message", { content, from: userID });
      return;
    }
    const message = { content, from: userID, to };
    socket.to(to).to(userID).emit("private message", message);
    if (keepsMessages) {
      messages.push(message);
    }
  });

  socket.on("disconnect", async () => {
    if (!hasSessions) {
      socket.broadcast.emit("user disconnected", userID);
      return;
    }
    const others = await io.in(userID).fetchSockets();
    if (others.length > 0) {
      return;
    }
    socket.broadcast.emit("user disconnected", userID);
    if (sessions.has(sessionID)) {
      sessions.set(sessionID, { userID, username, connected: false });
    }
  });
});

/** 64 random bits, as the guide has them for both kinds of id. */
function token() {
  return randomBytes(8).toString("hex");
}

/** One user in the form of the dialect. */
function describe({ userID, username, connected }, conversation) {
  return {
    userID,
    username,
    ...(hasSessions && { connected }),
    ...(keepsMessages && { messages: conversation }),
  };
}

/** The `users` payload for one user. */
function everyone(me) {
  if (!hasSessions) {
    return [...io.of("/").sockets.values()].map((socket) => describe(socket.data, []));
  }
  return [...sessions.values()].map((user) =>
    describe(
      user,
      messages.filter(
        ({ from, to }) =>
          (from === me && to === user.userID) || (from === user.userID && to === me),
      ),
    ),
  );
}

const controls = {
  forget() {
    sessions.clear();
    messages.length = 0;
    return {};
  },
  drop() {
    for (const client of Object.values(io.engine.clients)) {
      // The transport's own socket: no packet says that this is the end.
      if (client.transport.socket) {
        client.transport.socket.terminate();
      } else {
        client.close(true);
      }
    }
    return {};
  },
  kick() {
    io.disconnectSockets(false);
    return {};
  },
  state() {
    return { sockets: io.of("/").sockets.size, sessions: sessions.size, messages };
  },
};

http.on("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
http.listen(Number(options.port), "127.0.0.1", () => {
  process.stdout.write(`listening ${http.address().port}\n`);
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const control = controls[JSON.parse(line).do];
    const answer = control ? control() : { error: "no such control" };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
  lines.on("close", () => process.exit(0));
});
