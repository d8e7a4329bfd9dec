//! Conversations, page by page.

use parlour_protocol::UserId;
use rusqlite::params;

use super::{
    AccountId, Result, Store, StoredMessage,
    messages::{COLUMNS, read_message},
};

/// Where a page of a conversation lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At its end.
    End,
    /// Right before this position.
    Before(i64),
    /// Right behind this position.
    After(i64),
}

/// A part of a conversation, by rising position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) messages: Vec<StoredMessage>,
    /// Whether there is nothing further in the direction in which it was asked for.
    pub(crate) complete: bool,
}

impl Store {
    /// At most `limit` messages at a place. Messages that share a position are
    /// never parted, so that a page which begins at a position of another one
    /// leaves none of them out: for these a page may be shorter, or longer.
    pub(crate) fn page(
        &self,
        account: AccountId,
        peer: &UserId,
        place: Place,
        limit: u32,
    ) -> Result<Page> {
        let limit = limit.max(1) as usize;
        // One more than asked for tells whether there is more.
        let mut messages = self.run(account, peer, place, limit + 1)?;
        let complete = messages.len() <= limit;
        if !complete {
            let next = messages.get(limit).map(|message| message.position);
            messages.truncate(limit);
            messages.retain(|message| Some(message.position) != next);
            if messages.is_empty()
                && let Some(position) = next
            {
                return self.shared_position(account, peer, place, position);
            }
        }
        if !matches!(place, Place::After(_)) {
            messages.reverse();
        }
        Ok(Page { messages, complete })
    }

    /// The messages from a place on, into the direction in which it looks.
    fn run(
        &self,
        account: AccountId,
        peer: &UserId,
        place: Place,
        limit: usize,
    ) -> Result<Vec<StoredMessage>> {
        let (position, direction) = match place {
            Place::End => (i64::MAX, "position <= ?3 ORDER BY position DESC, id DESC"),
            Place::Before(position) => (position, "position < ?3 ORDER BY position DESC, id DESC"),
            Place::After(position) => (position, "position > ?3 ORDER BY position, id"),
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE account = ?1 AND peer = ?2 AND {direction} LIMIT ?4"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement
            .query_map(
                params![account.0, peer.as_str(), position, limit],
                read_message,
            )?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// More messages than a page has share one position: all of them.
    fn shared_position(
        &self,
        account: AccountId,
        peer: &UserId,
        place: Place,
        position: i64,
    ) -> Result<Page> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE account = ?1 AND peer = ?2 AND position = ?3 ORDER BY id"
        );
        let messages = self
            .connection
            .prepare_cached(&sql)?
            .query_map(params![account.0, peer.as_str(), position], read_message)?
            .collect::<rusqlite::Result<_>>()?;
        let further = match place {
            Place::End | Place::Before(_) => Place::Before(position),
            Place::After(_) => Place::After(position),
        };
        let complete = self.run(account, peer, further, 1)?.is_empty();
        Ok(Page { messages, complete })
    }

    /// The newest message of a conversation.
    pub(crate) fn last_message(
        &self,
        account: AccountId,
        peer: &UserId,
    ) -> Result<Option<StoredMessage>> {
        Ok(self.run(account, peer, Place::End, 1)?.pop())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Evidence, NewMessage};

    /// A conversation whose messages stand at these positions, and say them.
    fn conversation(positions: &[i64]) -> (Store, AccountId, UserId) {
        let store = Store::in_memory();
        let account = store
            .enter_account("http://s", Some(&"a".into()), "Alice")
            .expect("an account")
            .id;
        let bob = UserId::from("b");
        for (peer, positions) in [(&bob, positions), (&UserId::from("c"), &[2, 3])] {
            for (number, position) in positions.iter().enumerate() {
                let message = NewMessage {
                    peer,
                    mine: false,
                    content: &format!("{position}.{number}"),
                    at: None,
                    delivery: None,
                    evidence: Evidence::History,
                    uid: None,
                    seq: None,
                };
                store
                    .insert_at(account, &message, *position)
                    .expect("stored");
            }
        }
        (store, account, bob)
    }

    fn positions(page: &Page) -> Vec<i64> {
        page.messages.iter().map(|m| m.position).collect()
    }

    /// All of a conversation by pages of `limit`, from one end to the other.
    fn all(store: &Store, account: AccountId, peer: &UserId, limit: u32, up: bool) -> Vec<i64> {
        let mut place = if up {
            Place::After(i64::MIN)
        } else {
            Place::End
        };
        let mut seen = Vec::new();
        loop {
            let page = store.page(account, peer, place, limit).expect("a page");
            let positions = positions(&page);
            assert!(positions.is_sorted(), "{positions:?}");
            if up {
                place = Place::After(positions.last().copied().unwrap_or(i64::MAX));
                seen.extend(positions);
            } else {
                place = Place::Before(positions.first().copied().unwrap_or(i64::MIN));
                seen.splice(0..0, positions);
            }
            if page.complete {
                return seen;
            }
            assert!(!page.messages.is_empty(), "it goes on");
        }
    }

    #[test]
    fn pages_go_both_ways_and_leave_nothing_out() {
        let stands = [1, 2, 4, 7, 8, 9, 20];
        let (store, account, bob) = conversation(&stands);
        for limit in 1..=8 {
            for up in [true, false] {
                assert_eq!(all(&store, account, &bob, limit, up), stands);
            }
        }
        let behind = store.page(account, &bob, Place::After(4), 2).expect("page");
        assert_eq!((positions(&behind), behind.complete), (vec![7, 8], false));
        let behind = store.page(account, &bob, Place::After(8), 2).expect("page");
        assert_eq!((positions(&behind), behind.complete), (vec![9, 20], true));
        let nothing = store
            .page(account, &bob, Place::After(20), 2)
            .expect("page");
        assert_eq!((positions(&nothing), nothing.complete), (vec![], true));
    }

    #[test]
    fn what_shares_a_position_is_never_parted() {
        let stands = [1, 2, 2, 2, 3, 5, 5, 9];
        let (store, account, bob) = conversation(&stands);
        for limit in 1..=9 {
            for up in [true, false] {
                assert_eq!(all(&store, account, &bob, limit, up), stands, "{limit}");
            }
        }
        let page = store.page(account, &bob, Place::After(1), 2).expect("page");
        assert_eq!((positions(&page), page.complete), (vec![2, 2, 2], false));
    }

    #[test]
    fn two_questions_show_what_surrounds_a_message() {
        let stands: Vec<i64> = (1..=100).collect();
        let (store, account, bob) = conversation(&stands);
        let upto = store
            .page(account, &bob, Place::Before(41), 3)
            .expect("page");
        let behind = store
            .page(account, &bob, Place::After(40), 3)
            .expect("page");
        assert_eq!(positions(&upto), [38, 39, 40]);
        assert_eq!(positions(&behind), [41, 42, 43]);
    }

    #[test]
    fn the_last_position_there_can_be_is_at_the_end_too() {
        let (store, account, bob) = conversation(&[1, i64::MAX]);
        let last = store.last_message(account, &bob).expect("read");
        assert_eq!(last.expect("a message").position, i64::MAX);
    }
}
