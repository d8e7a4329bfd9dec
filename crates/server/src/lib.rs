//! parlour-server: private messaging over Socket.IO, in dialect C of the
//! guide and in pm, with users, sessions and messages in SQLite or in memory.
//!
//! ```text
//!  parlour_socketio::server   TCP, TLS, HTTP, Engine.IO, Socket.IO    knows no chat
//!   └ gateway   one namespace: who may come in, what they say        knows no storage
//!      └ hub       the chat: one thread, all state                  knows no sockets
//!         └ storage   users, sessions, messages                    knows no connection
//! ```
//!
//! What happens when Alice's client emits `private message`: her connection's
//! task reads the frame, waits for her pace, reads the payload strictly and hands it to the
//! hub, waiting while that is full; the hub stores it with whatever else is
//! waiting, in one transaction, and after the commit acknowledges it and delivers
//! it to Bob's connections and to Alice's others, straight into their sockets. A
//! connection that cannot take what is delivered is cut; nothing is dropped in
//! silence.
//!
//! Beside that: [`Config`] says how a server is run, `admission` who may do how much,
//! `admin` what whoever runs it may do to it, `metrics` and `audit` what became of it.

mod admin;
mod admission;
mod audit;
mod config;
mod gateway;
mod http;
mod hub;
mod identity;
mod limits;
mod logs;
mod metrics;
pub mod program;
mod server;
mod storage;
mod tls;

pub use admission::SignInMode;
pub use config::{Config, ConfigError, Limits, Network, NetworkError, StorageKind, TlsFiles};
pub use metrics::Counts;
pub use server::{Running, Server, StartError};
pub use storage::StorageError;
pub use tls::TlsError;
