//! What the tests share.
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

pub mod chance;
pub mod database;
pub mod inbox;
pub mod judge;
pub mod node;
pub mod person;
pub mod pm;
pub mod process;
pub mod program;
pub mod proxy;
pub mod server;
pub mod setting;
pub mod wire;
