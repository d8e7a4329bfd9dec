import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { flushSync } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import App from "../../App.svelte";
import type { Failure } from "../../generated/Failure";
import type { SessionView } from "../../generated/SessionView";
import { FakePlatform } from "../../platform/fake";
import { account, house, online, settle, signedOut, start, waiting } from "../../test/world";

const refused: Failure = { code: "connectionRefused", detail: null };
const connecting: SessionView = { state: "connecting", account: account(), attempt: 2 };

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"],
  });
});

afterEach(() => {
  vi.useRealTimers();
});

async function show(fake: FakePlatform) {
  const parlour = await start(fake);
  render(App, { parlour });
  return { parlour, user: userEvent.setup({ advanceTimers: vi.advanceTimersByTime.bind(vi) }) };
}

function pass(ms: number) {
  vi.advanceTimersByTime(ms);
  flushSync();
}

describe("the first connection", () => {
  it("says what happens, why it fails, and when it is tried again", async () => {
    const fake = new FakePlatform();
    fake.session = connecting;
    await show(fake);
    expect(screen.getByTestId("connecting")).toHaveTextContent("Connecting to chat.example.org");
    expect(screen.queryByTestId("connecting-reason")).toBeNull();

    fake.become(waiting(refused, 8_000));
    flushSync();
    expect(screen.getByTestId("connecting-reason")).toHaveTextContent(
      "Nothing answers at chat.example.org.",
    );
    expect(screen.getByTestId("connecting")).toHaveTextContent("Next try in 8 seconds.");
    pass(3_000);
    expect(screen.getByTestId("connecting")).toHaveTextContent("Next try in 5 seconds.");

    // The reason stays to be read while it is tried again.
    fake.become(connecting);
    flushSync();
    expect(screen.getByTestId("connecting-reason")).toHaveTextContent(/Nothing answers/);
  });

  it("can be hurried, and given up", async () => {
    const fake = new FakePlatform();
    fake.session = { ...waiting(refused), account: account(null) } as SessionView;
    const { user } = await show(fake);
    await user.click(screen.getByTestId("reconnect"));
    await user.click(screen.getByTestId("use-another-server"));
    expect(fake.accepted).toEqual([{ type: "reconnect" }, { type: "signOut" }]);
  });

  it("asks before an identity is given up", async () => {
    const fake = new FakePlatform();
    fake.session = waiting(refused);
    const { user } = await show(fake);
    await user.click(screen.getByTestId("use-another-server"));
    expect(fake.accepted).toEqual([]);
    await user.click(screen.getByTestId("sign-out-confirm"));
    expect(fake.accepted).toEqual([{ type: "signOut" }]);
  });

  it("is not gone back to once people are known", async () => {
    const fake = house();
    await show(fake);
    fake.become(waiting(refused));
    flushSync();
    expect(screen.getByTestId("roster")).toBeInTheDocument();
    expect(screen.queryByTestId("connecting")).toBeNull();
  });

  it("is not gone back to by somebody who is alone", async () => {
    const fake = new FakePlatform();
    fake.session = online();
    await show(fake);
    fake.become(waiting(refused));
    flushSync();
    expect(screen.getByTestId("roster")).toBeInTheDocument();
  });
});

describe("the banner", () => {
  it("says why one is offline, counts down, and goes when it is over", async () => {
    const fake = house();
    const { user } = await show(fake);
    expect(screen.queryByTestId("connection-banner")).toBeNull();
    fake.become(waiting({ code: "closedByServer", detail: "going down" }, 5_000));
    flushSync();
    const banner = screen.getByTestId("connection-banner");
    expect(banner).toHaveTextContent("You are offline.");
    expect(banner).toHaveTextContent("chat.example.org closed the connection.");
    expect(banner).toHaveTextContent("Details: going down");
    expect(banner).toHaveTextContent("Next try in 5 seconds.");
    // The countdown is not read out each second.
    expect(screen.getByRole("status")).not.toHaveTextContent("Next try");
    pass(4_000);
    expect(banner).toHaveTextContent("Next try in 1 second.");
    await user.click(screen.getByTestId("reconnect"));
    expect(fake.accepted).toEqual([{ type: "reconnect" }]);
    fake.become(online());
    flushSync();
    expect(screen.queryByTestId("connection-banner")).toBeNull();
  });

  it("has no words for a connection that is made at once", async () => {
    const fake = house();
    fake.session = connecting;
    await show(fake);
    expect(screen.queryByTestId("connection-banner")).toBeNull();
    pass(1_000);
    expect(screen.getByTestId("connection-banner")).toHaveTextContent("Connecting…");
    fake.become({ state: "catchingUp", account: account() });
    flushSync();
    expect(screen.getByTestId("connection-banner")).toHaveTextContent(/what you missed/);
  });
});

describe("a session that is not kept", () => {
  const missing = { code: "keyringMissing", detail: null } as const;

  it("is told with its reason and what it means, and a place can be chosen", async () => {
    const fake = house();
    fake.keep({ backend: "memory", failure: missing, undecided: true });
    const { user } = await show(fake);
    const banner = screen.getByTestId("secrets-banner");
    expect(banner).toHaveTextContent("Your sign-in could not be saved.");
    expect(banner).toHaveTextContent("There is no keyring on this computer.");
    expect(banner).toHaveTextContent("until you close Parlour");

    await user.click(screen.getByTestId("choose-secrets"));
    const dialog = screen.getByRole("dialog");
    expect(dialog).toHaveTextContent("every program that you run can");
    expect(screen.getByTestId("secrets-confirm")).toHaveTextContent("Try the keyring again");
    await user.click(screen.getByLabelText(/In a file/));
    expect(fake.accepted, "nothing without the button").toEqual([]);
    await user.click(screen.getByTestId("secrets-confirm"));
    expect(fake.accepted).toEqual([{ type: "chooseSecrets", backend: "file" }]);
    expect(screen.queryByRole("dialog")).toBeNull();
    fake.keep({ backend: "file", wanted: "file", failure: null, undecided: false });
    flushSync();
    expect(screen.queryByTestId("secrets-banner")).toBeNull();
  });

  it("stays a question that can be put off", async () => {
    const fake = house();
    fake.keep({ backend: "memory", failure: missing, undecided: true });
    const { user } = await show(fake);
    await user.click(screen.getByTestId("choose-secrets"));
    await user.click(screen.getByLabelText(/Only until Parlour closes/));
    await user.click(screen.getByTestId("secrets-cancel"));
    expect(fake.accepted).toEqual([]);
    await user.click(screen.getByTestId("choose-secrets"));
    expect(screen.getByLabelText(/In the keyring/), "nothing stays marked").toBeChecked();
    await user.click(screen.getByTestId("secrets-cancel"));
    await user.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(screen.queryByTestId("secrets-banner")).toBeNull();
    // Another failure is news.
    fake.keep({ failure: null });
    fake.keep({ failure: { code: "keyringLocked", detail: null } });
    flushSync();
    expect(screen.getByTestId("secrets-banner")).toHaveTextContent("locked");
  });

  it("is said before there is a session, and can be settled then", async () => {
    const fake = new FakePlatform();
    fake.keep({ failure: missing, undecided: true });
    const { user } = await show(fake);
    expect(screen.getByTestId("secrets-banner")).toHaveTextContent("would stay signed in");
    await user.click(screen.getByTestId("choose-secrets"));
    await user.click(screen.getByLabelText(/Only until Parlour closes/));
    await user.click(screen.getByTestId("secrets-confirm"));
    expect(fake.accepted).toEqual([{ type: "chooseSecrets", backend: "memory" }]);
  });

  it("is said once where it is the reason for the form", async () => {
    const fake = new FakePlatform();
    fake.session = signedOut({ reason: missing, resumable: true });
    fake.keep({ failure: missing, undecided: true });
    const { user } = await show(fake);
    expect(screen.queryByTestId("secrets-banner")).toBeNull();
    await user.click(screen.getByTestId("choose-secrets"));
    expect(screen.getByRole("dialog")).toBeInTheDocument();
  });

  it("can be moved at any time, and a refusal is said", async () => {
    const fake = house();
    const { user } = await show(fake);
    fake.refusals.set("chooseSecrets", "busy");
    await user.click(screen.getByTestId("secrets-open"));
    await user.click(screen.getByLabelText(/In a file/));
    await user.click(screen.getByTestId("secrets-confirm"));
    await settle();
    expect(screen.getByTestId("problem-banner")).toHaveTextContent(/too much to do/);
    fake.keep({ failure: { code: "secretsFileFailed", detail: "no room" } });
    flushSync();
    expect(screen.getByTestId("secrets-banner")).toHaveTextContent("stays where it was");
  });
});
