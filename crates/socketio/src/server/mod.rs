//! The server's side: Engine.IO 4 over WebSocket and long polling, Socket.IO 5
//! above it.
//!
//! # A walk through a server
//! ```no_run
//! use std::time::Duration;
//!
//! use parlour_socketio::server::{
//!     ConnectRequest, IncomingEvent, LeaveReason, Namespace, Refusal, Server, ServerOptions,
//!     Socket, bind,
//! };
//!
//! /// Says to all others what one of them says.
//! struct Chat;
//!
//! impl Namespace for Chat {
//!     /// Its number among those who came.
//!     type State = u64;
//!
//!     async fn connect(&self, socket: &Socket, _: ConnectRequest) -> Result<u64, Refusal> {
//!         Ok(socket.number())
//!     }
//!
//!     async fn event(&self, socket: &Socket, number: &mut u64, event: IncomingEvent) {
//!         if event.name == "say" {
//!             // The arguments go on as the JSON that they came as.
//!             let sent = socket.others().emit("said", &(*number, &event.args));
//!             tracing::debug!(?sent);
//!         }
//!     }
//!
//!     async fn left(&self, _: &Socket, number: u64, reason: LeaveReason) {
//!         tracing::info!(number, ?reason, "left");
//!     }
//! }
//!
//! # async fn walk() -> std::io::Result<()> {
//! let server = Server::builder(ServerOptions::default())
//!     .namespace("/", Chat)
//!     .start(bind(([127, 0, 0, 1], 3000).into())?);
//! tracing::info!("listening at {}", server.addr());
//! tokio::signal::ctrl_c().await?;
//! server.close(Duration::from_secs(10)).await;
//! # Ok(())
//! # }
//! ```
//! 1. The listener takes TCP connections, each with limits of its own; [`Admission`]
//!    decides about every request by its head.
//! 2. The engine makes them sessions: long polling, WebSocket, the move from one
//!    to the other. One task owns each session and reads it.
//! 3. A session's packets go to its namespaces, one after the other, each awaited:
//!    to an implementation of [`Namespace`], which keeps what it has to know of a
//!    socket in a state of its own.
//! 4. Out, everything goes by [`Socket`]: it encodes a [`Frame`] once, queues it, and
//!    writes it from the calling thread where the transport allows. [`Broadcast`]
//!    does so for rooms, [`Feed`] for what everybody is told all the time.
//!
//! # What holds
//! - **Order**: the events of a client are handled in the order in which it sent them.
//!   What is sent to a socket arrives in the order of the calls, also when it moves
//!   to another transport meanwhile.
//! - **Nothing is dropped in silence**: a queue that is full cuts its connection, with
//!   [`LeaveReason::SlowReader`]. Then its client knows that it has to catch up.
//! - **Every wait has an end, every queue a size**: [`ServerOptions`].
//! - **Back-pressure**: while a call of a namespace waits, that client is not read, and
//!   nobody else is held up.
//! - **Whoever was let in leaves**: [`Namespace::left`] is called once for each,
//!   whatever ended it. The one exception is a namespace that panics: then that
//!   connection ends, and its state is dropped.
//! - A session's secret id is shown to its client alone; [`Socket::id`] is another.
//!
//! # Which packets end a connection
//! As the protocol and its official server have it: one that cannot be read, a CONNECT to
//! a namespace that one is in, anything else for a namespace that one is not in, an
//! attachment without its event, an event without its attachments. What a client that
//! was just disconnected from a namespace had on its way to it is ignored.
//! Arguments of whatever shape are the application's affair.
//!
//! # What is deliberately absent
//! Compression, WebTransport, JSONP, binary parsers of other formats, older protocols
//! (Engine.IO 3), namespaces by pattern, connection state recovery, clusters,
//! cookies, and a volatile mode: what must not wait is looked at by
//! [`Socket::queued`] before.

mod acks;
mod admission;
mod builder;
mod client;
mod engine;
mod feed;
mod frame;
mod http;
mod line;
mod listener;
mod namespace;
mod options;
mod outbound;
mod registry;
mod rooms;
mod running;
mod site;
mod socket;
mod tally;

pub use admission::{Admission, Guard, Verdict};
pub use builder::{Server, ServerBuilder};
pub use feed::Feed;
pub use frame::Frame;
pub use listener::bind;
pub use namespace::{
    AckId, ConnectRequest, IncomingEvent, LeaveReason, Namespace, Refusal, RequestInfo,
};
pub use options::ServerOptions;
pub use outbound::Full;
pub use rooms::{Broadcast, NamespaceHandle};
pub use running::Running;
pub use socket::Socket;
pub use tally::Counts;
