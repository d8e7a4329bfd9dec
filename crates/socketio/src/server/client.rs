//! One connection, as Socket.IO sees it: packets in, namespaces joined and left.
//!
//! For each namespace of a connection:
//! ```text
//!             CONNECT                 connect: Ok
//! Outside ─────────────▶ (deciding) ──────────────▶ Inside
//!    ▲                       │ Err: CONNECT_ERROR     │ DISCONNECT
//!    ├───────────────────────┴────────────────────────┤
//!    │                     CONNECT                    │ the application
//!    └───────────────────────────────── Dismissed ◀───┘ disconnects it
//! ```
//! An event, an answer or a DISCONNECT from `Outside`, a CONNECT from `Inside`, and
//! a packet that cannot be read end the connection, as the protocol wants it. What
//! a `Dismissed` client says was on its way and is ignored.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    AckId, IncomingEvent, LeaveReason, RequestInfo, Socket,
    engine::upper::{Flow, MakeUpper, Upper},
    outbound::Outbound,
    registry::Registry,
};
use crate::{
    Answer,
    packet::{Body, DecodeError, Packet},
    reassembly::{Progress, Reassembly},
    surrogate,
};

mod inside;
mod joining;

use inside::Inside;

const VIOLATION: Flow = Flow::End(LeaveReason::ProtocolError);

/// See the module.
pub(crate) struct Client {
    registry: Arc<Registry>,
    out: Arc<Outbound>,
    origin: Arc<RequestInfo>,
    /// Where it is inside: one namespace as a rule.
    inside: Vec<Inside>,
    /// The names of namespaces that it was dismissed from.
    dismissed: Vec<Box<str>>,
    /// It has been inside somewhere.
    joined: bool,
    reassembly: Reassembly<Header>,
}

/// What a packet with attachments waits for.
struct Header {
    namespace: Box<str>,
    says: Says,
}

/// What a client tells a namespace.
enum Says {
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

impl MakeUpper for Arc<Registry> {
    type Upper = Client;

    fn make(&self, out: Arc<Outbound>, origin: Arc<RequestInfo>) -> Client {
        Client {
            reassembly: Reassembly::new(self.max_attachments, self.max_payload),
            registry: Self::clone(self),
            out,
            origin,
            inside: Vec::new(),
            dismissed: Vec::new(),
            joined: false,
        }
    }
}

impl Upper for Client {
    async fn text(&mut self, packet: &str) -> Flow {
        if self.reassembly.interrupt().is_some() {
            return self.unreadable(DecodeError::MissingAttachments);
        }
        let repaired = surrogate::repair(packet);
        match Packet::decode(&repaired) {
            Ok(packet) => self.packet(packet).await,
            Err(error) => self.unreadable(error),
        }
    }

    async fn binary(&mut self, data: Bytes) -> Flow {
        match self.reassembly.part(data) {
            Progress::Waiting => Flow::Continue,
            Progress::Complete(header, attachments) => {
                self.hear(&header.namespace, header.says, attachments).await
            }
            Progress::Failed(error) => self.unreadable(error),
        }
    }

    async fn woken(&mut self) -> Flow {
        while let Some(inside) = self.take(|socket| socket.has_left()) {
            self.dismissed.push(inside.socket.namespace().into());
            inside.end(LeaveReason::ServerLeft).await;
        }
        Flow::Continue
    }

    fn joined(&self) -> bool {
        self.joined
    }

    fn farewell(&mut self) {
        // What the logs have had until now is still queued; the engine's own
        // goodbye follows. A DISCONNECT would keep official clients from coming
        // back when the server does.
        for inside in &self.inside {
            inside.socket.catch_up();
        }
    }

    async fn closed(mut self, reason: LeaveReason) {
        for inside in self.inside.drain(..) {
            inside.end(reason).await;
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Whoever holds a socket of it holds the way out, too; its client is
            // to see at once that nobody listens any more.
            self.out.cut(LeaveReason::Cut);
        }
    }
}

impl Client {
    async fn packet(&mut self, packet: Packet<'_>) -> Flow {
        let Packet { namespace, body } = packet;
        match body {
            Body::Event {
                ack,
                attachments,
                name,
                args,
            } => {
                let says = Says::Event { name, args, ack };
                self.hear_all(&namespace, says, attachments).await
            }
            Body::Ack {
                id,
                attachments,
                args,
            } => {
                let says = Says::Answer { id, args };
                self.hear_all(&namespace, says, attachments).await
            }
            // Boxed: it happens once, and would make every call large.
            Body::Connect(auth) => Box::pin(self.connect(&namespace, auth)).await,
            Body::Disconnect => self.disconnect(&namespace).await,
            Body::ConnectError(_) => self.unreadable(DecodeError::Kind),
        }
    }

    /// As [`Self::hear`], when all attachments are there.
    async fn hear_all(&mut self, namespace: &str, says: Says, attachments: u64) -> Flow {
        if attachments == 0 {
            return self.hear(namespace, says, Vec::new()).await;
        }
        let namespace = namespace.into();
        let header = Header { namespace, says };
        match self.reassembly.begin(header, attachments) {
            Progress::Failed(error) => self.unreadable(error),
            Progress::Waiting | Progress::Complete(..) => Flow::Continue,
        }
    }

    async fn hear(&mut self, namespace: &str, says: Says, attachments: Vec<Bytes>) -> Flow {
        let Some(Inside { socket, seat }) = self.find(namespace) else {
            return self.says_outside(namespace);
        };
        match says {
            // It was on its way.
            Says::Event { .. } if socket.has_left() => {}
            Says::Event { name, args, ack } => {
                let event = IncomingEvent {
                    name,
                    args,
                    attachments,
                    ack: ack.map(AckId),
                };
                seat.event(socket, event).await;
            }
            Says::Answer { id, args } => socket.answered(id, Answer { args, attachments }),
        }
        Flow::Continue
    }

    async fn disconnect(&mut self, namespace: &str) -> Flow {
        match self.take(|socket| socket.namespace() == namespace) {
            Some(inside) => {
                inside.end(LeaveReason::ClientLeft).await;
                Flow::Continue
            }
            None => self.says_outside(namespace),
        }
    }

    fn take(&mut self, which: impl Fn(&Socket) -> bool) -> Option<Inside> {
        let at = self
            .inside
            .iter()
            .position(|inside| which(&inside.socket))?;
        Some(self.inside.swap_remove(at))
    }

    fn find(&mut self, namespace: &str) -> Option<&mut Inside> {
        let mut inside = self.inside.iter_mut();
        inside.find(|inside| inside.socket.namespace() == namespace)
    }

    /// A packet for a namespace that it is not inside of.
    fn says_outside(&self, namespace: &str) -> Flow {
        if self.dismissed.iter().any(|name| **name == *namespace) {
            Flow::Continue
        } else {
            VIOLATION
        }
    }

    fn unreadable(&self, error: DecodeError) -> Flow {
        for Inside { socket, seat } in &self.inside {
            seat.undecodable(socket, error);
        }
        VIOLATION
    }
}
