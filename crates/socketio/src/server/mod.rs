//! The server's side: Engine.IO 4 over WebSocket and long polling, Socket.IO 5
//! above it.

mod acks;
mod client;
mod engine;
mod feed;
mod frame;
mod line;
mod namespace;
mod options;
mod outbound;
mod registry;
mod rooms;
mod socket;
mod tally;

pub use feed::Feed;
pub use frame::Frame;
pub use namespace::{
    AckId, ConnectRequest, IncomingEvent, LeaveReason, Namespace, Refusal, RequestInfo,
};
pub use options::ServerOptions;
pub use outbound::Full;
pub use rooms::{Broadcast, NamespaceHandle};
pub use socket::Socket;
pub use tally::Counts;
