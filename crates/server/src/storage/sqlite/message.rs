//! Messages into the tables, and out of them with their user.

use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::{
    place,
    row::{count, spot, spot_columns},
    writer::{Tail, Writer},
};
use crate::storage::{
    NewMessage, Placed, Refusal, StorageError, UserKey, Written,
    pair::{Pair, Spot},
};

const INSERT_MESSAGE: &str = "
    INSERT INTO messages (place, sender, recipient, sender_seq, recipient_seq, sender_count,
        id, from_client, at_ms, sent_ms, content)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (id, sender) WHERE from_client = 1 DO NOTHING";

const INSERT_INBOX: &str = "INSERT INTO inbox (place, message) VALUES (?1, ?2)";

pub(super) const REPEATED: &str = "
    SELECT recipient, sender_seq, recipient_seq, at_ms, content FROM messages
    WHERE id = ?1 AND sender = ?2 AND from_client = 1";

pub(super) const LAST_SPOT: &str = concat!(
    "SELECT ",
    spot_columns!(),
    " FROM messages message WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC LIMIT 1"
);

const SPOT: &str = concat!(
    "SELECT ",
    spot_columns!(),
    " FROM messages message WHERE place = ?1"
);

pub(super) fn insert_message(connection: &Connection) -> Result<CachedStatement<'_>, StorageError> {
    Ok(connection.prepare_cached(INSERT_MESSAGE)?)
}

pub(super) fn insert_inbox(connection: &Connection) -> Result<CachedStatement<'_>, StorageError> {
    Ok(connection.prepare_cached(INSERT_INBOX)?)
}

/// The message with this number in a conversation.
pub(super) fn spot_at(
    connection: &Connection,
    conversation: u32,
    number: u64,
) -> Result<Spot, StorageError> {
    let mut statement = connection.prepare_cached(SPOT)?;
    let mut rows = statement.query([place::bound(conversation, number)])?;
    let columns = rows.next()?.ok_or(StorageError::Damaged("conversation"))?;
    spot(columns, 0)
}

/// The last message of a conversation.
pub(super) fn last_spot(
    connection: &Connection,
    conversation: u32,
) -> Result<Option<Spot>, StorageError> {
    let mut statement = connection.prepare_cached(LAST_SPOT)?;
    let mut rows = statement.query((place::before_all(conversation), place::end(conversation)))?;
    rows.next()?.map(|columns| spot(columns, 0)).transpose()
}

/// The key of a conversation that there is.
pub(super) fn conversation_of(
    connection: &Connection,
    pair: Pair,
) -> Result<Option<u32>, StorageError> {
    Ok(connection
        .prepare_cached("SELECT key FROM conversations WHERE low = ?1 AND high = ?2")?
        .query_row((pair.low, pair.high), |columns| columns.get(0))
        .optional()?)
}

impl Writer<'_> {
    pub(super) fn message(&mut self, message: &NewMessage) -> Result<Written, StorageError> {
        let &NewMessage { from, to, .. } = message;
        let (Some(from_last), Some(to_last)) = (self.last_seq(from)?, self.last_seq(to)?) else {
            return Ok(Written::Refused(Refusal::UnknownUser));
        };
        let pair = Pair::of(from, to);
        let mut tail = self.tail(pair)?;
        tail.count += 1;
        tail.low_count += u64::from(from == pair.low);
        let sender_count = if from == pair.low {
            tail.low_count
        } else {
            tail.count - tail.low_count
        };
        let from_seq = from_last + 1;
        let to_seq = if from == to { from_seq } else { to_last + 1 };
        let place = place::place(tail.key, tail.count)?;
        let (from_place, to_place) = (place::place(from.0, from_seq)?, place::place(to.0, to_seq)?);
        let inserted = self.insert_message.execute((
            place,
            from,
            to,
            place::number(from_place).cast_signed(),
            place::number(to_place).cast_signed(),
            sender_count.cast_signed(),
            message.id.as_bytes(),
            message.from_client,
            message.at_ms,
            message.sent_at,
            &*message.content,
        ))?;
        if inserted == 0 {
            return self.repeated(message);
        }
        self.insert_inbox.execute((from_place, place))?;
        self.cache.last_seq.insert(from, from_seq);
        if to != from {
            self.insert_inbox.execute((to_place, place))?;
            self.cache.last_seq.insert(to, to_seq);
        }
        self.cache.tails.insert(pair, tail);
        Ok(Written::Message(Placed {
            from_seq,
            to_seq,
            at_ms: message.at_ms,
            dup: false,
        }))
    }

    /// The sender has used this id before.
    fn repeated(&self, message: &NewMessage) -> Result<Written, StorageError> {
        let mut statement = self.connection.prepare_cached(REPEATED)?;
        let mut rows = statement.query((message.id.as_bytes(), message.from))?;
        let columns = rows.next()?.ok_or(StorageError::Damaged("message id"))?;
        let to: UserKey = columns.get(0)?;
        let content = columns.get_ref(4)?.as_str();
        if to != message.to || content != Ok(&*message.content) {
            return Ok(Written::Refused(Refusal::Conflict));
        }
        Ok(Written::Message(Placed {
            from_seq: count(columns, 1)?,
            to_seq: count(columns, 2)?,
            at_ms: columns.get(3)?,
            dup: true,
        }))
    }

    /// The end of a conversation, which begins if there is none.
    fn tail(&mut self, pair: Pair) -> Result<Tail, StorageError> {
        if let Some(tail) = self.cache.tails.get(&pair) {
            return Ok(*tail);
        }
        let Some(key) = conversation_of(self.connection, pair)? else {
            self.run(
                "INSERT INTO conversations (low, high) VALUES (?1, ?2)",
                (pair.low, pair.high),
            )?;
            let key = u32::try_from(self.connection.last_insert_rowid())
                .map_err(|_| StorageError::Exhausted("conversations"))?;
            return Ok(Tail {
                key,
                count: 0,
                low_count: 0,
            });
        };
        let last = last_spot(self.connection, key)?;
        Ok(Tail {
            key,
            count: last.map_or(0, |spot| spot.number),
            low_count: last.map_or(0, |spot| {
                if spot.sender == pair.low {
                    spot.sender_count
                } else {
                    spot.number - spot.sender_count
                }
            }),
        })
    }

    /// The user, their sessions, their conversations. Nothing of the text is to
    /// be left in free pages.
    pub(super) fn delete_user(&mut self, user: UserKey) -> Result<Written, StorageError> {
        if self.last_seq(user)?.is_none() {
            return Ok(Written::Count(0));
        }
        self.connection.pragma_update(None, "secure_delete", true)?;
        let deleted = self.delete_all_of(user);
        self.connection
            .pragma_update(None, "secure_delete", false)?;
        self.cache.forget();
        Ok(Written::Count(deleted?))
    }

    fn delete_all_of(&mut self, user: UserKey) -> Result<u64, StorageError> {
        let conversations: Vec<(u32, UserKey)> = self
            .connection
            .prepare_cached(
                "SELECT key, high FROM conversations WHERE low = ?1
                 UNION ALL SELECT key, low FROM conversations WHERE high = ?1 AND low <> ?1",
            )?
            .query_map([user], |columns| Ok((columns.get(0)?, columns.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let mut deleted = 0;
        for (key, peer) in conversations {
            let floor = self.last_seq(peer)?.unwrap_or(0);
            self.run(
                "UPDATE users SET floor = ?2 WHERE key = ?1",
                (peer, floor.cast_signed()),
            )?;
            let range = (place::before_all(key), place::end(key), peer);
            self.run(
                "DELETE FROM inbox WHERE place IN (
                     SELECT (?3 << 32)
                         | CASE sender WHEN ?3 THEN sender_seq ELSE recipient_seq END
                     FROM messages WHERE place BETWEEN ?1 AND ?2)",
                range,
            )?;
            let (first, last, _) = range;
            let messages = self.run(
                "DELETE FROM messages WHERE place BETWEEN ?1 AND ?2",
                (first, last),
            )?;
            deleted += messages as u64;
            self.run("DELETE FROM conversations WHERE key = ?1", [key])?;
        }
        let inbox = (place::before_all(user.0), place::end(user.0));
        self.run("DELETE FROM inbox WHERE place BETWEEN ?1 AND ?2", inbox)?;
        self.run("DELETE FROM sessions WHERE user = ?1", [user])?;
        self.run("DELETE FROM users WHERE key = ?1", [user])?;
        Ok(deleted)
    }
}
