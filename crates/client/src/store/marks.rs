//! What belongs to a conversation besides its messages: how far the other side
//! got with ours, and what was typed and not sent.
//!
//! A server that speaks pm says how far somebody got by numbers of our inbox,
//! which may be ahead of our copy. They hold in one epoch; before another one
//! begins they are turned into messages, which stay.

use parlour_protocol::{UserId, pm::Summary as WireSummary};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    AccountId, Result, Store,
    inbox::{from_row, to_row},
};

/// What the roster shows of a conversation besides its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Our messages up to this position have arrived on a device of theirs.
    pub(crate) received_up_to: Option<i64>,
    /// Our messages up to this position were read by them.
    pub(crate) read_up_to: Option<i64>,
    pub(crate) draft: Option<String>,
}

/// How far somebody got, in numbers of our inbox; 0 where nobody has said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) received: u64,
    pub(crate) read: u64,
}

impl From<&WireSummary> for Reached {
    fn from(summary: &WireSummary) -> Self {
        Self {
            received: summary.received,
            read: summary.read,
        }
    }
}

/// Where the message stands that a number or an earlier epoch points to.
const COLUMNS: &str = "
    NULLIF(MAX(
        IFNULL((SELECT position FROM messages m WHERE m.account = u.account AND m.peer = u.user_id
                AND m.seq <= u.received_seq ORDER BY m.seq DESC LIMIT 1), -1),
        IFNULL((SELECT position FROM messages m WHERE m.id = u.received_item), -1)), -1),
    NULLIF(MAX(
        IFNULL((SELECT position FROM messages m WHERE m.account = u.account AND m.peer = u.user_id
                AND m.seq <= u.read_seq ORDER BY m.seq DESC LIMIT 1), -1),
        IFNULL((SELECT position FROM messages m WHERE m.id = u.read_item), -1)), -1),
    (SELECT content FROM drafts d WHERE d.account = u.account AND d.peer = u.user_id)";

/// The marks of one conversation, by any connection.
pub(super) fn marks_of(
    connection: &Connection,
    account: AccountId,
    peer: &UserId,
) -> Result<Marks> {
    let sql =
        format!("SELECT u.user_id, {COLUMNS} FROM users u WHERE u.account = ?1 AND u.user_id = ?2");
    let marks = connection
        .prepare_cached(&sql)?
        .query_row(params![account.0, peer.as_str()], read_marks)
        .optional()?;
    Ok(marks.map(|(_, marks)| marks).unwrap_or_default())
}

impl Store {
    /// The marks of one conversation.
    pub(crate) fn marks(&self, account: AccountId, peer: &UserId) -> Result<Marks> {
        marks_of(&self.connection, account, peer)
    }

    /// The marks of all conversations that have any.
    pub(crate) fn all_marks(&self, account: AccountId) -> Result<Vec<(UserId, Marks)>> {
        let sql = format!(
            "SELECT u.user_id, {COLUMNS} FROM users u WHERE u.account = ?1 AND
             (u.received_seq > 0 OR u.received_item IS NOT NULL
              OR u.user_id IN (SELECT peer FROM drafts WHERE account = ?1))"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let marks = statement
            .query_map([account.0], read_marks)?
            .collect::<rusqlite::Result<_>>()?;
        Ok(marks)
    }

    /// Somebody got this far with our messages. Nobody goes back. Whether that was news.
    pub(crate) fn set_reached(
        &self,
        account: AccountId,
        peer: &UserId,
        reached: Reached,
    ) -> Result<bool> {
        // Who has read it has received it.
        let received = reached.received.max(reached.read);
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE users SET received_seq = MAX(received_seq, ?3), read_seq = MAX(read_seq, ?4)
                 WHERE account = ?1 AND user_id = ?2 AND (received_seq < ?3 OR read_seq < ?4)",
            )?
            .execute(params![
                account.0,
                peer.as_str(),
                to_row(received),
                to_row(reached.read)
            ])?;
        Ok(changed > 0)
    }

    /// The numbers are about to mean nothing any more: what they pointed to stays.
    pub(super) fn anchor_marks(&self, account: AccountId) -> Result<()> {
        for (seq, item) in [("received_seq", "received_item"), ("read_seq", "read_item")] {
            self.connection.execute(
                &format!(
                    "UPDATE users SET {item} =
                       (SELECT m.id FROM messages m WHERE m.account = users.account AND m.peer = users.user_id
                        AND (m.seq <= users.{seq} OR m.id = users.{item})
                        ORDER BY m.position DESC LIMIT 1)
                     WHERE account = ?1 AND {seq} > 0"
                ),
                [account.0],
            )?;
        }
        self.connection.execute(
            "UPDATE users SET received_seq = 0, read_seq = 0 WHERE account = ?1",
            [account.0],
        )?;
        Ok(())
    }

    /// What was typed for somebody and not sent; nothing for an empty text.
    /// Whether that was news.
    pub(crate) fn set_draft(
        &self,
        account: AccountId,
        peer: &UserId,
        content: &str,
    ) -> Result<bool> {
        let changed = if content.is_empty() {
            self.connection
                .prepare_cached("DELETE FROM drafts WHERE account = ?1 AND peer = ?2")?
                .execute(params![account.0, peer.as_str()])?
        } else {
            self.connection
                .prepare_cached(
                    "INSERT INTO drafts (account, peer, content) VALUES (?1, ?2, ?3)
                     ON CONFLICT (account, peer) DO UPDATE SET content = excluded.content
                     WHERE content <> excluded.content",
                )?
                .execute(params![account.0, peer.as_str(), content])?
        };
        Ok(changed > 0)
    }

    /// What was typed for somebody and not sent.
    pub(crate) fn draft(&self, account: AccountId, peer: &UserId) -> Result<Option<String>> {
        Ok(self
            .connection
            .prepare_cached("SELECT content FROM drafts WHERE account = ?1 AND peer = ?2")?
            .query_row(params![account.0, peer.as_str()], |row| row.get(0))
            .optional()?)
    }

    /// The drafts of identities that this server has forgotten come along with
    /// what was not sent, to the same ids.
    pub(super) fn take_over_drafts(&self, account: AccountId, server: &str) -> Result<()> {
        const FORGOTTEN: &str =
            "SELECT id FROM accounts WHERE server = ?2 AND forgotten = 1 AND id <> ?1";
        self.connection.execute(
            &format!(
                "INSERT OR IGNORE INTO users (account, user_id, username)
                 SELECT ?1, u.user_id, u.username FROM users u JOIN drafts d
                 ON d.account = u.account AND d.peer = u.user_id WHERE u.account IN ({FORGOTTEN})"
            ),
            params![account.0, server],
        )?;
        self.connection.execute(
            &format!(
                "INSERT OR IGNORE INTO drafts (account, peer, content)
                 SELECT ?1, peer, content FROM drafts WHERE account IN ({FORGOTTEN})
                 ORDER BY account DESC"
            ),
            params![account.0, server],
        )?;
        self.connection.execute(
            &format!("DELETE FROM drafts WHERE account IN ({FORGOTTEN})"),
            params![account.0, server],
        )?;
        Ok(())
    }

    /// How many messages from `peer` have not been seen.
    pub(crate) fn unread(&self, account: AccountId, peer: &UserId) -> Result<u32> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT COUNT(*) FROM messages WHERE account = ?1 AND peer = ?2 AND mine = 0 AND id >
                 COALESCE((SELECT read_up_to FROM users WHERE account = ?1 AND user_id = ?2), 0)",
            )?
            .query_row(params![account.0, peer.as_str()], |row| row.get(0))?)
    }

    /// The number of the last message of theirs, up to `up_to`, before the newest
    /// `unread` of them: everything up to it was read.
    pub(crate) fn last_read_from(
        &self,
        account: AccountId,
        peer: &UserId,
        up_to: u64,
        unread: u32,
    ) -> Result<Option<u64>> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT seq FROM messages WHERE account = ?1 AND peer = ?2 AND mine = 0 AND seq <= ?3
                 ORDER BY seq DESC LIMIT 1 OFFSET ?4",
            )?
            .query_row(
                params![account.0, peer.as_str(), to_row(up_to), unread],
                |row| row.get(0).map(from_row),
            )
            .optional()?)
    }
}

fn read_marks(row: &Row<'_>) -> rusqlite::Result<(UserId, Marks)> {
    Ok((
        UserId::new(row.get::<_, String>(0)?),
        Marks {
            received_up_to: row.get(1)?,
            read_up_to: row.get(2)?,
            draft: row.get(3)?,
        },
    ))
}

#[cfg(test)]
#[path = "marks_tests.rs"]
mod tests;
