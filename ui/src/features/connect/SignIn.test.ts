import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import App from "../../App.svelte";
import { FakePlatform } from "../../platform/fake";
import { SERVER, settle, signedOut, start } from "../../test/world";

async function show(change: (fake: FakePlatform) => void = () => undefined) {
  const fake = new FakePlatform();
  change(fake);
  const parlour = await start(fake);
  render(App, { parlour });
  return { fake, parlour, user: userEvent.setup() };
}

const server = () => screen.getByLabelText<HTMLInputElement>("Server");
const username = () => screen.getByLabelText<HTMLInputElement>("Your name");
const submit = () => screen.getByTestId("sign-in-submit");
const error = () => screen.getByTestId("sign-in-error");

it("begins in the first empty field", async () => {
  await show();
  expect(server()).toHaveFocus();
  expect(server()).toHaveValue("");
});

it("begins with the name when the server is known", async () => {
  await show((fake) => {
    fake.settings = { ...fake.settings, defaultServer: "http://127.0.0.1:3000" };
  });
  expect(server()).toHaveValue("http://127.0.0.1:3000");
  expect(username()).toHaveFocus();
});

it("knows the last server and name before any default", async () => {
  await show((fake) => {
    fake.settings = { ...fake.settings, defaultServer: "http://127.0.0.1:3000" };
    fake.session = signedOut({ server: SERVER, username: "Alice" });
  });
  expect(server()).toHaveValue(SERVER);
  expect(username()).toHaveValue("Alice");
  expect(submit()).toHaveFocus();
});

it("signs in with what was typed, by Enter too, once", async () => {
  const { fake, user } = await show();
  await user.type(server(), " chat.example.org ");
  await user.type(username(), "Alice{Enter}");
  expect(fake.accepted).toEqual([
    { type: "signIn", server: "chat.example.org", username: "Alice" },
  ]);
});

it("says at the field what is wrong with it, and keeps what was typed", async () => {
  const { fake, user } = await show((it) => {
    it.session = signedOut({ server: SERVER });
  });
  fake.refusals.set("signIn", "usernameInvisible");
  await user.type(username(), "Al\u200bice");
  await user.click(submit());
  expect(error()).toHaveTextContent(/cannot be seen/);
  expect(username()).toHaveAccessibleDescription(/cannot be seen/);
  expect(username()).toBeInvalid();
  expect(username()).toHaveFocus();
  expect(username()).toHaveValue("Al\u200bice");

  fake.refusals.set("signIn", "invalidAddress");
  await user.click(submit());
  expect(screen.getAllByTestId("sign-in-error")).toHaveLength(1);
  expect(server()).toHaveAccessibleDescription(/address cannot be used/);
  expect(server()).toHaveFocus();

  fake.refusals.set("signIn", "storageFailed");
  await user.click(submit());
  expect(error()).toHaveTextContent(/could not be stored/);
  expect(server()).toBeValid();
});

it("asks for a server before it asks the engine", async () => {
  const { fake, user } = await show();
  await user.type(username(), "Alice{Enter}");
  expect(error()).toHaveTextContent(/Where is your server/);
  expect(server()).toHaveFocus();
  expect(fake.accepted).toEqual([]);
});

it("tells what the server said in the server's words", async () => {
  await show((fake) => {
    fake.session = signedOut({
      server: SERVER,
      username: "Alice",
      reason: { code: "signInRefused", detail: "<b>no room</b>" },
    });
  });
  expect(error()).toHaveTextContent("chat.example.org refused to let you in.");
  expect(error()).toHaveTextContent("The server says: “<b>no room</b>”");
  expect(screen.queryByTestId("resume")).toBeNull();
});

it("offers to try again what may work again", async () => {
  const { fake, user } = await show((it) => {
    it.session = signedOut({
      server: SERVER,
      username: "Alice",
      reason: { code: "keyringLocked", detail: null },
      resumable: true,
    });
  });
  await user.click(screen.getByTestId("resume"));
  expect(fake.accepted).toEqual([{ type: "resume" }]);
});

it("keeps what was typed when the connection is refused after a while", async () => {
  const { fake, user } = await show();
  await user.type(server(), "chat.example.org");
  await user.type(username(), "Alice{Enter}");
  fake.become({
    state: "connecting",
    account: { server: SERVER, username: "Alice", userId: null },
    attempt: 1,
  });
  await settle();
  expect(screen.queryByTestId("sign-in")).toBeNull();
  fake.become(signedOut({ reason: { code: "signInRefused", detail: "invalid username" } }));
  await settle();
  expect(server()).toHaveValue("chat.example.org");
  expect(username()).toHaveValue("Alice");
});
