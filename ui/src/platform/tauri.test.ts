import { clearMocks, mockIPC } from "@tauri-apps/api/mocks";
import { afterEach, expect, it } from "vitest";

import { tauri } from "./tauri";
import { Refused } from "./types";

afterEach(clearMocks);

it("hands commands and queries to the shell under their names", async () => {
  const calls: unknown[] = [];
  mockIPC((name, args) => {
    calls.push([name, args]);
    return { type: "settings", theme: "dark", defaultServer: null, profile: "default" };
  });
  await tauri.dispatch(2, { type: "resume" });
  const settings = await tauri.query(null, { type: "settings" });
  expect(settings.theme).toBe("dark");
  expect(calls).toEqual([
    ["dispatch", { account: 2, command: { type: "resume" } }],
    ["query", { account: null, query: { type: "settings" } }],
  ]);
});

it("subscribes with a channel", async () => {
  let channel: unknown;
  mockIPC((name, args) => {
    if (name === "subscribe") channel = (args as { channel: unknown }).channel;
  });
  await tauri.subscribe(() => undefined);
  expect(JSON.stringify(channel)).toMatch(/^"__CHANNEL__:\d+"$/);
});

it("tells a refusal from a fault of the bridge", async () => {
  mockIPC(() => {
    // As the bridge does: what a command rejects with is the value itself, no Error.
    throw { code: "usernameEmpty" } as unknown;
  });
  await expect(tauri.dispatch(2, { type: "resume" })).rejects.toEqual(new Refused("usernameEmpty"));
  mockIPC(() => {
    throw "command not allowed" as unknown;
  });
  await expect(tauri.dispatch(2, { type: "resume" })).rejects.toBe("command not allowed");
});
