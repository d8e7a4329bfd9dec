//! "pm" version 1: what our server and our client say to each other beyond
//! the guide. `docs/PROTOCOL.md` is the contract; these are its types.
//!
//! Negotiated: the client puts [`ClientHello`] into `auth.pm`, the server
//! [`ServerHello`] into `session.pm`. With either absent, both behave exactly as
//! the guide does.

mod answer;
mod code;
mod hello;
mod id;
mod request;
mod summary;

pub use answer::{Accepted, HistoryPage, Refused, Reply, SyncPage, UsersPage};
pub use code::Code;
pub use hello::{ClientHello, PeerLimits, Rate, ServerHello};
pub use id::MessageId;
pub use request::{HistoryRequest, Logout, Read, Received, SyncRequest, Typing, UsersRequest};
pub use summary::{Bye, Receipt, Stamp, StampedMessage, Summary, TypingFrom};

/// The version that this crate speaks.
pub const VERSION: u32 = 1;

/// The names of the events.
pub mod names {
    /// Client → server: what came since a cursor.
    pub const SYNC: &str = "pm:sync";
    /// Client → server: older messages of one conversation.
    pub const HISTORY: &str = "pm:history";
    /// Client → server: a page of those who are known.
    pub const USERS: &str = "pm:users";
    /// Client → server: all up to here has arrived.
    pub const RECEIVED: &str = "pm:received";
    /// Client → server: a conversation is read up to here.
    pub const READ: &str = "pm:read";
    /// Server → client: what others have received and read.
    pub const RECEIPT: &str = "pm:receipt";
    /// Both ways: somebody is writing.
    pub const TYPING: &str = "pm:typing";
    /// Client → server: end this session, or all.
    pub const LOGOUT: &str = "pm:logout";
    /// Server → client: the server is about to end this connection.
    pub const BYE: &str = "pm:bye";
}
