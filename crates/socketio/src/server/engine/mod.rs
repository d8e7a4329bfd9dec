//! Engine.IO 4: sessions over long polling and WebSocket.
//!
//! ```text
//!  request ─▶ door ─┬─▶ handshake ─▶ session           (its own task)
//!                   ├─▶ polling ──────▲   │ text, binary
//!                   └─▶ upgrade ──────┘   ▼
//!                                       upper           (Socket.IO)
//!                                         │ push, flush
//!  answer, WebSocket ◀──── Outbound ◀─────┘
//! ```
//! A session's task owns what is read and calls the layer above, one packet after
//! the other. Nobody else does, so that order needs no thought; and while the
//! layer above waits its client is not read, so that no queue is needed between
//! them. What is written goes another way, by the
//! [`Outbound`](super::outbound::Outbound), which anybody may use from any thread.
//!
//! - `door` finds what a request is for, `handshake` begins, `polling` and `upgrade`
//!   are for sessions that there are.
//! - `session` is the task; `pump` is what it does besides reading, by the points in
//!   time that `pulse` knows.
//! - `frames` and `payload` read what clients send, `fixed` is what the engine says.

pub(crate) mod door;
pub(crate) mod fixed;
mod frames;
pub(crate) mod handshake;
pub(crate) mod payload;
mod polling;
mod pulse;
mod pump;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod sid;
pub(crate) mod stream;
pub(crate) mod upgrade;
pub(crate) mod upper;
