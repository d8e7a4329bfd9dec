// What the official socket.io server offers beyond the guide: namespaces,
// acknowledgements both ways, binary, state that is recovered.
//
//   node features.mjs [--port 0] [--window MS]
//
// --window: how long the state of a connection that broke is kept; not at all without.
//
// Namespaces: `/`, `/room`, and `/staff`, which lets in who has {"token":"right"} and
// refuses others with data. In each a client may emit
//
//   echo, anything…      comes back as `echo`, or to the acknowledgement
//   double, number       to the acknowledgement, later for even numbers than for odd ones
//   never                is not answered
//
// It prints `listening PORT` once it is ready, and then one line of JSON for each
// line of JSON on its standard input:
//
//   {"do":"drop"}                          breaks all connections without a goodbye
//   {"do":"count","from":0,"to":9}         emits `n` with each number, to all in `/`
//   {"do":"count","to":9,"space":"/room"}  … in `/room`
//   {"do":"burst","from":0,"to":9}         the same, and breaks all connections at once
//   {"do":"ask","args":[…]}                asks who is in `/`, and prints the answers
//   {"do":"dismiss","space":"/room"}       says goodbye to all in that namespace
//   {"do":"who"}                           prints the ids in each namespace
//
// It ends with its standard input.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Server } from "socket.io";

const { values: options } = parseArgs({
  options: { port: { type: "string", default: "0" }, window: { type: "string" } },
});
const SPACES = ["/", "/room", "/staff"];

const http = createServer();
const io = new Server(http, {
  ...(options.window && {
    connectionStateRecovery: { maxDisconnectionDuration: Number(options.window) },
  }),
});

io.of("/staff").use((socket, next) => {
  if (socket.handshake.auth.token === "right") {
    return next();
  }
  const refusal = new Error("not you");
  refusal.data = { code: 7, why: ["no", { token: null }] };
  next(refusal);
});

for (const space of SPACES) {
  io.of(space).on("connection", (socket) => {
    socket.on("echo", (...args) => {
      const answer = args.at(-1);
      if (typeof answer === "function") {
        answer(...args.slice(0, -1));
      } else {
        socket.emit("echo", ...args);
      }
    });
    socket.on("double", (number, answer) => {
      setTimeout(() => answer(number * 2), number % 2 === 0 ? 20 : 0);
    });
    socket.on("never", () => {});
  });
}

function drop() {
  for (const client of Object.values(io.engine.clients)) {
    // The transport's own socket: no packet says that this is the end.
    if (client.transport.socket) {
      client.transport.socket.terminate();
    } else {
      client.close(true);
    }
  }
}

function count({ from = 0, to, space = "/" }) {
  for (let number = from; number <= to; number += 1) {
    io.of(space).emit("n", number);
  }
}

const controls = {
  drop() {
    drop();
    return {};
  },
  count(order) {
    count(order);
    return {};
  },
  burst(order) {
    count(order);
    drop();
    return {};
  },
  async ask({ args }) {
    const plain = (part) => (Buffer.isBuffer(part) ? `binary ${part.toString("hex")}` : part);
    const sockets = [...io.of("/").sockets.values()];
    const ask = (socket) =>
      new Promise((resolve, reject) => {
        socket.timeout(10000).emit("ask", ...args, (error, ...answer) => {
          return error ? reject(error) : resolve(answer.map(plain));
        });
      });
    return { answers: await Promise.all(sockets.map(ask)) };
  },
  dismiss({ space }) {
    io.of(space).disconnectSockets(false);
    return {};
  },
  who() {
    return Object.fromEntries(SPACES.map((space) => [space, [...io.of(space).sockets.keys()]]));
  },
};

http.listen(Number(options.port), "127.0.0.1", () => {
  process.stdout.write(`listening ${http.address().port}\n`);
  const lines = createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    const order = JSON.parse(line);
    const control = controls[order.do];
    const answer = control ? await control(order) : { error: "no such control" };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
  lines.on("close", () => process.exit(0));
});
