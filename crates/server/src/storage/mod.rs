//! What outlives a connection: users, their sessions, their messages.
//!
//! [`Storage`] speaks the domain's words and knows no connection. It has two
//! engines: [`Sqlite`] and [`Memory`], with the same answers to everything; a
//! suite and a model test hold them to that.
//!
//! ```text
//!   hub: a batch of Write ──► commit ──► one transaction ──► Written, one for each
//!                               │
//!                               └ Err: nothing of the batch was done; the next
//!                                 commit finds everything as it was
//! ```
//!
//! # Numbers
//!
//! Every user has an inbox: what they sent and what they received, numbered
//! from 1 in the order of the commits. A message between two users has a
//! number in the inbox of each, a note to oneself has one. Numbers have no
//! gaps when they are given, and are never given again: where messages were
//! deleted there is a gap, and a [page](Page) steps over it.

mod backup;
mod ballast;
mod budget;
mod error;
mod folder;
mod memory;
mod migrations;
mod pair;
mod restore;
mod sqlite;
#[cfg(test)]
mod tests;
mod types;
mod write;

pub(crate) use backup::back_up;
pub use error::StorageError;
pub(crate) use folder::{DataFolder, database_in};
pub(crate) use memory::Memory;
pub(crate) use restore::restore;
pub(crate) use sqlite::Sqlite;
pub(crate) use types::{
    Conversation, ConversationSummary, Invite, NewMessage, Page, Row, ServerIdentity,
    StoredSession, StoredUser, UserKey,
};
pub(crate) use write::{NewSession, NewUser, Placed, Refusal, Told, Write, Written};

use crate::{
    admission::{PasswordHash, Skeleton},
    identity::SessionHash,
};

/// Keeps what must not be lost. Owned by one thread.
pub(crate) trait Storage: Send {
    /// Which server this is, and of which epoch.
    fn identity(&mut self) -> Result<ServerIdentity, StorageError>;

    /// Everyone, in the order of their first sign-in.
    fn users(&mut self) -> Result<Vec<StoredUser>, StorageError>;

    /// The first of those whose name looks like this: where names are claimed,
    /// its owner.
    fn owner_of(&mut self, skeleton: &Skeleton) -> Result<Option<UserKey>, StorageError>;

    /// The password of a user who has one.
    fn password(&mut self, user: UserKey) -> Result<Option<PasswordHash>, StorageError>;

    /// The session with this hash, if it was used at `used_since_ms` or later.
    fn session(
        &mut self,
        hash: &SessionHash,
        used_since_ms: i64,
    ) -> Result<Option<StoredSession>, StorageError>;

    /// The sessions of a user, oldest first.
    fn sessions_of(
        &mut self,
        user: UserKey,
    ) -> Result<Vec<(SessionHash, StoredSession)>, StorageError>;

    /// Does all of `writes` in one transaction, in their order, or nothing. What
    /// a write cannot do for a reason of its own ([`Written::Refused`]) is an
    /// answer and leaves the others alone. After `Ok` all of it survives a power
    /// cut (on engines that outlive the process).
    fn commit(&mut self, writes: &[Write]) -> Result<Vec<Written>, StorageError>;

    /// The [newest](crate::limits::CONVERSATIONS) conversations of `user`, the newest first, for a client that reads
    /// everything at once: of each the last `per_peer` messages, oldest first,
    /// as long as their [weight](Row::weight) is within `weight` in all. Older
    /// conversations are listed without messages then.
    ///
    /// Costs what it returns, whatever else is stored.
    fn recent(
        &mut self,
        user: UserKey,
        per_peer: usize,
        weight: usize,
    ) -> Result<Vec<Conversation>, StorageError>;

    /// The same conversations in short. The last messages
    /// are there as long as their weight is within `weight` in all.
    fn summaries(
        &mut self,
        user: UserKey,
        weight: usize,
    ) -> Result<Vec<ConversationSummary>, StorageError>;

    /// The one conversation in short; `None` if there is none.
    fn summary(
        &mut self,
        user: UserKey,
        peer: UserKey,
    ) -> Result<Option<ConversationSummary>, StorageError>;

    /// What has a number above `since` in the inbox of `user`, in that order: at
    /// most `limit`, and as many as weigh at most `weight`, but at least one if
    /// there is any.
    fn sync(
        &mut self,
        user: UserKey,
        since: u64,
        limit: usize,
        weight: usize,
    ) -> Result<Page, StorageError>;

    /// The last messages between `user` and `peer`, or of those with a number
    /// below `before` in the inbox of `user`; oldest first, bounded as in
    /// [`Storage::sync`].
    fn history(
        &mut self,
        user: UserKey,
        peer: UserKey,
        before: Option<u64>,
        limit: usize,
        weight: usize,
    ) -> Result<Page, StorageError>;

    /// Whether a commit would find its storage writable now.
    ///
    /// # Errors
    /// [`StorageError::is_full`], or what is wrong with it.
    fn probe(&mut self) -> Result<(), StorageError>;

    /// Leaves everything in the one database file: the last call before the end.
    fn close(&mut self) -> Result<(), StorageError>;
}
