//! What outlives the process: users, their sessions, their messages.
//!
//! [`Storage`] speaks the domain's words and knows no connection. Its one
//! engine for now is [`Sqlite`].

mod folder;
mod migrations;
mod sqlite;

use parlour_protocol::{UserId, Username};

use crate::identity::SessionHash;

pub(crate) use folder::DataFolder;
pub(crate) use sqlite::Sqlite;

/// Somebody who signed in at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredUser {
    /// The public id.
    pub id: UserId,
    /// The name.
    pub(crate) username: Username,
}

/// A user and the first session of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewSession {
    /// The user, new as well.
    pub(crate) user: StoredUser,
    /// The hash of the secret.
    pub hash: SessionHash,
    /// Milliseconds since 1970, for people.
    pub at_ms: i64,
}

/// A message, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredMessage {
    /// Who wrote it.
    pub from: UserId,
    /// Whom it is for.
    pub to: UserId,
    /// The text.
    pub content: String,
    /// Milliseconds since 1970, for people: the order is that of storing.
    pub at_ms: i64,
}

/// Keeps what must not be lost. A write that returned `Ok` survives a power cut.
pub(crate) trait Storage: Send {
    /// Everyone, in the order of their first sign-in.
    fn users(&mut self) -> Result<Vec<StoredUser>, StorageError>;

    /// Whose session this is, if anybody's.
    fn user_of_session(&mut self, hash: &SessionHash) -> Result<Option<UserId>, StorageError>;

    /// Stores all of `sessions` or none.
    fn create_sessions(&mut self, sessions: &[NewSession]) -> Result<(), StorageError>;

    /// Stores all of `messages` in this order, or none. Both users of each
    /// must be known.
    fn append(&mut self, messages: &[StoredMessage]) -> Result<(), StorageError>;

    /// Every message from or to `user`, oldest first.
    fn history(&mut self, user: &UserId) -> Result<Vec<StoredMessage>, StorageError>;

    /// Leaves everything in the one database file: the last call before the end.
    fn close(&mut self) -> Result<(), StorageError>;
}

/// Why the data could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The folder or a file in it cannot be created or written.
    #[error("the data folder {path} cannot be written: {source}")]
    Folder {
        /// The folder.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process serves this folder.
    #[error("the data folder {0} is in use by another parlour-server")]
    InUse(String),
    /// The database is from a later version of this program. It was not touched.
    #[error(
        "the database is from a newer parlour-server (schema {found}, this one knows up to {known}); \
         it was left untouched"
    )]
    Newer {
        /// The schema found.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// A row does not hold what it must.
    #[error("the database holds a {0} that cannot be")]
    Damaged(&'static str),
    /// A message between users of whom one is not known.
    #[error("a message from or to somebody unknown")]
    UnknownUser,
}
