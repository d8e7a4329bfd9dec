//! The client's side of a connection, without the connection: what arrives and
//! what time it is go in, what to do comes out.
//!
//! ```text
//!          engine handshake          CONNECT answered
//! Opening ─────────────────▶ Joining ────────────────▶ Open
//!    │                          │ CONNECT_ERROR          │
//!    │ anything else            ├──────────▶ Refused     │ 41, 1, close frame, end of stream,
//!    │                          │                        │ silence, violation, too large
//!    └──────────────────────────┴────────▶ Closed ◀──────┘
//! ```
//! `Refused` and `Closed` are final: nothing comes out any more. From `Joining`
//! on pings are answered, since a server may ping before it lets one in; and
//! events may arrive before CONNECT is answered.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    ack::Answer,
    engine::{self, EnginePacket, Handshake},
    error::CloseReason,
    fence::{self, FenceAnswer},
    liveness::{self, Liveness, Verdict},
    options::ConnectOptions,
    packet::{Body, Bounds, DecodeError, Packet},
    reassembly::{Progress, Reassembly},
    surrogate,
};

mod io;
mod replies;

pub(crate) use io::{Effect, Incoming, Input};
use replies::{joined_as, refusal};

/// What an incoming packet with attachments waits for.
#[derive(Debug)]
enum Header {
    Event {
        name: String,
        args: Vec<Box<RawValue>>,
        ack: Option<u64>,
    },
    Answer {
        id: u64,
        args: Vec<Box<RawValue>>,
    },
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Opening,
    Joining,
    Open,
    Refused,
    Closed,
}

#[derive(Debug)]
pub(crate) struct Machine {
    state: State,
    namespace: String,
    auth: Option<Box<RawValue>>,
    limits: liveness::Limits,
    handshake: Option<Handshake>,
    liveness: Option<Liveness>,
    bounds: Bounds,
    reassembly: Reassembly<Header>,
}

impl Machine {
    pub(crate) fn new(options: &ConnectOptions) -> Self {
        Self {
            state: State::Opening,
            namespace: options.namespace.clone(),
            auth: options.auth.clone(),
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

    pub(crate) fn step(&mut self, input: Input<'_>, now: Instant) -> Vec<Effect> {
        if matches!(self.state, State::Refused | State::Closed) {
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
            Input::HeldUp => self.alive(|liveness| liveness.held_up(now)),
            Input::Tick => self.tick(now),
            Input::Ended(reason) => self.end(reason),
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
            None => vec![undecodable(DecodeError::Kind, text.len())],
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
        self.state = State::Joining;
        let mut text = String::from(engine::MESSAGE);
        let namespace = self.namespace.as_str().into();
        Packet {
            namespace,
            body: Body::Connect(self.auth.take()),
        }
        .encode_into(&mut text);
        vec![Effect::Send(text)]
    }

    fn message(&mut self, message: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.reassembly.interrupt() {
            effects.push(undecodable(DecodeError::MissingAttachments, message.len()));
        }
        let repaired = surrogate::repair(message);
        match Packet::decode_within(&repaired, &self.bounds) {
            Ok(packet) if packet.namespace == self.namespace => {
                effects.extend(self.packet(packet.body, message.len()));
            }
            Ok(packet) => effects.extend(self.foreign(packet)),
            Err(error) => {
                self.reassembly
                    .skip(Packet::announced_attachments(&repaired));
                effects.push(undecodable(error, message.len()));
            }
        }
        effects
    }

    fn packet(&mut self, body: Body, bytes: usize) -> Vec<Effect> {
        match (body, &self.state) {
            (
                Body::Event {
                    ack,
                    attachments,
                    name,
                    args,
                },
                _,
            ) => {
                let header = Header::Event { name, args, ack };
                let progress = self.reassembly.begin(header, attachments);
                assembled(progress, bytes)
            }
            (
                Body::Ack {
                    id,
                    attachments,
                    args,
                },
                _,
            ) => {
                let progress = self
                    .reassembly
                    .begin(Header::Answer { id, args }, attachments);
                assembled(progress, bytes)
            }
            (Body::Disconnect, _) => self.end(CloseReason::ServerDisconnect),
            (Body::Connect(data), State::Joining) => match joined_as(data.as_deref()) {
                Some(sid) => {
                    self.state = State::Open;
                    vec![Effect::Joined { sid }]
                }
                None => self.violation("CONNECT was answered without an id"),
            },
            (Body::ConnectError(data), State::Joining) => {
                self.state = State::Refused;
                let (message, data) = refusal(data.as_deref());
                vec![Effect::Refused { message, data }]
            }
            (Body::Connect(_) | Body::ConnectError(_), _) => {
                self.violation("CONNECT was answered twice")
            }
        }
    }

    /// A packet for a namespace that is not ours: the answer to a fence, or nothing.
    fn foreign(&mut self, packet: Packet<'_>) -> Option<Effect> {
        let answer = match packet.body {
            Body::Connect(_) => FenceAnswer::Accepted,
            Body::ConnectError(_) => FenceAnswer::Refused,
            Body::Event { attachments, .. } | Body::Ack { attachments, .. } => {
                self.reassembly.skip(attachments);
                return None;
            }
            Body::Disconnect => return None,
        };
        let number = fence::number(&packet.namespace)?;
        Some(Effect::FenceAnswered { number, answer })
    }

    fn binary(&mut self, part: Bytes, now: Instant) -> Vec<Effect> {
        self.alive(|liveness| liveness.heard(now));
        if self.state == State::Opening {
            return self.violation("it did not begin with a handshake");
        }
        let bytes = part.len();
        assembled(self.reassembly.part(part), bytes)
    }
}

fn undecodable(error: DecodeError, bytes: usize) -> Effect {
    Effect::Deliver(Incoming::Undecodable { error, bytes })
}

fn assembled(progress: Progress<Header>, bytes: usize) -> Vec<Effect> {
    vec![match progress {
        Progress::Waiting => return Vec::new(),
        Progress::Failed(error) => undecodable(error, bytes),
        Progress::Complete(Header::Event { name, args, ack }, attachments) => {
            Effect::Deliver(Incoming::Event {
                name,
                args,
                attachments,
                ack,
            })
        }
        Progress::Complete(Header::Answer { id, args }, attachments) => Effect::Answered {
            id,
            answer: Answer { args, attachments },
        },
    }]
}

#[cfg(test)]
mod tests;
