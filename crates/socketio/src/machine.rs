//! The client's side of a connection, without the connection: what arrives and
//! what time it is go in, what to do comes out.
//!
//! ```text
//!          engine handshake
//! Opening ─────────────────▶ Open ──▶ Closed
//!    │                                  ▲  1, close frame, end of stream, silence,
//!    └──────────────────────────────────┘  violation, too large; nobody is anywhere
//!              anything else               any more
//! ```
//! `Closed` is final: nothing comes out any more. While it is open, each
//! namespace has a life of its own ([`spaces`]): pings are answered before any
//! lets us in, and events may arrive before CONNECT is answered.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    engine::{self, EnginePacket, Handshake},
    error::CloseReason,
    liveness::{self, Liveness, Verdict},
    options::ConnectOptions,
    packet::{Body, Bounds, DecodeError, Packet},
    reassembly::Reassembly,
    recovery::presented,
};

mod io;
mod packets;
mod replies;
mod spaces;

pub(crate) use io::{Effect, Incoming, Input, Welcome};
use packets::assembled;
pub(crate) use spaces::{FIRST, SpaceId};
use spaces::{Space, SpaceState, Spaces};

/// A packet that may wait for its attachments.
struct Header {
    space: SpaceId,
    body: HeaderBody,
    args: Vec<Box<RawValue>>,
}

enum HeaderBody {
    Event { name: String, ack: Option<u64> },
    Answer { id: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening,
    Open,
    Closed,
}

pub(crate) struct Machine {
    state: State,
    spaces: Spaces,
    /// The first CONNECT, until it is sent.
    hello: String,
    limits: liveness::Limits,
    handshake: Option<Handshake>,
    liveness: Option<Liveness>,
    bounds: Bounds,
    reassembly: Reassembly<Header>,
}

impl Machine {
    pub(crate) fn new(options: &ConnectOptions) -> Self {
        let recovery = options.presented_recovery();
        let auth = presented(options.auth.clone(), recovery);
        let first = Space {
            id: FIRST,
            name: options.namespace.clone(),
            state: SpaceState::Joining,
            pid: recovery.map(|recovery| recovery.pid.clone()),
            early: true,
        };
        Self {
            state: State::Opening,
            spaces: Spaces::new(first),
            hello: text(&options.namespace, Body::Connect(auth)),
            limits: liveness::Limits {
                probe_interval: options.probe_interval,
                silence: options.silence_limit,
                // Until the server has said how patient it is.
                patience: Duration::ZERO,
                wake: options.wake_limit,
            },
            handshake: None,
            liveness: None,
            bounds: Bounds {
                depth: options.limits.depth.max(1),
                arguments: options.limits.arguments,
                name_bytes: options.limits.name_bytes,
            },
            reassembly: Reassembly::new(options.limits.attachments, options.limits.incoming_bytes),
        }
    }

    /// What the server said about the connection; `None` while opening.
    pub(crate) fn handshake(&self) -> Option<&Handshake> {
        self.handshake.as_ref()
    }

    /// When a [`Input::Tick`] is due, if nothing happens before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.liveness.as_ref().map(Liveness::deadline)
    }

    /// Which number a namespace has while we are there, or may be about to be.
    pub(crate) fn space(&mut self, namespace: &str) -> Option<SpaceId> {
        self.spaces.named(namespace).map(|space| space.id)
    }

    /// In how many namespaces we are, or may be about to be.
    pub(crate) fn namespaces(&self) -> usize {
        self.spaces.count()
    }

    #[cfg(test)]
    fn is_waiting(&mut self, space: SpaceId) -> bool {
        let space = self.spaces.with(space);
        space.is_some_and(|space| space.state != SpaceState::Open)
    }

    /// One DISCONNECT for everything that is joined, as text frames.
    pub(crate) fn leave_all(&self) -> Vec<String> {
        self.spaces
            .open()
            .map(|name| text(name, Body::Disconnect))
            .collect()
    }

    pub(crate) fn step(&mut self, input: Input<'_>, now: Instant) -> Vec<Effect> {
        if self.state == State::Closed {
            return Vec::new();
        }
        match input {
            Input::Text(text) => self.text(text, now),
            Input::Binary(part) => self.binary(part, now),
            Input::Control => self.alive(|liveness| liveness.heard(now)),
            Input::Answered(probe) => self.alive(|liveness| liveness.answered(probe, now)),
            Input::Progress => self.alive(|liveness| liveness.progressed(now)),
            Input::Resumed => self.alive(|liveness| liveness.resumed(now)),
            Input::Woke(gap) => self.alive(|liveness| liveness.woke(gap, now)),
            Input::HeldUp { moves } => self.alive(|liveness| liveness.held_up(moves, now)),
            Input::Tick => self.tick(now),
            Input::Join { space, name, pid } => {
                self.spaces.add(space, name, pid);
                Vec::new()
            }
            Input::Leave(space) => self.leave(space).into_iter().collect(),
            Input::Ended(reason) => self.end(reason),
        }
    }

    fn leave(&mut self, id: SpaceId) -> Option<Effect> {
        let space = self.spaces.with(id)?;
        if space.state == SpaceState::Open {
            let goodbye = text(&space.name, Body::Disconnect);
            self.spaces.remove(id);
            Some(Effect::Send(goodbye))
        } else {
            space.state = SpaceState::Abandoned;
            None
        }
    }

    fn alive(&mut self, note: impl FnOnce(&mut Liveness)) -> Vec<Effect> {
        if let Some(liveness) = &mut self.liveness {
            note(liveness);
        }
        Vec::new()
    }

    fn tick(&mut self, now: Instant) -> Vec<Effect> {
        match self.liveness.as_mut().map(|liveness| liveness.check(now)) {
            None | Some(Verdict::Wait) => Vec::new(),
            Some(Verdict::Probe(number)) => vec![Effect::Probe(number)],
            Some(Verdict::Dead) => self.end(CloseReason::PingTimeout),
        }
    }

    fn end(&mut self, reason: CloseReason) -> Vec<Effect> {
        self.state = State::Closed;
        vec![Effect::Close(reason)]
    }

    fn violation(&mut self, what: &str) -> Vec<Effect> {
        self.end(CloseReason::Protocol(what.to_owned()))
    }

    fn text(&mut self, text: &str, now: Instant) -> Vec<Effect> {
        self.alive(|liveness| liveness.heard(now));
        let packet = EnginePacket::decode(text);
        if self.state == State::Opening {
            return match packet {
                Some(EnginePacket::Open(data)) => self.open(data, now),
                _ => self.violation("it did not begin with a handshake"),
            };
        }
        match packet {
            Some(EnginePacket::Message(message)) => self.message(message),
            Some(EnginePacket::Ping(_)) => {
                self.alive(|liveness| liveness.pinged(now));
                vec![Effect::Pong]
            }
            Some(EnginePacket::Close) => self.end(CloseReason::ServerDisconnect),
            Some(EnginePacket::Pong(_) | EnginePacket::Upgrade | EnginePacket::Noop) => Vec::new(),
            Some(EnginePacket::Open(_)) => self.violation("a second handshake"),
            None => vec![undecodable(
                self.spaces.eldest(),
                DecodeError::Kind,
                text.len(),
            )],
        }
    }

    fn open(&mut self, data: &str, now: Instant) -> Vec<Effect> {
        let handshake = match Handshake::read(data) {
            Ok(handshake) => handshake,
            Err(what) => return self.violation(what),
        };
        self.limits.patience = handshake.patience();
        self.liveness = Some(Liveness::new(self.limits, now));
        self.handshake = Some(handshake);
        self.state = State::Open;
        vec![Effect::Send(std::mem::take(&mut self.hello))]
    }

    fn binary(&mut self, part: Bytes, now: Instant) -> Vec<Effect> {
        self.alive(|liveness| liveness.heard(now));
        if self.state == State::Opening {
            return self.violation("it did not begin with a handshake");
        }
        let bytes = part.len();
        assembled(self.spaces.eldest(), self.reassembly.part(part), bytes)
    }
}

/// A packet as a text frame.
pub(crate) fn text(namespace: &str, body: Body) -> String {
    let mut text = String::from(engine::MESSAGE);
    let namespace = namespace.into();
    Packet { namespace, body }.encode_into(&mut text);
    text
}

fn undecodable(space: SpaceId, error: DecodeError, bytes: usize) -> Effect {
    Effect::Deliver(space, Incoming::Undecodable { error, bytes })
}

#[cfg(test)]
mod tests;
