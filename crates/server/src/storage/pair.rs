//! Two users and what lies between them, whatever keeps it.

use super::{ConversationSummary, Row, StorageError, UserKey, types::UNREAD};

/// Two users who write to each other, or one who writes notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Pair {
    /// The one with the lower key.
    pub(super) low: UserKey,
    /// The other; the same in notes to oneself.
    pub(super) high: UserKey,
}

impl Pair {
    pub(super) fn of(one: UserKey, other: UserKey) -> Self {
        Self {
            low: one.min(other),
            high: one.max(other),
        }
    }

    /// The other one of the two.
    pub(super) fn other(self, one: UserKey) -> UserKey {
        if one == self.low { self.high } else { self.low }
    }
}

/// What one of a pair has received and read of the other's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// The last one received, in the numbers of the one who wrote it.
    pub(super) received: u64,
    /// The last one read, likewise.
    pub(super) read: u64,
    /// How many are read.
    pub(super) read_count: u64,
}

/// A message's place in its conversation, without the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Its number in the conversation, from 1.
    pub(super) number: u64,
    pub(super) sender: UserKey,
    pub(super) sender_seq: u64,
    pub(super) recipient_seq: u64,
    /// How many of its sender's messages there were with it.
    pub(super) sender_count: u64,
}

impl Spot {
    /// Its number in the inbox of one of the two.
    pub(super) fn seq_of(&self, user: UserKey) -> u64 {
        if self.sender == user {
            self.sender_seq
        } else {
            self.recipient_seq
        }
    }

    /// How many messages the other one had written by then; in notes to
    /// oneself there is no other one.
    pub(super) fn written_to(&self, user: UserKey) -> u64 {
        if self.sender == user {
            self.number - self.sender_count
        } else {
            self.sender_count
        }
    }
}

/// The end of a conversation, as one of the two sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overview {
    pub(super) peer: UserKey,
    pub(super) last: Spot,
    /// What one has read oneself.
    pub(super) own: Marks,
    /// What the peer has received and read.
    pub(super) theirs: Marks,
}

impl Overview {
    /// The conversation in short.
    pub(super) fn summary(&self, user: UserKey, last: Option<Row>) -> ConversationSummary {
        let unread = if self.peer == user {
            0
        } else {
            let written = self.last.written_to(user);
            written.saturating_sub(self.own.read_count).min(UNREAD)
        };
        ConversationSummary {
            peer: self.peer,
            last_seq: self.last.seq_of(user),
            unread: u32::try_from(unread).unwrap_or(u32::MAX),
            last,
            received: self.theirs.received,
            read: self.theirs.read,
        }
    }
}

/// The last number from `first` to `last` for which `holds`, if it holds for a
/// number only where it holds for those below it.
pub(super) fn last_that(
    first: u64,
    last: u64,
    mut holds: impl FnMut(u64) -> Result<bool, StorageError>,
) -> Result<Option<u64>, StorageError> {
    // Most often it is the very end.
    if last < first {
        return Ok(None);
    }
    if holds(last)? {
        return Ok(Some(last));
    }
    // Holds below `from`, does not at `to`.
    let (mut from, mut to) = (first, last);
    while from < to {
        let middle = from + (to - from) / 2;
        if holds(middle)? {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    Ok(from.checked_sub(1).filter(|number| *number >= first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_that_holds_is_found() {
        for last in 0..20 {
            for edge in 0..22 {
                let found = last_that(1, last, |number| Ok(number <= edge)).expect("found");
                let wanted = Some(edge.min(last)).filter(|number| *number > 0);
                assert_eq!(found, wanted, "up to {edge} of {last}");
            }
        }
        assert_eq!(
            last_that(5, 9, |number| Ok(number < 5)).expect("found"),
            None
        );
        assert_eq!(
            last_that(5, 9, |number| Ok(number < 7)).expect("found"),
            Some(6)
        );
    }
}
