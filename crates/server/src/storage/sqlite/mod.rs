//! [`Storage`] on SQLite: one connection to one database.
//!
//! A message is four rows: itself, its id, its number in two inboxes. What the
//! next one is numbered by is remembered in a `Cache` from commit to commit
//! and forgotten when one fails, so that memory never knows more than the disk.

mod message;
mod place;
mod reader;
mod receipts;
mod row;
#[cfg(test)]
mod tests;
mod writer;

use std::{io, time::Instant};

use rusqlite::{Connection, TransactionBehavior};

use self::{
    reader::Reader,
    writer::{Cache, Writer},
};
use super::{
    Conversation, ConversationSummary, DataFolder, Page, ServerIdentity, Storage, StorageError,
    StoredSession, StoredUser, UserKey, Write, Written,
    ballast::Ballast,
    budget::Budget,
    migrations::{self, MIGRATIONS},
};
use crate::{
    admission::{PasswordHash, Skeleton},
    identity::SessionHash,
};

/// The database, with the folder it lies in.
#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: Connection,
    cache: Cache,
    /// Room kept for a full disk.
    ballast: Ballast,
    // Held for its lock; after the connection, which is closed first.
    _folder: DataFolder,
}

impl Sqlite {
    /// Opens the database in `folder`, creating or migrating it.
    pub(crate) fn open(folder: DataFolder) -> Result<Self, StorageError> {
        let path = folder.database();
        let mut ballast = Ballast::new(folder.ballast());
        let connection = match migrations::open(&path, MIGRATIONS) {
            Err(error) if error.is_full() => {
                // The files beside the database need room even to read it.
                ballast
                    .release()
                    .map_err(StorageError::file(folder.path()))?;
                migrations::open(&path, MIGRATIONS)?
            }
            opened => opened?,
        };
        complete_skeletons(&connection)?;
        Ok(Self {
            connection,
            cache: Cache::default(),
            ballast,
            _folder: folder,
        })
    }

    /// One transaction. Whatever fails, the connection is as it was.
    fn attempt(&mut self, writes: &[Write]) -> Result<Vec<Written>, StorageError> {
        let written = self.transact(writes);
        match written {
            Ok(_) => self.cache.trim(),
            Err(_) => self.cache.forget(),
        }
        written
    }

    fn transact(&mut self, writes: &[Write]) -> Result<Vec<Written>, StorageError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut writer = Writer {
            connection: &transaction,
            cache: &mut self.cache,
            insert_message: message::insert_message(&transaction)?,
            insert_inbox: message::insert_inbox(&transaction)?,
        };
        let written = writes
            .iter()
            .map(|write| writer.write(write))
            .collect::<Result<_, _>>()?;
        drop(writer);
        transaction.commit()?;
        Ok(written)
    }

    /// Makes what room there is to be made: the ballast goes, and the log is
    /// folded into the database, where most of its pages are there already.
    fn make_room(&mut self) {
        if !self.ballast.is_low() {
            tracing::warn!("no room is left for the data: nothing new is stored until there is");
        }
        if let Err(error) = self.ballast.release() {
            tracing::error!(%error, "the room kept for a full disk cannot be used");
        }
        if let Err(error) = self.fold() {
            tracing::debug!(%error, "the log could not be folded into the database");
        }
    }

    /// Keeps room again, if there is any.
    fn keep_room(
        &mut self,
        hold: impl FnOnce(&mut Ballast) -> io::Result<()>,
    ) -> Result<(), StorageError> {
        if !self.ballast.is_low() {
            return Ok(());
        }
        hold(&mut self.ballast).map_err(|_| StorageError::Full)?;
        tracing::info!("there is room for the data");
        Ok(())
    }

    /// Moves the log into the database and leaves it empty. `false`: somebody
    /// reads it, such as one who makes a copy.
    fn fold(&self) -> Result<bool, StorageError> {
        // Answers a row, which `execute` would take for an error.
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let is_busy: bool = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(!is_busy)
    }

    fn read(&self) -> Reader<'_> {
        Reader(&self.connection)
    }
}

impl Storage for Sqlite {
    fn identity(&mut self) -> Result<ServerIdentity, StorageError> {
        self.read().identity()
    }

    fn users(&mut self) -> Result<Vec<StoredUser>, StorageError> {
        let users = self.read().users()?;
        let last_seqs = users.iter().map(|user| (user.key, user.last_seq));
        self.cache.last_seq.extend(last_seqs);
        Ok(users)
    }

    fn owner_of(&mut self, skeleton: &Skeleton) -> Result<Option<UserKey>, StorageError> {
        self.read().owner_of(skeleton)
    }

    fn password(&mut self, user: UserKey) -> Result<Option<PasswordHash>, StorageError> {
        self.read().password(user)
    }

    fn session(
        &mut self,
        hash: &SessionHash,
        used_since_ms: i64,
    ) -> Result<Option<StoredSession>, StorageError> {
        self.read().session(hash, used_since_ms)
    }

    fn sessions_of(
        &mut self,
        user: UserKey,
    ) -> Result<Vec<(SessionHash, StoredSession)>, StorageError> {
        self.read().sessions_of(user)
    }

    fn commit(&mut self, writes: &[Write]) -> Result<Vec<Written>, StorageError> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let grows = writes.iter().any(Write::grows);
        if grows {
            self.keep_room(|ballast| ballast.hold_by(Instant::now()))?;
        }
        let mut written = self.attempt(writes);
        if written.as_ref().is_err_and(StorageError::is_full) {
            self.make_room();
            if grows {
                self.keep_room(Ballast::hold)?;
            }
            written = self.attempt(writes);
            if written.as_ref().is_err_and(StorageError::is_full) {
                self.make_room();
            }
        }
        let deletes = |write: &Write| matches!(write, Write::DeleteUser { .. });
        if written.is_ok() && writes.iter().any(deletes) {
            // What was deleted is still in the log until it is emptied.
            let folded = self.fold();
            if !matches!(folded, Ok(true)) {
                tracing::warn!(?folded, "what was deleted may be in the log for a while");
            }
        }
        written
    }

    fn recent(
        &mut self,
        user: UserKey,
        per_peer: usize,
        weight: usize,
    ) -> Result<Vec<Conversation>, StorageError> {
        self.read().recent(user, per_peer, weight)
    }

    fn summaries(
        &mut self,
        user: UserKey,
        weight: usize,
    ) -> Result<Vec<ConversationSummary>, StorageError> {
        self.read().summaries(user, weight)
    }

    fn summary(
        &mut self,
        user: UserKey,
        peer: UserKey,
    ) -> Result<Option<ConversationSummary>, StorageError> {
        self.read().summary(user, peer)
    }

    fn sync(
        &mut self,
        user: UserKey,
        since: u64,
        limit: usize,
        weight: usize,
    ) -> Result<Page, StorageError> {
        let mut budget = Budget::page(limit, weight);
        self.read().sync(user, since, &mut budget)
    }

    fn history(
        &mut self,
        user: UserKey,
        peer: UserKey,
        before: Option<u64>,
        limit: usize,
        weight: usize,
    ) -> Result<Page, StorageError> {
        let mut budget = Budget::page(limit, weight);
        self.read().history(user, peer, before, &mut budget)
    }

    fn probe(&mut self) -> Result<(), StorageError> {
        self.keep_room(Ballast::hold)?;
        let behavior = TransactionBehavior::Immediate;
        Ok(self
            .connection
            .transaction_with_behavior(behavior)?
            .rollback()?)
    }

    fn close(&mut self) -> Result<(), StorageError> {
        self.fold().map(|_| ())
    }
}

/// Computes what names look like where a migration could not: SQL knows nothing of that.
fn complete_skeletons(connection: &Connection) -> Result<(), StorageError> {
    let mut names = connection.prepare("SELECT key, username FROM users WHERE skeleton IS NULL")?;
    let names: Vec<(UserKey, String)> = names
        .query_map([], |columns| Ok((columns.get(0)?, columns.get(1)?)))?
        .collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    for (key, name) in names {
        let name = parlour_protocol::Username::parse(&name)
            .map_err(|_| StorageError::Damaged("username"))?;
        transaction
            .prepare_cached("UPDATE users SET skeleton = ?2 WHERE key = ?1")?
            .execute((key, Skeleton::of(&name).as_str()))?;
    }
    Ok(transaction.commit()?)
}
