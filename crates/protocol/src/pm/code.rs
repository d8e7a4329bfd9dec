//! Why something was not done.

use serde::{Deserialize, Serialize};

/// A reason, stable on the wire. Only [`Code::is_temporary`] ones are worth
/// another try with the same id; anything else is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The payload does not have the form that it must.
    BadRequest,
    /// Over a limit of size.
    TooLarge,
    /// Too many in too short a time. Temporary.
    RateLimited,
    /// Nobody has this user id here.
    UnknownRecipient,
    /// This user may not do that: signed out by the operator, a wrong
    /// password, a used invitation, a reserved name.
    Forbidden,
    /// The recipient takes no messages.
    Blocked,
    /// The session is not known here, or no longer.
    SessionExpired,
    /// The same id with other content; or a name that somebody else has.
    Conflict,
    /// The server cannot do it now: its disk is full, it is ending. Temporary.
    ServerBusy,
    /// Not in this version.
    Unsupported,
    /// A code that this version does not know. Never sent.
    #[serde(other)]
    Unknown,
}

impl Code {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::RateLimited | Self::ServerBusy)
    }

    /// The code as the wire has it: for metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::UnknownRecipient => "unknown_recipient",
            Self::Forbidden => "forbidden",
            Self::Blocked => "blocked",
            Self::SessionExpired => "session_expired",
            Self::Conflict => "conflict",
            Self::ServerBusy => "server_busy",
            Self::Unsupported => "unsupported",
            Self::Unknown => "unknown",
        }
    }
}
