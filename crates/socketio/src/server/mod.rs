//! The server's side: Engine.IO 4 over WebSocket and long polling, Socket.IO 5
//! above it.

mod frame;
mod namespace;
mod options;

pub use frame::Frame;
pub use namespace::{
    AckId, ConnectRequest, IncomingEvent, LeaveReason, Namespace, Refusal, RequestInfo,
};
pub use options::ServerOptions;
