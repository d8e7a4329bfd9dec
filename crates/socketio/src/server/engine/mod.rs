//! Engine.IO 4: sessions over long polling and WebSocket.

pub(crate) mod door;
pub(crate) mod fixed;
mod frames;
pub(crate) mod handshake;
pub(crate) mod payload;
mod polling;
mod pulse;
mod pump;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod sid;
pub(crate) mod stream;
pub(crate) mod upgrade;
pub(crate) mod upper;
