//! Stories about people who chat: the real engine and the real server in one
//! process, over real connections, without a window.
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

mod accounts;
mod bad_luck;
mod chatting;
mod headless;
mod pm;
mod secrets;
