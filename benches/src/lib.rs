//! The load generator behind `cargo xtask bench`. What follows is about servers;
//! [`client`] measures the other side.
//!
//! It drives one server, whichever it is, through one scenario, and says what
//! it measured. It knows the guide's protocol (and its extension "pm") as raw
//! bytes: messages are encoded once and patched, what comes back is told apart
//! by its first bytes, and one thread serves thousands of connections. So the
//! server is full long before the generator is; [`Cores`] shows whether it was.
//!
//! The time of a message is from the call that writes it to the return of the
//! call that read it at the other side. Every message carries its number: one
//! that is lost, doubled or out of order ends the scenario with an error.

mod arrivals;
pub mod client;
mod frame;
mod listing;
mod message;
mod packet;
pub mod relay;
mod samples;
pub mod scenario;
mod swarm;
mod ticker;
mod usage;

pub use arrivals::Speech;
pub use message::TEXT_LENGTH;
pub use samples::{Samples, Summary};
pub use usage::{Cores, Memory};

use std::net::SocketAddr;

/// The server that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process, if it is on this machine and may be looked at.
    pub pid: Option<u32>,
}
