//! The client over long polling, and where it goes from there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, in its helpers too"
)]
#![cfg(feature = "server")]

mod answers;
mod echo;
mod fake;
mod moves;
mod plain;
mod proxy;
mod refused;
mod secure;
mod silent;
mod sticky;
