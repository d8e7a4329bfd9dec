//! The program: what it prints, how it ends, what it refuses, and everything
//! that whoever runs it can do to it.
#![cfg(unix)]
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

mod admin;
#[path = "../common/mod.rs"]
mod common;
mod copies;
mod life;
mod manual;
mod observed;
mod process;
mod refusals;
mod settings;
mod tls;
