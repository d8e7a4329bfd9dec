//! parlour-server: private messaging over Socket.IO, in dialect C of the
//! guide, with sessions and messages in SQLite.
//!
//! ```text
//!  net      TCP, time-outs, back-pressure          knows no HTTP routes
//!   └ gateway   HTTP, Engine.IO, Socket.IO         the only part that knows socketioxide
//!      └ hub       the chat: one thread, all state  knows no sockets
//!         └ storage   sessions and messages         knows no chat
//! ```
//!
//! What happens when Alice's client emits `private message`: `net` reads the
//! bytes unless too much of hers is waiting; `gateway` parses the payload and
//! queues it in wire order; her connection's task hands it to the hub, waiting
//! while that is full; the hub stores it with whatever else is waiting, in one
//! transaction, and after the commit delivers it to Bob's connections and to
//! Alice's others. A connection that cannot take what is delivered is cut;
//! nothing is dropped in silence.

mod admin;
mod admission;
mod audit;
mod chat;
mod config;
mod door;
mod http;
mod identity;
mod limits;
mod logs;
mod metrics;
pub mod program;
mod server;
mod store;
mod tls;

pub use admission::SignInMode;
pub use config::{Config, ConfigError, Limits, Network, NetworkError, StorageKind, TlsFiles};
pub use metrics::Counts;
pub use server::{Running, Server, StartError};
pub use store::StorageError;
pub use tls::TlsError;
