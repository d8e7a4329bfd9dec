//! Our server with the official client, our client with official servers.
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

mod connectors;
mod official_client;
mod our_client;
mod polling;
mod reference_servers;
mod socketio;
mod witness;
