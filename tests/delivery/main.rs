//! Nothing lost, nothing doubled: many people with the real engine write to each
//! other over lines on which everything goes wrong, on the servers that they may
//! meet. What each app says of each message has to be true.
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

mod app;
mod judge;
mod official;
mod pair;
