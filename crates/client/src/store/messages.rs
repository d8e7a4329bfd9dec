//! What was said.

use parlour_protocol::{
    UserId,
    pm::{Code, MessageId},
};
use rusqlite::{OptionalExtension, Row, params};

use super::{
    AccountId, Evidence, Result, Store,
    inbox::to_row,
    outgoing::{
        delivery_code, delivery_from_code, evidence_code, evidence_from_code, refusal_from_code,
    },
};
use crate::{
    dialect::beginning::{Beginning, Glimpse},
    view::{Delivery, ItemId},
};

/// A message to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewMessage<'a> {
    pub(crate) peer: &'a UserId,
    pub(crate) mine: bool,
    pub(crate) content: &'a str,
    pub(crate) at: Option<i64>,
    pub(crate) delivery: Option<Delivery>,
    pub(crate) evidence: Evidence,
    /// Its id between sides that speak pm.
    pub(crate) uid: Option<MessageId>,
    /// Its number in our inbox there.
    pub(crate) seq: Option<u64>,
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
    /// Why the server did not take it.
    pub(crate) refusal: Option<Code>,
    /// Its place among those that are on their way, in the order in which they were
    /// given to a connection; means nothing for others.
    pub(crate) written: i64,
}

#[cfg(test)]
impl StoredMessage {
    /// What of it matters to a history.
    pub(crate) fn glimpse(&self) -> Glimpse<'_> {
        Glimpse {
            position: self.position,
            mine: self.mine,
            content: &self.content,
            delivery: self.delivery,
            evidence: self.evidence,
        }
    }
}

pub(super) const COLUMNS: &str =
    "id, peer, position, mine, content, at, delivery, evidence, refusal, written";

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
                "INSERT INTO messages (account, peer, position, mine, content, at, delivery, evidence, uid, seq)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
                message.uid.as_ref().map(MessageId::as_bytes),
                message.seq.map(to_row),
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
            refusal: None,
            written: 0,
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

    /// A conversation by position, from the first message on that does not belong to
    /// `beginning`. What is before it is not held in memory.
    pub(crate) fn conversation_behind(
        &self,
        account: AccountId,
        peer: &UserId,
        beginning: &mut Beginning<'_>,
    ) -> Result<Vec<StoredMessage>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE account = ?1 AND peer = ?2 ORDER BY position, id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![account.0, peer.as_str()])?;
        let mut behind = Vec::new();
        while let Some(row) = rows.next()? {
            let content = row.get_ref(4)?;
            let glimpse = Glimpse {
                position: row.get(2)?,
                mine: row.get(3)?,
                content: content.as_str().map_err(rusqlite::Error::from)?,
                delivery: row.get::<_, Option<i64>>(6)?.map(delivery_from_code),
                evidence: evidence_from_code(row.get(7)?),
            };
            if !behind.is_empty() || !beginning.takes(&glimpse) {
                behind.push(read_message(row)?);
            }
        }
        Ok(behind)
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
}

pub(super) fn read_message(row: &Row<'_>) -> rusqlite::Result<StoredMessage> {
    Ok(StoredMessage {
        id: ItemId(row.get(0)?),
        peer: UserId::new(row.get::<_, String>(1)?),
        position: row.get(2)?,
        mine: row.get(3)?,
        content: row.get(4)?,
        at: row.get(5)?,
        delivery: row.get::<_, Option<i64>>(6)?.map(delivery_from_code),
        evidence: evidence_from_code(row.get(7)?),
        refusal: row
            .get::<_, Option<String>>(8)?
            .map(|code| refusal_from_code(&code)),
        written: row.get(9)?,
    })
}
