//! The real app, driven through its window: real binaries, a real server, a
//! real keyring on a bus of its own, under Xvfb. Linux only: there is nothing
//! to drive the web view with on macOS.
//!
//! ```text
//! story ── WebDriver ──→ tauri-driver ──→ WebKitWebDriver ──→ parlour
//!                        └── a person's own session bus, keyring and home ──┘
//! ```
//!
//! `cargo test -p parlour-tests --test app` wants these to be there:
//! `PARLOUR_APP` (with the page built in), `PARLOUR_SERVER` and
//! `PARLOUR_TAURI_DRIVER`, or their ordinary places under `target/`.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, reason = "in a test a panic is the answer")]

mod app;
mod desktop;
mod parts;
mod process;
mod server;
mod stage;
mod stories;
