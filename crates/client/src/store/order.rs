//! Where the messages of a server with numbers stand in their conversations.
//!
//! Positions rise with the numbers. Rows without a number stay behind what they
//! stood behind, and what still waits to be sent is at the end.

use parlour_protocol::UserId;
use rusqlite::{OptionalExtension, params};

use super::{
    AccountId, Result, Store,
    inbox::{from_row, to_row},
};
use crate::{dialect::order::Place, view::ItemId};

/// Not yet taken by the server: these have no place among its messages.
const WAITING: &str = "(seq IS NULL AND delivery IS NOT NULL AND delivery IN (0, 1))";

impl Store {
    /// Makes room for a new message with this number, and says where. Also the
    /// rows that had to move.
    pub(crate) fn open_place(
        &self,
        account: AccountId,
        peer: &UserId,
        seq: u64,
    ) -> Result<(i64, Vec<ItemId>)> {
        let position = match self.next_by_seq(account, peer, seq)? {
            Some(next) => next,
            None => self
                .connection
                .prepare_cached(&format!(
                    "SELECT position + 1 FROM messages
                     WHERE account = ?1 AND peer = ?2 AND NOT {WAITING}
                     ORDER BY position DESC LIMIT 1"
                ))?
                .query_row(params![account.0, peer.as_str()], |row| row.get(0))
                .optional()?
                .unwrap_or(1),
        };
        Ok((position, self.shift(account, peer, position, i64::MAX, 1)?))
    }

    /// A message has got its number: if that says that it stands wrong, it moves.
    /// All the rows that did.
    pub(crate) fn put_right(
        &self,
        account: AccountId,
        peer: &UserId,
        id: ItemId,
        seq: u64,
    ) -> Result<Vec<ItemId>> {
        let position: i64 = self
            .connection
            .prepare_cached("SELECT position FROM messages WHERE id = ?1")?
            .query_row([id.0], |row| row.get(0))?;
        let before = self
            .connection
            .prepare_cached(
                "SELECT position FROM messages WHERE account = ?1 AND peer = ?2 AND seq < ?3
                 ORDER BY seq DESC LIMIT 1",
            )?
            .query_row(params![account.0, peer.as_str(), to_row(seq)], |row| {
                row.get::<_, i64>(0)
            })
            .optional()?;
        let (to, mut moved) = match (before, self.next_by_seq(account, peer, seq)?) {
            (Some(before), _) if before > position => {
                (before, self.shift(account, peer, position + 1, before, -1)?)
            }
            (_, Some(next)) if next < position => {
                (next, self.shift(account, peer, next, position - 1, 1)?)
            }
            _ => return Ok(Vec::new()),
        };
        self.set_position(id, to)?;
        moved.push(id);
        Ok(moved)
    }

    /// The conversation as far as its order matters, by position.
    pub(crate) fn places(&self, account: AccountId, peer: &UserId) -> Result<Vec<Place>> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT id, position, seq, {WAITING} FROM messages
             WHERE account = ?1 AND peer = ?2 ORDER BY position, id"
        ))?;
        let places = statement
            .query_map(params![account.0, peer.as_str()], |row| {
                Ok(Place {
                    id: ItemId(row.get(0)?),
                    position: row.get(1)?,
                    seq: row.get::<_, Option<i64>>(2)?.map(from_row),
                    waits: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(places)
    }

    /// Everyone with whom anything was said.
    pub(crate) fn conversations(&self, account: AccountId) -> Result<Vec<UserId>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT DISTINCT peer FROM messages WHERE account = ?1")?;
        let peers = statement
            .query_map([account.0], |row| Ok(UserId::new(row.get::<_, String>(0)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(peers)
    }

    /// Where the first message with a greater number stands.
    fn next_by_seq(&self, account: AccountId, peer: &UserId, seq: u64) -> Result<Option<i64>> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT position FROM messages WHERE account = ?1 AND peer = ?2 AND seq > ?3
                 ORDER BY seq LIMIT 1",
            )?
            .query_row(params![account.0, peer.as_str(), to_row(seq)], |row| {
                row.get(0)
            })
            .optional()?)
    }

    fn shift(
        &self,
        account: AccountId,
        peer: &UserId,
        from: i64,
        to: i64,
        by: i64,
    ) -> Result<Vec<ItemId>> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE messages SET position = position + ?5
             WHERE account = ?1 AND peer = ?2 AND position BETWEEN ?3 AND ?4 RETURNING id",
        )?;
        let moved = statement
            .query_map(params![account.0, peer.as_str(), from, to, by], |row| {
                Ok(ItemId(row.get(0)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(moved)
    }
}
