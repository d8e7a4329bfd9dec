//! Commands and answers: types for the hub, and lines on the admin socket.

use parlour_protocol::UserId;
use serde::{Deserialize, Serialize};

/// Entries of one answer that is given in pages. The hub does nothing else
/// while it collects one.
pub(crate) const PAGE: usize = 500;

/// One thing to do. A user is named by id: names are not unique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(crate) enum AdminCommand {
    /// Up to [`PAGE`] users in the order of their first sign-in, after `after`.
    Users { after: Option<UserId> },
    /// The sessions of a user.
    Sessions { user: UserId },
    /// Ends the sessions of a user and their connections: all of them, or the
    /// one that [`AdminSession::id`] names.
    Revoke {
        user: UserId,
        session: Option<String>,
    },
    /// Ends the sessions and connections of a user, who cannot sign in again,
    /// neither by session nor by a claimed name.
    Ban { user: UserId },
    /// Lets a banned user sign in again.
    Unban { user: UserId },
    /// Makes an invitation that ends after `hours`; `note` says for whom.
    Invite { hours: u32, note: String },
    /// Gives a user another password, as [`PasswordHash`](crate::admission::PasswordHash)
    /// has it. The sessions stay.
    SetPassword { user: UserId, hash: String },
    /// What is stored about a user: up to [`PAGE`] of their messages, oldest
    /// first, from `after` on.
    Export { user: UserId, after: Option<u64> },
    /// Removes a user with sessions and password, and every message from or
    /// to them: half a conversation would still be theirs.
    Delete { user: UserId },
}

impl AdminCommand {
    /// What it is called in the audit log.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Users { .. } => "users",
            Self::Sessions { .. } => "sessions",
            Self::Revoke { .. } => "revoke",
            Self::Ban { .. } => "ban",
            Self::Unban { .. } => "unban",
            Self::Invite { .. } => "invite",
            Self::SetPassword { .. } => "password",
            Self::Export { .. } => "export",
            Self::Delete { .. } => "delete",
        }
    }

    /// Whom it is about.
    pub(crate) fn user(&self) -> Option<&UserId> {
        match self {
            Self::Users { .. } | Self::Invite { .. } => None,
            Self::Sessions { user }
            | Self::Revoke { user, .. }
            | Self::Ban { user }
            | Self::Unban { user }
            | Self::SetPassword { user, .. }
            | Self::Export { user, .. }
            | Self::Delete { user } => Some(user),
        }
    }

    /// Whether it asks for a further page of what was asked for before.
    pub(crate) fn continues(&self) -> bool {
        matches!(
            self,
            Self::Users { after: Some(_) } | Self::Export { after: Some(_), .. }
        )
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum AdminAnswer {
    /// To [`AdminCommand::Users`]; `next` goes into the next `after`.
    Users {
        users: Vec<AdminUser>,
        next: Option<UserId>,
    },
    /// To [`AdminCommand::Sessions`].
    Sessions { sessions: Vec<AdminSession> },
    /// To [`AdminCommand::Invite`]: the secret, which is shown once.
    Invited { token: String },
    /// To [`AdminCommand::Export`]; `next` goes into the next `after`.
    Exported {
        user: AdminUser,
        sessions: Vec<AdminSession>,
        messages: Vec<ExportedMessage>,
        next: Option<u64>,
    },
    /// To all others: how many sessions ended, or messages were deleted.
    Done { count: u64 },
    /// Nothing was done.
    Refused { error: AdminError },
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AdminError {
    #[error("nobody here has this id; `parlour-server admin users` lists everyone")]
    UnknownUser,
    #[error("this user has no such session; `parlour-server admin sessions` lists them")]
    UnknownSession,
    #[error("the storage failed; the server's log says why")]
    Storage,
    #[error("the server is ending")]
    Ending,
}

/// Somebody who signed in at least once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AdminUser {
    /// The public id.
    pub(crate) id: UserId,
    /// The name.
    pub(crate) name: String,
    /// Milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// When they last came or went, in milliseconds since 1970.
    pub(crate) last_seen_ms: i64,
    /// Whether they are banned.
    pub(crate) banned: bool,
    /// How many connections they have now.
    pub(crate) connections: u32,
}

/// A session, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AdminSession {
    /// The first 16 hex digits of the hash of its secret: enough to name it,
    /// nothing to sign in with.
    pub(crate) id: String,
    /// Milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// When it was last connected, in milliseconds since 1970.
    pub(crate) used_ms: i64,
    /// What the client calls itself; empty if it does not.
    pub(crate) client: String,
}

/// A message, as an export has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExportedMessage {
    /// Who wrote it.
    pub(crate) from: UserId,
    /// Whom it is for.
    pub(crate) to: UserId,
    /// The text.
    pub(crate) content: String,
    /// Milliseconds since 1970.
    pub(crate) at_ms: i64,
}
