//! What goes out to a connection.

use std::fmt;

use parlour_protocol::{LiveMessage, SessionId, UserEntry, UserId, names};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// One event on its way out, encoded once for however many connections.
#[derive(Clone)]
pub(crate) struct Frame {
    event: &'static str,
    payload: Box<RawValue>,
}

/// The connection's buffer is full: it reads too slowly to be told everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The way out to one connection. Calls never block; order is kept.
pub(crate) trait Outlet: Send {
    /// Queues a frame. A connection that is closed already takes it and forgets it.
    fn deliver(&self, frame: &Frame) -> Result<(), Full>;

    /// Breaks the connection, whatever its state: its client connects again
    /// and gets a fresh snapshot.
    fn cut(&self);
}

impl Frame {
    /// `session`: who one is, with the secret.
    pub(crate) fn session(session_id: &SessionId, user_id: &UserId) -> Option<Self> {
        #[derive(Serialize)]
        struct Session<'a> {
            #[serde(rename = "sessionID")]
            session_id: &'a SessionId,
            #[serde(rename = "userID")]
            user_id: &'a UserId,
        }
        Self::new(
            names::SESSION,
            &Session {
                session_id,
                user_id,
            },
        )
    }

    /// `users`: everyone who is known.
    pub(crate) fn users(entries: &[UserEntry]) -> Option<Self> {
        Self::new(names::USERS, entries)
    }

    /// `user connected`.
    pub(crate) fn user_connected(entry: &UserEntry) -> Option<Self> {
        Self::new(names::USER_CONNECTED, entry)
    }

    /// `user disconnected`: the bare id.
    pub(crate) fn user_disconnected(user_id: &UserId) -> Option<Self> {
        Self::new(names::USER_DISCONNECTED, user_id)
    }

    /// `private message`.
    pub(crate) fn private_message(message: &LiveMessage) -> Option<Self> {
        Self::new(names::PRIVATE_MESSAGE, message)
    }

    /// The event's name.
    pub(crate) fn event(&self) -> &'static str {
        self.event
    }

    /// The event's one argument.
    pub(crate) fn payload(&self) -> &RawValue {
        &self.payload
    }

    /// `None` never happens with these types, whose maps have text keys; if it
    /// did, a missing event must not end the server.
    fn new<T: Serialize + ?Sized>(event: &'static str, payload: &T) -> Option<Self> {
        match to_raw_value(payload) {
            Ok(payload) => Some(Self { event, payload }),
            Err(error) => {
                tracing::error!(event, %error, "an event could not be encoded");
                None
            }
        }
    }
}

impl fmt::Debug for Frame {
    // The payload may be a secret or somebody's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({})", self.event)
    }
}
