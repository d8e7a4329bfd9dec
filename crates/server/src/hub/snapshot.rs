//! What `users` says about one's conversations.

use parlour_protocol::{
    UserId,
    limits::{USERS_BYTES, USERS_MESSAGES},
    pm::Stamp,
};
use serde::Serialize;

use super::{
    Hub, frames,
    frames::Live,
    listing::{Ends, Tongue},
    people::{Index, People},
};
use crate::storage::{Conversation, ConversationSummary, Row, StorageError};

/// Conversations may take what entries leave them, and at least this many bytes.
const LEAST: usize = USERS_BYTES / 2;

/// A stored message, as pages and summaries carry it.
#[derive(Serialize)]
pub(super) struct Stamped<'a> {
    content: &'a str,
    from: &'a UserId,
    to: &'a UserId,
    #[serde(flatten)]
    stamp: Stamp,
}

/// See [`parlour_protocol::pm::Summary`].
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Short<'a> {
    last_seq: u64,
    unread: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Stamped<'a>>,
    received: u64,
    read: u64,
}

impl Hub {
    /// The ends of the entries of all with whom `person` has a conversation.
    pub(super) fn ends(&mut self, person: Index, tongue: Tongue) -> Result<Ends, StorageError> {
        let user = self.people.get(person).key;
        let most = USERS_BYTES.saturating_sub(self.listing.size()).max(LEAST);
        match tongue {
            Tongue::Plain => {
                let recent = self.storage.recent(user, USERS_MESSAGES, most)?;
                Ok(histories(&self.people, &recent, most))
            }
            Tongue::Pm => {
                let summaries = self.storage.summaries(user, most)?;
                Ok(shorts(&self.people, &summaries, most))
            }
        }
    }
}

/// `,"messages":[…]}` for each conversation. `most` bytes in all: their escapes
/// can make them longer than the storage thought, and then the oldest are left out.
fn histories(people: &People, recent: &[Conversation], most: usize) -> Ends {
    let mut ends = Ends::default();
    let mut left = most;
    for conversation in recent {
        let Some(peer) = people.by_key(conversation.peer) else {
            continue;
        };
        let mut texts = Vec::with_capacity(conversation.rows.len());
        for row in conversation.rows.iter().rev() {
            let Some(text) = plain(people, row) else {
                continue;
            };
            match left.checked_sub(text.len() + 1) {
                Some(rest) => left = rest,
                None => {
                    left = 0;
                    break;
                }
            }
            texts.push(text);
        }
        texts.reverse();
        let end = format!(r#","messages":[{}]}}"#, texts.join(","));
        ends.insert(peer, end.into_bytes());
    }
    ends
}

fn plain(people: &People, row: &Row) -> Option<String> {
    let message = Live {
        content: &row.content,
        from: user_id(people, row.from)?,
        to: user_id(people, row.to)?,
        stamp: None,
    };
    Some(frames::json(&message))
}

/// `,"messages":[],"lastSeq":…}` for each conversation.
fn shorts(people: &People, summaries: &[ConversationSummary], most: usize) -> Ends {
    let mut ends = Ends::default();
    let mut left = most;
    for summary in summaries {
        let Some(peer) = people.by_key(summary.peer) else {
            continue;
        };
        let mut json = frames::json(&short(people, summary, true));
        if json.len() > left {
            json = frames::json(&short(people, summary, false));
        }
        left = left.saturating_sub(json.len());
        let fields = json.strip_prefix('{').unwrap_or_default();
        ends.insert(peer, format!(r#","messages":[],{fields}"#).into_bytes());
    }
    ends
}

/// A conversation in short, with or without its last message.
pub(super) fn short<'a>(
    people: &'a People,
    summary: &'a ConversationSummary,
    with_last: bool,
) -> Short<'a> {
    let last = summary.last.as_ref().filter(|_| with_last);
    Short {
        last_seq: summary.last_seq,
        unread: summary.unread,
        last: last.and_then(|row| stamped(people, row)),
        received: summary.received,
        read: summary.read,
    }
}

/// A stored message. `None`: one of its two is gone, and so will it be.
pub(super) fn stamped<'a>(people: &'a People, row: &'a Row) -> Option<Stamped<'a>> {
    Some(Stamped {
        content: &row.content,
        from: user_id(people, row.from)?,
        to: user_id(people, row.to)?,
        stamp: Stamp {
            id: row.id,
            seq: row.seq,
            ts: row.at_ms,
            sent_at: row.sent_at,
        },
    })
}

fn user_id(people: &People, key: crate::storage::UserKey) -> Option<&UserId> {
    people.by_key(key).map(|person| &people.get(person).id)
}
