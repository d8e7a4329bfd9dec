//! The engine of the server's side, byte by byte from outside.

#![cfg(feature = "server")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, in its helpers too"
)]

mod admission;
mod crowd;
mod ends;
mod handshake;
mod heartbeat;
mod http;
mod messages;
mod odd;
mod oversize;
mod pressure;
mod requests;
mod stage;
mod tls;
mod upgrade;
mod upgrade_under_traffic;
mod websocket;
