//! What was said, and what is still to be sent.

use parlour_protocol::UserId;
use rusqlite::{OptionalExtension, Row, params};

use super::{AccountId, Result, Store};
use crate::view::{Delivery, ItemId};

/// What shows that the server has a message of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Nothing.
    None,
    /// A fence behind it was answered.
    Fence,
    /// It came back live, on another connection of the same user.
    Echo,
    /// It stands in the server's history, and counts there.
    History,
    /// It stood in a history that the server has since lost.
    Past,
}

/// A message to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewMessage<'a> {
    pub(crate) peer: &'a UserId,
    pub(crate) mine: bool,
    pub(crate) content: &'a str,
    pub(crate) at: Option<i64>,
    pub(crate) delivery: Option<Delivery>,
    pub(crate) evidence: Evidence,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredMessage {
    pub(crate) id: ItemId,
    pub(crate) peer: UserId,
    pub(crate) position: i64,
    pub(crate) mine: bool,
    pub(crate) content: String,
    pub(crate) at: Option<i64>,
    pub(crate) delivery: Option<Delivery>,
    pub(crate) evidence: Evidence,
}

/// A message that waits to be sent, or was being sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) id: ItemId,
    pub(crate) peer: UserId,
    pub(crate) content: String,
    /// How often it was given to a connection.
    pub(crate) attempts: u32,
    pub(crate) delivery: Delivery,
}

/// What the roster shows of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) unread: u32,
    pub(crate) last_message: Option<StoredMessage>,
}

const COLUMNS: &str = "id, peer, position, mine, content, at, delivery, evidence";

impl Store {
    /// Appends a message to its conversation.
    pub(crate) fn append(
        &self,
        account: AccountId,
        message: &NewMessage<'_>,
    ) -> Result<StoredMessage> {
        let position: i64 = self
            .connection
            .prepare_cached("SELECT COALESCE(MAX(position), 0) + 1 FROM messages WHERE account = ?1 AND peer = ?2")?
            .query_row(params![account.0, message.peer.as_str()], |row| row.get(0))?;
        self.insert_at(account, message, position)
    }

    /// Stores a message at a position that the caller has made free.
    pub(crate) fn insert_at(
        &self,
        account: AccountId,
        message: &NewMessage<'_>,
        position: i64,
    ) -> Result<StoredMessage> {
        self.connection
            .prepare_cached(
                "INSERT INTO messages (account, peer, position, mine, content, at, delivery, evidence)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                account.0,
                message.peer.as_str(),
                position,
                message.mine,
                message.content,
                message.at,
                message.delivery.map(delivery_code),
                evidence_code(message.evidence),
            ])?;
        Ok(StoredMessage {
            id: ItemId(self.connection.last_insert_rowid()),
            peer: message.peer.clone(),
            position,
            mine: message.mine,
            content: message.content.to_owned(),
            at: message.at,
            delivery: message.delivery,
            evidence: message.evidence,
        })
    }

    /// One message.
    pub(crate) fn message(&self, account: AccountId, id: ItemId) -> Result<Option<StoredMessage>> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE account = ?1 AND id = ?2");
        Ok(self
            .connection
            .prepare_cached(&sql)?
            .query_row(params![account.0, id.0], read_message)
            .optional()?)
    }

    /// Everything of a conversation, by position.
    pub(crate) fn conversation(
        &self,
        account: AccountId,
        peer: &UserId,
    ) -> Result<Vec<StoredMessage>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE account = ?1 AND peer = ?2 ORDER BY position, id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement
            .query_map(params![account.0, peer.as_str()], read_message)?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// The newest `limit` messages before a position, by rising position.
    pub(crate) fn page(
        &self,
        account: AccountId,
        peer: &UserId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredMessage>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE account = ?1 AND peer = ?2 AND position < ?3
             ORDER BY position DESC, id DESC LIMIT ?4"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut page: Vec<StoredMessage> = statement
            .query_map(
                params![account.0, peer.as_str(), before.unwrap_or(i64::MAX), limit],
                read_message,
            )?
            .collect::<rusqlite::Result<_>>()?;
        page.reverse();
        Ok(page)
    }

    /// What waits to be sent or was being sent, in the order it was written.
    pub(crate) fn pending(&self, account: AccountId) -> Result<Vec<Pending>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, peer, content, attempts, delivery FROM messages
             WHERE account = ?1 AND delivery IN (0, 1) ORDER BY id",
        )?;
        let pending = statement
            .query_map([account.0], |row| {
                Ok(Pending {
                    id: ItemId(row.get(0)?),
                    peer: UserId::new(row.get::<_, String>(1)?),
                    content: row.get(2)?,
                    attempts: row.get(3)?,
                    delivery: if row.get::<_, i64>(4)? == 0 {
                        Delivery::Queued
                    } else {
                        Delivery::Sending
                    },
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(pending)
    }

    /// Records how far a message of ours got, and what shows it.
    pub(crate) fn set_delivery(
        &self,
        id: ItemId,
        delivery: Delivery,
        evidence: Evidence,
    ) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE messages SET delivery = ?2, evidence = ?3 WHERE id = ?1")?
            .execute(params![
                id.0,
                delivery_code(delivery),
                evidence_code(evidence)
            ])?;
        Ok(())
    }

    /// A message of theirs stood in a history that the server has lost.
    pub(crate) fn set_past(&self, id: ItemId) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE messages SET evidence = ?2 WHERE id = ?1")?
            .execute(params![id.0, evidence_code(Evidence::Past)])?;
        Ok(())
    }

    /// Counts an attempt before it is made.
    pub(crate) fn set_sending(&self, id: ItemId) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE messages SET delivery = 1, evidence = 0, attempts = attempts + 1 WHERE id = ?1")?
            .execute([id.0])?;
        Ok(())
    }

    /// Takes back [`Store::set_sending`]: the connection did not take the message.
    pub(crate) fn set_unsent(&self, id: ItemId) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE messages SET delivery = 0, attempts = attempts - 1 WHERE id = ?1",
            )?
            .execute([id.0])?;
        Ok(())
    }

    /// Starts the count of attempts anew, when a person asks for another try.
    pub(crate) fn requeue(&self, id: ItemId) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE messages SET delivery = 0, evidence = 0, attempts = 0 WHERE id = ?1",
            )?
            .execute([id.0])?;
        Ok(())
    }

    /// Moves a message within its conversation.
    pub(crate) fn set_position(&self, id: ItemId, position: i64) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE messages SET position = ?2 WHERE id = ?1")?
            .execute(params![id.0, position])?;
        Ok(())
    }

    /// Deletes a message that was never sent.
    pub(crate) fn remove(&self, id: ItemId) -> Result<()> {
        self.connection
            .prepare_cached("DELETE FROM messages WHERE id = ?1")?
            .execute([id.0])?;
        Ok(())
    }

    /// Everything from `peer` so far has been seen. Whether that was news.
    pub(crate) fn mark_read(&self, account: AccountId, peer: &UserId) -> Result<bool> {
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE users SET read_up_to = m.newest FROM
                 (SELECT MAX(id) AS newest FROM messages WHERE account = ?1 AND peer = ?2 AND mine = 0) AS m
                 WHERE account = ?1 AND user_id = ?2 AND read_up_to < m.newest",
            )?
            .execute(params![account.0, peer.as_str()])?;
        Ok(changed > 0)
    }

    /// Whether anything was ever said with `peer`.
    pub(crate) fn has_messages(&self, account: AccountId, peer: &UserId) -> Result<bool> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM messages WHERE account = ?1 AND peer = ?2)",
            )?
            .query_row(params![account.0, peer.as_str()], |row| row.get(0))?)
    }

    /// The unread count and the newest message of a conversation.
    pub(crate) fn summary(&self, account: AccountId, peer: &UserId) -> Result<Summary> {
        let unread = self
            .connection
            .prepare_cached(
                "SELECT COUNT(*) FROM messages WHERE account = ?1 AND peer = ?2 AND mine = 0 AND id >
                 COALESCE((SELECT read_up_to FROM users WHERE account = ?1 AND user_id = ?2), 0)",
            )?
            .query_row(params![account.0, peer.as_str()], |row| row.get(0))?;
        Ok(Summary {
            unread,
            last_message: self.page(account, peer, None, 1)?.pop(),
        })
    }
}

fn read_message(row: &Row<'_>) -> rusqlite::Result<StoredMessage> {
    Ok(StoredMessage {
        id: ItemId(row.get(0)?),
        peer: UserId::new(row.get::<_, String>(1)?),
        position: row.get(2)?,
        mine: row.get(3)?,
        content: row.get(4)?,
        at: row.get(5)?,
        delivery: row.get::<_, Option<i64>>(6)?.map(delivery_from_code),
        evidence: evidence_from_code(row.get(7)?),
    })
}

// The codes are the file's format: they never change their meaning.

fn delivery_code(delivery: Delivery) -> i64 {
    match delivery {
        Delivery::Queued => 0,
        Delivery::Sending => 1,
        Delivery::Sent => 2,
        Delivery::Unsure => 3,
        Delivery::Held => 4,
        Delivery::Failed => 5,
    }
}

fn delivery_from_code(code: i64) -> Delivery {
    match code {
        0 => Delivery::Queued,
        1 => Delivery::Sending,
        2 => Delivery::Sent,
        4 => Delivery::Held,
        5 => Delivery::Failed,
        // What cannot be known is said to be so.
        _ => Delivery::Unsure,
    }
}

fn evidence_code(evidence: Evidence) -> i64 {
    match evidence {
        Evidence::None => 0,
        Evidence::Fence => 1,
        Evidence::Echo => 2,
        Evidence::History => 3,
        Evidence::Past => 4,
    }
}

fn evidence_from_code(code: i64) -> Evidence {
    match code {
        1 => Evidence::Fence,
        2 => Evidence::Echo,
        3 => Evidence::History,
        4 => Evidence::Past,
        _ => Evidence::None,
    }
}
