//! What the tests share.
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

pub mod node;
pub mod person;
pub mod process;
pub mod server;
