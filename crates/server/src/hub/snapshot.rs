//! What `users` says about one's conversations.

use parlour_protocol::{
    UserId,
    limits::{USERS_BYTES, USERS_MESSAGES},
};
use serde::Serialize;

use super::{
    Hub, frames,
    frames::{Plain, Stamped},
    listing::{Ends, Tongue},
    people::{Index, People},
};
use crate::storage::{Conversation, ConversationSummary, Row, StorageError};

/// Conversations may take what entries leave them, and at least this many bytes.
const LEAST: usize = USERS_BYTES / 2;

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
        if let Some(peer) = people.by_key(conversation.peer) {
            let end = history(people, &conversation.rows, left);
            left = left.saturating_sub(end.len());
            ends.insert(peer, end);
        }
    }
    ends
}

fn history(people: &People, rows: &[Row], most: usize) -> Vec<u8> {
    const BEGIN: &[u8] = br#","messages":["#;
    let weight: usize = rows.iter().map(Row::weight).sum();
    let mut json = Vec::with_capacity(weight + BEGIN.len());
    json.extend_from_slice(BEGIN);
    let mut starts = Vec::with_capacity(rows.len());
    for row in rows {
        let (Some(from), Some(to)) = (user_id(people, row.from), user_id(people, row.to)) else {
            // One of the two is gone, and so will it be.
            continue;
        };
        let message = Plain {
            content: &row.content,
            from,
            to,
        };
        starts.push(json.len());
        // It has a form in JSON, and a vector takes everything.
        let _ = serde_json::to_writer(&mut json, &message);
        json.push(b',');
    }
    // The last comma.
    json.truncate(json.len() - usize::from(!starts.is_empty()));
    if json.len() > most {
        let end = json.len();
        let first = starts.into_iter().find(|start| end - start <= most);
        json.drain(BEGIN.len()..first.unwrap_or(end));
    }
    json.extend_from_slice(b"]}");
    json
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
        id: row.id,
        seq: row.seq,
        ts: row.at_ms,
        sent_at: row.sent_at,
    })
}

fn user_id(people: &People, key: crate::storage::UserKey) -> Option<&UserId> {
    people.by_key(key).map(|person| &people.get(person).id)
}
