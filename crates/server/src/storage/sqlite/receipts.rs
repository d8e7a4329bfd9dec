//! How far somebody got with what others wrote.

use super::{
    message::{conversation_of, last_spot, spot_at},
    place,
    row::count,
    writer::Writer,
};
use crate::storage::{
    Refusal, StorageError, Told, UserKey, Written,
    pair::{Pair, Spot, last_that},
};

/// Of everyone who wrote to a user in a part of their inbox, the last message.
pub(super) const WRITERS: &str = "
    SELECT message.sender, max(message.sender_seq)
    FROM inbox JOIN messages message ON message.place = inbox.message
    WHERE inbox.place > ?1 AND inbox.place <= ?2 AND message.sender <> ?3
    GROUP BY message.sender ORDER BY message.sender";

impl Writer<'_> {
    /// Looks at what is new only: each message once in its life, whatever the
    /// number of calls.
    pub(super) fn received(&mut self, user: UserKey, up_to: u64) -> Result<Written, StorageError> {
        let Some(last_seq) = self.last_seq(user)? else {
            return Ok(Written::Refused(Refusal::UnknownUser));
        };
        let up_to = up_to.min(last_seq);
        let before: i64 = self
            .connection
            .prepare_cached("SELECT received FROM users WHERE key = ?1")?
            .query_row([user], |columns| columns.get(0))?;
        let before = before.unsigned_abs();
        if up_to <= before {
            return Ok(Written::Receipts(Vec::new()));
        }
        self.run(
            "UPDATE users SET received = ?2 WHERE key = ?1",
            (user, up_to.cast_signed()),
        )?;
        let mut news = Vec::new();
        for told in self.writers(user, before, up_to)? {
            if self.mark_received(user, told)? {
                news.push(told);
            }
        }
        Ok(Written::Receipts(news))
    }

    pub(super) fn read(
        &mut self,
        user: UserKey,
        peer: UserKey,
        up_to: u64,
    ) -> Result<Written, StorageError> {
        if self.last_seq(user)?.is_none() {
            return Ok(Written::Refused(Refusal::UnknownUser));
        }
        let told = self.last_read(user, peer, up_to)?;
        Ok(Written::Receipts(told.into_iter().collect()))
    }

    fn writers(&self, user: UserKey, before: u64, up_to: u64) -> Result<Vec<Told>, StorageError> {
        let mut statement = self.connection.prepare_cached(WRITERS)?;
        let range = (
            place::bound(user.0, before),
            place::bound(user.0, up_to),
            user,
        );
        let mut rows = statement.query(range)?;
        let mut writers = Vec::new();
        while let Some(columns) = rows.next()? {
            writers.push(Told {
                writer: columns.get(0)?,
                seq: count(columns, 1)?,
            });
        }
        Ok(writers)
    }

    /// Whether it is news: what is read has been received already.
    fn mark_received(&self, user: UserKey, told: Told) -> Result<bool, StorageError> {
        let pair = Pair::of(user, told.writer);
        let sql = if user == pair.low {
            "UPDATE conversations SET low_received = ?3
             WHERE low = ?1 AND high = ?2 AND low_received < ?3"
        } else {
            "UPDATE conversations SET high_received = ?3
             WHERE low = ?1 AND high = ?2 AND high_received < ?3"
        };
        let marked = self.run(sql, (pair.low, pair.high, told.seq.cast_signed()))?;
        Ok(marked > 0)
    }

    /// Moves the mark of what is read, if it moves.
    fn last_read(
        &self,
        user: UserKey,
        peer: UserKey,
        up_to: u64,
    ) -> Result<Option<Told>, StorageError> {
        let pair = Pair::of(user, peer);
        let Some(key) = conversation_of(self.connection, pair)? else {
            return Ok(None);
        };
        let Some(last) = last_spot(self.connection, key)? else {
            return Ok(None);
        };
        let at = |number| spot_at(self.connection, key, number);
        let up_to = last_that(1, last.number, |number| {
            Ok(at(number)?.seq_of(user) <= up_to)
        })?;
        let Some(up_to) = up_to else {
            return Ok(None);
        };
        let read_count = at(up_to)?.written_to(user);
        if user == peer || read_count == 0 {
            return Ok(None);
        }
        let Some(spot) = last_by(peer, user, up_to, read_count, at)? else {
            return Ok(None);
        };
        let sql = if user == pair.low {
            "UPDATE conversations SET low_read = ?3, low_read_count = ?4,
                 low_received = max(low_received, ?3)
             WHERE low = ?1 AND high = ?2 AND low_read_count < ?4"
        } else {
            "UPDATE conversations SET high_read = ?3, high_read_count = ?4,
                 high_received = max(high_received, ?3)
             WHERE low = ?1 AND high = ?2 AND high_read_count < ?4"
        };
        let marked = self.run(
            sql,
            (
                pair.low,
                pair.high,
                spot.sender_seq.cast_signed(),
                read_count.cast_signed(),
            ),
        )?;
        Ok((marked > 0).then_some(Told {
            writer: peer,
            seq: spot.sender_seq,
        }))
    }
}

/// The `nth` message that `peer` wrote to `user`, which is not after `up_to`.
fn last_by(
    peer: UserKey,
    user: UserKey,
    up_to: u64,
    nth: u64,
    at: impl Fn(u64) -> Result<Spot, StorageError>,
) -> Result<Option<Spot>, StorageError> {
    let newest = at(up_to)?;
    if newest.sender == peer {
        return Ok(Some(newest));
    }
    let before = last_that(1, up_to, |number| Ok(at(number)?.written_to(user) < nth))?;
    at(before.unwrap_or(0) + 1).map(Some)
}
