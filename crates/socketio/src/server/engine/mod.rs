//! Engine.IO 4: sessions over long polling and WebSocket.

pub(crate) mod fixed;
pub(crate) mod payload;
pub(crate) mod upper;
