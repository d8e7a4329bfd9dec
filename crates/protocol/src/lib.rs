//! The contract on the wire: ids, limits, names of events and the shapes of
//! their payloads, for both sides of Socket.IO's "Private messaging" protocol.
//!
//! Nothing here does I/O or knows of an async runtime. JSON is turned into
//! typed values once, at the edge, by the functions of this crate:
//!
//! - a server reads [`ConnectAuth`] and [`OutgoingMessage`] *strictly*: what
//!   does not fit is refused;
//! - a client reads [`ServerEvent`] *leniently*: every field beyond the bare
//!   minimum may be missing, a bad entry costs only itself.

mod auth;
mod event;
mod ids;
pub mod limits;
mod message;
pub mod pm;
mod username;

pub use auth::{AuthError, ConnectAuth, Secret};
pub use event::{
    DecodeError, HistoryEntry, LiveMessage, ServerEvent, SessionEvent, UserEntry, Users, names,
};
pub use ids::{SessionId, UserId};
pub use message::{MessageError, OutgoingMessage};
pub use username::{Username, UsernameError};

/// The one refusal text that returns the guide's web client to its form.
pub const INVALID_USERNAME: &str = "invalid username";
