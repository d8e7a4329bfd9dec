// The server of the guide's part 3 on the official socket.io package, for the
// benchmark: sessions and messages in memory, nothing else, and nothing that
// would make it slower than the guide's own.
//
//   node guide_server.mjs [--sessions COUNT]
//
// --sessions makes it know so many people from the start, as if they had
// signed up and left.
//
// It listens on a free port and prints `server listening at URL`. It ends with
// SIGTERM.

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Server } from "socket.io";

const { values: options } = parseArgs({
  options: { sessions: { type: "string", default: "0" } },
});

const sessions = new Map(); // sessionID → { userID, username, connected }
const messages = []; // { content, from, to }

const token = () => randomBytes(8).toString("hex");

for (let number = 0; number < Number(options.sessions); number += 1) {
  sessions.set(token(), { userID: token(), username: `guest ${number}`, connected: false });
}

const http = createServer();
const io = new Server(http, { cors: { origin: "http://localhost:8080" } });

io.use((socket, next) => {
  const { sessionID, username } = socket.handshake.auth;
  const known = sessionID && sessions.get(sessionID);
  if (known) {
    Object.assign(socket, { sessionID, userID: known.userID, username: known.username });
    return next();
  }
  if (!username) {
    return next(new Error("invalid username"));
  }
  Object.assign(socket, { sessionID: token(), userID: token(), username });
  next();
});

/** The messages of the conversations of `me`, by the other side. */
function conversations(me) {
  const byUser = new Map();
  for (const message of messages) {
    if (message.from !== me && message.to !== me) {
      continue;
    }
    const other = message.from === me ? message.to : message.from;
    const conversation = byUser.get(other);
    if (conversation) {
      conversation.push(message);
    } else {
      byUser.set(other, [message]);
    }
  }
  return byUser;
}

io.on("connection", (socket) => {
  const { sessionID, userID, username } = socket;
  sessions.set(sessionID, { userID, username, connected: true });
  socket.emit("session", { sessionID, userID });
  socket.join(userID);

  const mine = conversations(userID);
  const users = [];
  for (const user of sessions.values()) {
    users.push({
      userID: user.userID,
      username: user.username,
      connected: user.connected,
      messages: mine.get(user.userID) ?? [],
    });
  }
  socket.emit("users", users);
  socket.broadcast.emit("user connected", { userID, username, connected: true, messages: [] });

  socket.on("private message", ({ content, to }) => {
    const message = { content, from: userID, to };
    socket.to(to).to(userID).emit("private message", message);
    messages.push(message);
  });

  socket.on("disconnect", async () => {
    const others = await io.in(userID).fetchSockets();
    if (others.length === 0) {
      socket.broadcast.emit("user disconnected", userID);
      sessions.set(sessionID, { userID, username, connected: false });
    }
  });
});

http.listen(0, "127.0.0.1", () => {
  process.stdout.write(`server listening at http://127.0.0.1:${http.address().port}\n`);
});
