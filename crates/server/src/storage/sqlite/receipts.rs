//! How far somebody got with what others wrote.

use super::{
    message::{conversation_of, last_spot, spot_at},
    place,
    reader::Reader,
    row::count,
    writer::Writer,
};
use crate::{
    limits::RECEIVED_ROWS,
    storage::{
        Refusal, StorageError, Told, UserKey, Written,
        pair::{Overview, Pair, Spot, last_that},
    },
};

/// Of everyone who wrote to a user in a part of their inbox, the last message.
pub(super) const WRITERS: &str = "
    SELECT message.sender, max(message.sender_seq)
    FROM inbox JOIN messages message ON message.place = inbox.message
    WHERE inbox.place > ?1 AND inbox.place <= ?2 AND message.sender <> ?3
    GROUP BY message.sender ORDER BY message.sender";

impl Writer<'_> {
    /// Looks at what is new only, and at a bounded number of it.
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
        let writers = if up_to - before > RECEIVED_ROWS {
            self.writers_by_conversation(user, before, up_to)?
        } else {
            self.writers(user, before, up_to)?
        };
        for told in writers {
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

    /// The same by a search in each conversation: a long inbox is mostly a few
    /// long conversations, and everybody waits while it is looked through.
    fn writers_by_conversation(
        &self,
        user: UserKey,
        before: u64,
        up_to: u64,
    ) -> Result<Vec<Told>, StorageError> {
        let mut writers = Vec::new();
        for (key, Overview { peer, last, .. }) in Reader(self.connection).overviews(user)? {
            if last.seq_of(user) <= before || peer == user {
                continue;
            }
            if let Some((spot, _)) = self.last_reached(key, &last, (user, peer), up_to)? {
                writers.push(Told {
                    writer: peer,
                    seq: spot.sender_seq,
                });
            }
        }
        writers.sort_unstable();
        Ok(writers)
    }

    /// The last message of `peer` with a number up to `up_to` in the inbox of
    /// `user`, and how many of theirs there are up to it.
    fn last_reached(
        &self,
        key: u32,
        last: &Spot,
        (user, peer): (UserKey, UserKey),
        up_to: u64,
    ) -> Result<Option<(Spot, u64)>, StorageError> {
        let at = |number| spot_at(self.connection, key, number);
        let up_to = last_that(1, last.number, |number| {
            Ok(at(number)?.seq_of(user) <= up_to)
        })?;
        let Some(up_to) = up_to else {
            return Ok(None);
        };
        let count = at(up_to)?.written_to(user);
        if count == 0 {
            return Ok(None);
        }
        let spot = last_by(peer, user, up_to, count, at)?;
        Ok(Some((spot, count)))
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
        if user == peer {
            return Ok(None);
        }
        let reached = self.last_reached(key, &last, (user, peer), up_to)?;
        let Some((spot, read_count)) = reached else {
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
) -> Result<Spot, StorageError> {
    let newest = at(up_to)?;
    if newest.sender == peer {
        return Ok(newest);
    }
    let before = last_that(1, up_to, |number| Ok(at(number)?.written_to(user) < nth))?;
    at(before.unwrap_or(0) + 1)
}
