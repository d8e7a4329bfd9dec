//! The server's side, packet by packet and against our own client.

#![cfg(feature = "server")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, in its helpers too"
)]

mod acks;
mod broadcasts;
mod conformance;
mod feeds;
mod garbage;
mod lives;
mod raw;
mod recorder;
