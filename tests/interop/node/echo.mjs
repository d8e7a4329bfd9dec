// A server on the official socket.io package that sends everything back.
//
//   node echo.mjs [--transports polling,websocket] [--max-payload BYTES]
//     [--ping-interval MS] [--ping-timeout MS] [--cookie NAME] [--upgrade-timeout MS]
//
// Each event is answered by its like, with its attachments, and acknowledged
// with its arguments where an answer is wanted. `many` is sent as often as its
// first argument says, numbered from 0. `transport` tells by what the connection
// goes, and with which cookies it began.
//
// It prints `listening PORT` once it is ready, and ends with its standard input.

import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Server } from "socket.io";

const { values: options } = parseArgs({
  options: {
    transports: { type: "string", default: "polling,websocket" },
    "max-payload": { type: "string", default: "1000000" },
    "ping-interval": { type: "string", default: "25000" },
    "ping-timeout": { type: "string", default: "20000" },
    "upgrade-timeout": { type: "string", default: "10000" },
    cookie: { type: "string" },
  },
});

const http = createServer();
const io = new Server(http, {
  transports: options.transports.split(","),
  maxHttpBufferSize: Number(options["max-payload"]),
  pingInterval: Number(options["ping-interval"]),
  pingTimeout: Number(options["ping-timeout"]),
  upgradeTimeout: Number(options["upgrade-timeout"]),
  cookie: options.cookie === undefined ? false : { name: options.cookie },
});

io.on("connection", (socket) => {
  socket.onAny((event, ...args) => {
    const answer = typeof args.at(-1) === "function" ? args.pop() : undefined;
    if (event === "many") {
      for (let number = 0; number < args[0]; number += 1) {
        socket.emit("many", number);
      }
    } else if (event === "transport") {
      socket.emit("transport", socket.conn.transport.name, socket.handshake.headers.cookie ?? "");
    } else {
      socket.emit(event, ...args);
    }
    answer?.(...args);
  });
});

http.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening ${http.address().port}\n`);
  process.stdin.on("close", () => process.exit(0)).resume();
});
