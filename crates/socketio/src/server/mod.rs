//! The server's side: Engine.IO 4 over WebSocket and long polling, Socket.IO 5
//! above it.

mod engine;
mod frame;
mod namespace;
mod options;
mod outbound;
mod tally;

pub use frame::Frame;
pub use namespace::{
    AckId, ConnectRequest, IncomingEvent, LeaveReason, Namespace, Refusal, RequestInfo,
};
pub use options::ServerOptions;
pub use outbound::Full;
pub use tally::Counts;
