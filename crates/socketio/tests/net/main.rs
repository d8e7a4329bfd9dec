//! The way to a server: whom to trust, what stands between, what is sent along.

#![cfg(feature = "server")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, in its helpers too"
)]

mod certificates;
mod headers;
mod proxies;
mod refusals;
mod stage;
mod through;
mod trust;
