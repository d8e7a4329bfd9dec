import type { ClientEvent } from "../generated/ClientEvent";
import type { SessionView } from "../generated/SessionView";
import type { World } from "./world.svelte";

/**
 * Puts one fact from the engine into the state. Every kind of event has its
 * place here; one without does not get through the type check.
 *
 * @param now the time on the clock of `Clock.now`
 */
export function apply(world: World, event: ClientEvent, now: number): void {
  switch (event.type) {
    case "snapshot":
      applySession(world, event.snapshot.session, now);
      world.secrets = event.snapshot.secrets;
      world.compatibility = event.snapshot.compatibility;
      world.roster.replace(event.snapshot.roster);
      world.typing.clear();
      world.timeline?.markStale();
      return;
    case "lagged":
      // The snapshot that follows brings what was missed.
      return;
    case "sessionChanged":
      applySession(world, event.session, now);
      return;
    case "secretsChanged":
      world.secrets = event.secrets;
      return;
    case "compatibilityChanged":
      world.compatibility = event.compatibility;
      return;
    case "rosterChanged":
      world.roster.upsert(event.entries);
      return;
    case "typing":
      world.typing.set(event.user, now + event.forMs);
      return;
    case "timelineChanged":
      // What they were writing is here.
      if (event.items.some((item) => !item.isMine)) world.typing.delete(event.user);
      if (world.timeline?.user === event.user) world.timeline.change(event);
      return;
    default:
      event satisfies never;
  }
}

function applySession(world: World, session: SessionView, now: number): void {
  world.session = session;
  world.retryAt = session.state === "waiting" ? now + session.retryInMs : null;
  switch (session.state) {
    case "waiting":
      world.trouble = session.reason;
      return;
    case "online":
      world.trouble = null;
      world.wasOnline = true;
      return;
    case "signedOut":
      world.trouble = null;
      world.wasOnline = false;
      return;
    case "connecting":
    case "authenticating":
    case "catchingUp":
      return;
    default:
      session satisfies never;
  }
}
