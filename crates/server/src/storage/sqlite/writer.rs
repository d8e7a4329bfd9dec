//! One transaction: the writes of a batch, one after the other.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params};

use super::place;
use crate::storage::{
    NewSession, NewUser, Refusal, StorageError, UserKey, Write, Written, pair::Pair,
};

/// The last number of a user: what is stored, and what must not be given again.
const LAST_SEQ: &str = "
    SELECT max(floor, ifnull(
        (SELECT max(place) FROM inbox WHERE place BETWEEN ?2 AND ?3) & 0xffffffff, 0
    )) FROM users WHERE key = ?1";

/// Conversations whose ends are remembered. More are forgotten and looked up
/// again: about 10 MB. Storage.
const TAILS: usize = 100_000;

/// What the next message is numbered by. Nothing in it is anywhere else than in
/// the database, so it can be forgotten at any time, and is when a commit fails.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) last_seq: HashMap<UserKey, u64>,
    pub(super) tails: HashMap<Pair, Tail>,
}

/// The end of a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    pub(super) key: u32,
    pub(super) count: u64,
    /// How many of them the one with the lower key wrote.
    pub(super) low_count: u64,
}

impl Cache {
    pub(super) fn forget(&mut self) {
        self.last_seq.clear();
        self.tails.clear();
    }

    pub(super) fn trim(&mut self) {
        if self.tails.len() > TAILS {
            self.tails.clear();
        }
    }
}

/// Writes within a transaction that somebody else begins and ends.
pub(super) struct Writer<'c> {
    pub(super) connection: &'c Connection,
    pub(super) cache: &'c mut Cache,
    // Looked up once for a batch instead of for each of its messages.
    pub(super) insert_message: CachedStatement<'c>,
    pub(super) insert_inbox: CachedStatement<'c>,
}

impl Writer<'_> {
    pub(super) fn write(&mut self, write: &Write) -> Result<Written, StorageError> {
        match write {
            Write::Message(message) => self.message(message),
            Write::Received { user, up_to } => self.received(*user, *up_to),
            Write::Read { user, peer, up_to } => self.read(*user, *peer, *up_to),
            Write::NewUser(new) => self.new_user(new),
            Write::NewSession { user, session } => {
                if self.last_seq(*user)?.is_none() {
                    return Ok(Written::Refused(Refusal::UnknownUser));
                }
                self.new_session(*user, session)?;
                Ok(Written::Done)
            }
            Write::UseSession { hash, at_ms } => {
                self.run(
                    "UPDATE sessions SET last_used_ms = max(last_used_ms, ?2) WHERE hash = ?1",
                    (hash.as_bytes(), at_ms),
                )?;
                Ok(Written::Done)
            }
            Write::EndSession { hash } => {
                self.count("DELETE FROM sessions WHERE hash = ?1", [hash.as_bytes()])
            }
            Write::EndSessions { user, but } => self.count(
                "DELETE FROM sessions WHERE user = ?1 AND hash IS NOT ?2",
                (user, but.as_ref().map(|hash| hash.as_bytes())),
            ),
            Write::Sweep {
                unused_since_ms,
                now_ms,
            } => {
                self.run("DELETE FROM invites WHERE expires_ms <= ?1", [now_ms])?;
                self.count(
                    "DELETE FROM sessions WHERE last_used_ms < ?1",
                    [unused_since_ms],
                )
            }
            Write::Seen { user, at_ms } => {
                self.run(
                    "UPDATE users SET last_seen_ms = max(last_seen_ms, ?2) WHERE key = ?1",
                    (user, at_ms),
                )?;
                Ok(Written::Done)
            }
            Write::SetPassword { user, password } => self.set(
                "UPDATE users SET password = ?2 WHERE key = ?1",
                (user, password.as_ref().map(|password| password.as_str())),
            ),
            Write::SetBanned { user, banned } => self.set(
                "UPDATE users SET banned = ?2 WHERE key = ?1",
                (user, banned),
            ),
            Write::DeleteUser { user } => self.delete_user(*user),
            Write::NewInvite { hash, invite } => {
                self.run(
                    "INSERT OR REPLACE INTO invites (hash, expires_ms, note) VALUES (?1, ?2, ?3)",
                    (hash.as_bytes(), invite.expires_ms, &invite.note),
                )?;
                Ok(Written::Done)
            }
        }
    }

    /// The last number in the inbox of `user`; `None` if there is no such user.
    pub(super) fn last_seq(&mut self, user: UserKey) -> Result<Option<u64>, StorageError> {
        if let Some(last_seq) = self.cache.last_seq.get(&user) {
            return Ok(Some(*last_seq));
        }
        let last_seq: Option<i64> = self
            .connection
            .prepare_cached(LAST_SEQ)?
            .query_row(
                (user, place::before_all(user.0), place::end(user.0)),
                |columns| columns.get(0),
            )
            .optional()?;
        let Some(last_seq) = last_seq else {
            return Ok(None);
        };
        let last_seq = u64::try_from(last_seq).map_err(|_| StorageError::Damaged("number"))?;
        self.cache.last_seq.insert(user, last_seq);
        Ok(Some(last_seq))
    }

    fn new_user(&mut self, new: &NewUser) -> Result<Written, StorageError> {
        let skeleton = new.skeleton.as_str();
        if new.unique {
            let taken = self
                .connection
                .prepare_cached("SELECT 1 FROM users WHERE skeleton = ?1")?
                .exists([skeleton])?;
            if taken {
                return Ok(Written::Refused(Refusal::NameTaken));
            }
        }
        let at_ms = new.session.at_ms;
        if let Some(invite) = &new.invite {
            let used = self.run(
                "DELETE FROM invites WHERE hash = ?1 AND expires_ms > ?2",
                (invite.as_bytes(), at_ms),
            )?;
            if used == 0 {
                return Ok(Written::Refused(Refusal::InviteInvalid));
            }
        }
        self.run(
            "INSERT INTO users (public_id, username, skeleton, password, created_ms, last_seen_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            (
                new.id.as_str(),
                new.username.as_str(),
                skeleton,
                new.password.as_ref().map(|password| password.as_str()),
                at_ms,
            ),
        )?;
        let key = u32::try_from(self.connection.last_insert_rowid())
            .map(UserKey)
            .map_err(|_| StorageError::Exhausted("users"))?;
        self.cache.last_seq.insert(key, 0);
        self.new_session(key, &new.session)?;
        Ok(Written::User(key))
    }

    fn new_session(&mut self, user: UserKey, session: &NewSession) -> Result<(), StorageError> {
        let NewSession {
            hash,
            at_ms,
            client,
        } = session;
        self.run(
            "INSERT INTO sessions (hash, user, created_ms, last_used_ms, client)
             VALUES (?1, ?2, ?3, ?3, ?4)",
            (hash.as_bytes(), user, at_ms, client),
        )?;
        Ok(())
    }

    pub(super) fn run(&self, sql: &str, params: impl Params) -> Result<usize, StorageError> {
        Ok(self.connection.prepare_cached(sql)?.execute(params)?)
    }

    fn count(&self, sql: &str, params: impl Params) -> Result<Written, StorageError> {
        Ok(Written::Count(self.run(sql, params)? as u64))
    }

    /// Changes the one row of a user.
    fn set(&self, sql: &str, params: impl Params) -> Result<Written, StorageError> {
        Ok(match self.run(sql, params)? {
            0 => Written::Refused(Refusal::UnknownUser),
            _ => Written::Done,
        })
    }
}
