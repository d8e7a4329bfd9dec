//! Our copy of the inbox on a server that speaks pm: how far it goes, and which
//! of our rows is which of its messages.

use std::collections::{HashMap, VecDeque};

use parlour_protocol::{
    UserId,
    pm::{MessageId, Stamp},
};
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::{
    AccountId, Evidence, Result, Store, StoredMessage,
    messages::{COLUMNS, read_message},
    outgoing::evidence_code,
};
use crate::view::ItemId;

/// How far our copy goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InboxState {
    /// Whose numbers these are; `None` before the first contact.
    pub(crate) epoch: Option<Uuid>,
    /// The last number that we have.
    pub(crate) cursor: u64,
    /// Whether what was there before is still being matched.
    pub(crate) claiming: bool,
}

/// What was there before a server spoke pm: rows that it may know under an id
/// that we do not. Each is claimed at most once, by a message of the same
/// conversation, writer and text, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Claims(HashMap<(UserId, bool), HashMap<String, VecDeque<ItemId>>>);

impl Claims {
    /// The row that a message of the server stands for, if there is one.
    pub(crate) fn take(&mut self, peer: &UserId, mine: bool, content: &str) -> Option<ItemId> {
        let texts = self.0.get_mut(&(peer.clone(), mine))?;
        texts.get_mut(content)?.pop_front()
    }
}

/// SQLite's numbers are signed. Ours stay far below that.
pub(super) fn to_row(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(super) fn from_row(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}

impl Store {
    /// How far our copy of the account's inbox goes.
    pub(crate) fn inbox(&self, account: AccountId) -> Result<InboxState> {
        Ok(self
            .connection
            .prepare_cached("SELECT epoch, cursor, claiming FROM accounts WHERE id = ?1")?
            .query_row([account.0], |row| {
                let epoch: Option<String> = row.get(0)?;
                Ok(InboxState {
                    epoch: epoch.and_then(|epoch| Uuid::try_parse(&epoch).ok()),
                    cursor: from_row(row.get(1)?),
                    claiming: row.get(2)?,
                })
            })?)
    }

    /// The server's numbers are new ones: all of it is to be fetched again, and
    /// matched with what is here. Nothing is deleted.
    pub(crate) fn begin_epoch(&self, account: AccountId, epoch: Uuid) -> Result<()> {
        self.anchor_marks(account)?;
        self.connection.execute(
            "UPDATE accounts SET epoch = ?2, cursor = 0, claiming = 1 WHERE id = ?1",
            params![account.0, epoch.to_string()],
        )?;
        self.connection.execute(
            "UPDATE messages SET seq = NULL WHERE account = ?1 AND seq IS NOT NULL",
            [account.0],
        )?;
        Ok(())
    }

    /// Everything up to this number is here: in the transaction that stores it.
    pub(crate) fn set_cursor(&self, account: AccountId, cursor: u64) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE accounts SET cursor = ?2 WHERE id = ?1")?
            .execute(params![account.0, to_row(cursor)])?;
        Ok(())
    }

    /// What can still be claimed: rows without an id that a server may have. Not
    /// what was never given to one (queued, held), nor what a history had lost.
    pub(crate) fn claims(&self, account: AccountId) -> Result<Claims> {
        let mut statement = self.connection.prepare(
            "SELECT peer, mine, content, id FROM messages
             WHERE account = ?1 AND uid IS NULL AND evidence <> ?2 AND (delivery IS NULL OR delivery NOT IN (0, 4))
             ORDER BY position, id",
        )?;
        let mut rows = statement.query(params![account.0, evidence_code(Evidence::Past)])?;
        let mut claims = Claims::default();
        while let Some(row) = rows.next()? {
            let key = (UserId::new(row.get::<_, String>(0)?), row.get(1)?);
            let texts = claims.0.entry(key).or_default();
            let ids = texts.entry(row.get(2)?).or_default();
            ids.push_back(ItemId(row.get(3)?));
        }
        Ok(claims)
    }

    /// All of the server's has come: what it did not claim is the past, so that no
    /// later message is taken for it.
    pub(crate) fn end_claiming(&self, account: AccountId) -> Result<()> {
        self.connection.execute(
            "UPDATE messages SET evidence = ?2
             WHERE account = ?1 AND uid IS NULL AND (delivery IS NULL OR delivery = 2)",
            params![account.0, evidence_code(Evidence::Past)],
        )?;
        self.connection.execute(
            "UPDATE accounts SET claiming = 0 WHERE id = ?1",
            [account.0],
        )?;
        Ok(())
    }

    /// The row of a message, by the id that its sender gave it.
    pub(crate) fn message_by_uid(
        &self,
        account: AccountId,
        peer: &UserId,
        mine: bool,
        uid: &MessageId,
    ) -> Result<Option<StoredMessage>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE account = ?1 AND peer = ?2 AND mine = ?3 AND uid = ?4"
        );
        Ok(self
            .connection
            .prepare_cached(&sql)?
            .query_row(
                params![account.0, peer.as_str(), mine, uid.as_bytes()],
                read_message,
            )
            .optional()?)
    }

    /// The server has this message, so: one of ours is sent.
    pub(crate) fn set_stamp(&self, id: ItemId, stamp: &Stamp) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE messages SET uid = ?2, seq = ?3, at = ?4, evidence = ?5, refusal = NULL,
                 delivery = CASE mine WHEN 0 THEN NULL ELSE 2 END WHERE id = ?1",
            )?
            .execute(params![
                id.0,
                stamp.id.as_bytes(),
                to_row(stamp.seq),
                stamp.ts,
                evidence_code(Evidence::History)
            ])?;
        Ok(())
    }

    /// The server has taken a message of ours, under its id.
    pub(crate) fn set_taken(&self, id: ItemId, seq: u64, ts: i64) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE messages SET seq = ?2, at = ?3, evidence = ?4, refusal = NULL, delivery = 2 WHERE id = ?1",
            )?
            .execute(params![
                id.0,
                to_row(seq),
                ts,
                evidence_code(Evidence::History)
            ])?;
        Ok(())
    }

    /// What was on its way when the last connection broke goes back into the
    /// queue: its id makes a second attempt harmless. Those that changed.
    pub(crate) fn queue_again(&self, account: AccountId) -> Result<Vec<ItemId>> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE messages SET delivery = 0, evidence = 0
             WHERE account = ?1 AND delivery IN (0, 1) AND delivery = 1 RETURNING id",
        )?;
        let ids = statement
            .query_map([account.0], |row| Ok(ItemId(row.get(0)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(ids)
    }

    /// The number of the last message of theirs.
    pub(crate) fn last_seq_from(&self, account: AccountId, peer: &UserId) -> Result<Option<u64>> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT seq FROM messages WHERE account = ?1 AND peer = ?2 AND seq IS NOT NULL AND mine = 0
                 ORDER BY seq DESC LIMIT 1",
            )?
            .query_row(params![account.0, peer.as_str()], |row| {
                row.get(0).map(from_row)
            })
            .optional()?)
    }

    /// Another device of ours has seen everything from `peer` up to this number.
    /// Whether that was news.
    pub(crate) fn mark_read_up_to(
        &self,
        account: AccountId,
        peer: &UserId,
        seq: u64,
    ) -> Result<bool> {
        // By id, and not by number (that is what "+" is for): from the end back, which
        // is as far as there is something to be read.
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE users SET read_up_to = m.newest FROM
                 (SELECT id AS newest FROM messages
                  WHERE account = ?1 AND peer = ?2 AND mine = 0 AND +seq <= ?3
                  ORDER BY id DESC LIMIT 1) AS m
                 WHERE account = ?1 AND user_id = ?2 AND read_up_to < m.newest",
            )?
            .execute(params![account.0, peer.as_str(), to_row(seq)])?;
        Ok(changed > 0)
    }

    // "delivery IN (0, 1)" is what the index of waiting messages is made by.

    /// A connection broke by this message, as far as one can tell.
    pub(crate) fn add_strike(&self, id: ItemId) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE messages SET strikes = strikes + 1 WHERE id = ?1")?
            .execute([id.0])?;
        Ok(())
    }

    /// What was on its way and has broken so many connections.
    pub(crate) fn struck_out(&self, account: AccountId, strikes: u32) -> Result<Vec<ItemId>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM messages WHERE account = ?1 AND delivery IN (0, 1) AND delivery = 1
             AND strikes >= ?2 ORDER BY id",
        )?;
        let ids = statement
            .query_map(params![account.0, strikes], |row| Ok(ItemId(row.get(0)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(ids)
    }
}
