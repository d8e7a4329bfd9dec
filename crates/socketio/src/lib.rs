//! Engine.IO 4 and Socket.IO 5: a client, and with the feature `server` (on by
//! default) a server, in [`server`]; both over WebSocket and long polling. Both
//! stand on the same packets ([`packet`], [`engine`]).
//!
//! # A walk through a client's connection
//! ```no_run
//! # async fn walk() -> Result<(), Box<dyn std::error::Error>> {
//! use parlour_socketio::{ConnectOptions, SocketEvent, connect};
//!
//! let options = ConnectOptions::new("http://127.0.0.1:3000".parse()?);
//! let (socket, mut events) = connect(options).await?;
//! socket.try_emit("greet", &("hello",))?;
//! while let Some(event) = events.next().await {
//!     match event {
//!         // All events come here. What catches all is the last arm of a match.
//!         SocketEvent::Event(event) => match event.name.as_str() {
//!             "news" => drop(event.args),
//!             other => tracing::info!(other, "not for us"),
//!         },
//!         SocketEvent::Undecodable(_) => {}
//!         SocketEvent::Closed(reason) => tracing::info!(%reason, "closed"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//! 1. [`connect()`] finds the way: proxy, name, addresses, TLS, then WebSocket or
//!    polling (`transport`). It joins the namespace, all within one time limit, and
//!    says precisely what stood in the way ([`ConnectError`]).
//! 2. A task of its own then owns the connection (`task`). It feeds frames and
//!    the time to a machine that knows the protocol and touches nothing
//!    (`machine`), and does what comes out.
//! 3. Down: [`Socket`] encodes in the caller's thread and puts the packet into a
//!    bounded queue. The task writes what is there in one go.
//! 4. Up: a frame becomes an [`Event`] in a bounded queue. While the queue is full
//!    nothing is read, so a slow reader slows the server and not the memory.
//! 5. [`Socket::join`] adds namespaces to the same connection. Each has a handle, a
//!    queue of events and an end of its own; with the last one the connection ends.
//! 6. Every namespace ends with exactly one [`SocketEvent::Closed`], the last of
//!    its events. There is no reconnecting: that is a decision of the caller, who
//!    may take [`Socket::recovery`] along, for servers that keep state.
//!
//! # What holds for the client
//! - One bad packet costs itself: it is reported as [`SocketEvent::Undecodable`],
//!   and the connection lives. Half an emoji costs one character ([`surrogate`]).
//! - What comes in has limits: bytes, depth, arguments, attachments, names
//!   ([`Limits`]). Arguments stay JSON, and no parser here recurses.
//! - A dead link is noticed by probes of our own, and after a sleep of this
//!   machine at once: the wall clock is watched beside the other one, and decides
//!   nothing but to ask.
//! - Nothing waits for ever: connecting, writing, an answer, a goodbye and the
//!   server's silence each have a limit of time ([`ConnectOptions`]), every queue one
//!   of size ([`Limits`]).
//! - A secure server is believed by whom it is vouched for ([`Roots`]) or by its key
//!   ([`Pin`]), and there is no way to believe any. A [`Proxy`] is asked
//!   for a line to the server and for nothing else. What is wrong with it is never
//!   taken for the server's fault.
//! - Errors, `Debug` and the log hold no part of `auth` or of a packet, no value of
//!   a header and nobody's password. The layers below log whole frames at the level
//!   `trace` (targets `tungstenite` and `tokio_tungstenite`): a host keeps those off.
//!
//! # What is deliberately absent
//! Compression, permessage-deflate included: it makes sizes tell of secrets to
//! everyone who sees the line (CRIME, BREACH), lets a few bytes unfold to any size
//! here, and gives messages of a few hundred bytes little. In the client: redirects,
//! listeners by name, reconnecting. In the server: see [`server`].

/// What the README shows is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod ack;
mod arguments;
mod clock;
mod command;
mod connect;
mod connection;
mod cookies;
mod early;
pub mod engine;
mod error;
mod event;
mod fence;
mod join;
mod liveness;
mod machine;
mod membership;
mod moment;
mod options;
pub mod packet;
mod payload;
mod queue;
mod reassembly;
mod recovery;
#[cfg(feature = "server")]
pub mod server;
mod socket;
pub mod surrogate;
mod task;
mod transport;
mod transports;

/// Whether a log target is of the layer below, which logs whole frames at
/// `trace`, with everything that was sent in them. A program that has secrets
/// leaves these out at every level.
#[must_use]
pub fn logs_frames(target: &str) -> bool {
    ["tungstenite", "tokio_tungstenite"]
        .iter()
        .any(|known| target.starts_with(known))
}

pub use ack::{Answer, Asked};
pub use arguments::{Arguments, Placeholder};
pub use connect::connect;
pub use cookies::CookieJar;
pub use engine::Handshake;
pub use error::{AckError, CloseReason, ConnectError, Distrust, EmitError, ProxyError};
pub use event::{AckReply, Event, SocketEvent, SocketEvents, Undecodable};
pub use fence::FenceAnswer;
pub use join::{JoinError, JoinOptions};
pub use options::{
    CertificatesError, ConnectOptions, HeaderError, Headers, Limits, Pin, PinError, Proxy,
    ProxyUrl, ProxyUrlError, Roots, parse_certificates, read_certificates,
};
pub use recovery::Recovery;
/// A certificate for [`Roots`].
pub use rustls::pki_types::CertificateDer;
pub use socket::Socket;
pub use transports::{Transport, Transports};
