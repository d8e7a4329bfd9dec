//! The client against a server written by hand, frame by frame.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, in its helpers too"
)]

mod connecting;
mod ends;
mod full;
mod namespaces;
mod packets;
mod peer;
mod pressure;
mod tls;
mod traffic;
mod waking;
