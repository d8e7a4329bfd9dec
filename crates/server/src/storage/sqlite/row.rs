//! From rows to the words of the domain.

use std::sync::Arc;

use parlour_protocol::{UserId, Username, pm::MessageId};
use rusqlite::{
    Row as Columns, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};

use super::place;
use crate::storage::{
    Row, StorageError, StoredSession, StoredUser, UserKey,
    pair::{Marks, Overview, Pair, Spot},
};

impl ToSql for UserKey {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for UserKey {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let key = value.as_i64()?;
        u32::try_from(key)
            .map(Self)
            .map_err(|_| FromSqlError::OutOfRange(key))
    }
}

/// A number that is never negative.
pub(super) fn count(columns: &Columns<'_>, at: usize) -> Result<u64, StorageError> {
    let number: i64 = columns.get(at)?;
    u64::try_from(number).map_err(|_| StorageError::Damaged("number"))
}

/// The columns of [`message`], of the table `message`.
macro_rules! message_columns {
    () => {
        "message.sender, message.recipient, message.sender_seq, message.recipient_seq, \
         message.id, message.at_ms, message.sent_ms, message.content"
    };
}
pub(super) use message_columns;

/// A message, as `reader` sees it.
pub(super) fn message(columns: &Columns<'_>, reader: UserKey) -> Result<Row, StorageError> {
    let from: UserKey = columns.get(0)?;
    let content = columns.get_ref(7)?.as_str();
    Ok(Row {
        seq: count(columns, if from == reader { 2 } else { 3 })?,
        from,
        to: columns.get(1)?,
        id: MessageId::from_bytes(columns.get(4)?),
        content: Arc::from(content.map_err(|_| StorageError::Damaged("text"))?),
        at_ms: columns.get(5)?,
        sent_at: columns.get(6)?,
    })
}

/// The columns of [`spot`], of the table `message`.
macro_rules! spot_columns {
    () => {
        "message.place, message.sender, message.sender_seq, message.recipient_seq, \
         message.sender_count"
    };
}
pub(super) use spot_columns;

/// The place of a message, from the columns that begin at `at`.
pub(super) fn spot(columns: &Columns<'_>, at: usize) -> Result<Spot, StorageError> {
    Ok(Spot {
        number: place::number(columns.get(at)?),
        sender: columns.get(at + 1)?,
        sender_seq: count(columns, at + 2)?,
        recipient_seq: count(columns, at + 3)?,
        sender_count: count(columns, at + 4)?,
    })
}

/// A conversation's key and what `reader` sees of it.
pub(super) fn overview(
    columns: &Columns<'_>,
    reader: UserKey,
) -> Result<(u32, Overview), StorageError> {
    let pair = Pair {
        low: columns.get(1)?,
        high: columns.get(2)?,
    };
    let marks = |at| -> Result<Marks, StorageError> {
        Ok(Marks {
            received: count(columns, at)?,
            read: count(columns, at + 1)?,
            read_count: count(columns, at + 2)?,
        })
    };
    let (low, high) = (marks(3)?, marks(6)?);
    let (own, theirs) = if reader == pair.low {
        (low, high)
    } else {
        (high, low)
    };
    let overview = Overview {
        peer: pair.other(reader),
        last: spot(columns, 9)?,
        own,
        theirs,
    };
    Ok((columns.get(0)?, overview))
}

pub(super) fn user(columns: &Columns<'_>) -> Result<StoredUser, StorageError> {
    let name: String = columns.get(2)?;
    Ok(StoredUser {
        key: columns.get(0)?,
        id: UserId::new(columns.get::<_, String>(1)?),
        username: Username::parse(&name).map_err(|_| StorageError::Damaged("username"))?,
        created_ms: columns.get(3)?,
        last_seen_ms: columns.get(4)?,
        banned: columns.get(5)?,
        last_seq: count(columns, 6)?,
    })
}

/// A session, from the columns that begin at `at`.
pub(super) fn session(columns: &Columns<'_>, at: usize) -> Result<StoredSession, StorageError> {
    Ok(StoredSession {
        user: columns.get(at)?,
        created_ms: columns.get(at + 1)?,
        last_used_ms: columns.get(at + 2)?,
        client: columns.get(at + 3)?,
    })
}
