//! What the roster shows of conversations.

use parlour_protocol::UserId;
use rusqlite::params;

use super::{
    AccountId, Result, Store, StoredMessage,
    messages::{COLUMNS, read_message},
};

/// Messages that have not been seen are counted as far as this: what a person
/// is told costs the same after years of silence.
pub(crate) const MOST_UNREAD: u32 = 10_000;

/// What the roster shows of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// At most [`MOST_UNREAD`].
    pub(crate) unread: u32,
    pub(crate) last_message: Option<StoredMessage>,
}

/// The messages of `u` that have not been seen; `u` is a row of `users`.
pub(super) const UNREAD: &str = "(SELECT COUNT(*) FROM (
    SELECT 1 FROM messages n WHERE n.account = u.account AND n.peer = u.user_id
    AND n.mine = 0 AND n.id > u.read_up_to LIMIT ?2))";

/// The newest message of the conversation with `u`.
pub(super) const NEWEST: &str = "(SELECT n.id FROM messages n
    WHERE n.account = u.account AND n.peer = u.user_id
    ORDER BY n.position DESC, n.id DESC LIMIT 1)";

impl Store {
    /// The unread count and the newest message of a conversation.
    pub(crate) fn summary(&self, account: AccountId, peer: &UserId) -> Result<Summary> {
        let sql = format!("SELECT {UNREAD} FROM users u WHERE u.account = ?1 AND u.user_id = ?3");
        let unread = self
            .connection
            .prepare_cached(&sql)?
            .query_map(params![account.0, MOST_UNREAD, peer.as_str()], |row| {
                row.get(0)
            })?
            .next()
            .transpose()?;
        Ok(Summary {
            // Nobody whom we do not know has anything unread.
            unread: unread.unwrap_or(0),
            last_message: self.last_message(account, peer)?,
        })
    }

    /// The summaries of everyone with whom there is a conversation, in one query:
    /// a step or two in an index for each, whatever was said.
    pub(crate) fn summaries(&self, account: AccountId) -> Result<Vec<(UserId, Summary)>> {
        let mut statement = self.connection.prepare(&summaries())?;
        let summaries = statement
            .query_map(params![account.0, MOST_UNREAD], |row| {
                let last_message = read_message(row)?;
                let unread = row.get("unread")?;
                let peer = last_message.peer.clone();
                let last_message = Some(last_message);
                Ok((
                    peer,
                    Summary {
                        unread,
                        last_message,
                    },
                ))
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(summaries)
    }
}

/// The columns of a message, and how many are unread.
pub(super) fn summaries() -> String {
    let columns: Vec<String> = COLUMNS
        .split(", ")
        .map(|name| format!("m.{name}"))
        .collect();
    format!(
        "SELECT {}, {UNREAD} AS unread FROM users u CROSS JOIN messages m ON m.id = {NEWEST} WHERE u.account = ?1",
        columns.join(", ")
    )
}
