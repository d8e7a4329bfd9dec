//! What is read: the rows of the domain, as the hub needs them.
//!
//! What holds the text of messages has no `Debug` outside of tests, so that
//! none can reach a log.

use std::sync::Arc;

use parlour_protocol::{UserId, Username, pm::MessageId};
use uuid::Uuid;

/// A user inside of this server: small, never given twice, and never on the
/// wire, where a [`UserId`] says nothing about how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UserKey(pub(crate) u32);

/// Which server this is, and whose numbers its numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServerIdentity {
    /// The same for as long as the data lives, wherever it is served.
    pub(crate) server_id: Uuid,
    /// Another one once the data was replaced or restored.
    pub(crate) epoch: Uuid,
}

/// Somebody who signed in at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredUser {
    /// Inside.
    pub(crate) key: UserKey,
    /// On the wire.
    pub(crate) id: UserId,
    /// The name.
    pub(crate) username: Username,
    /// Milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// When they last came or went, in milliseconds since 1970.
    pub(crate) last_seen_ms: i64,
    /// May not sign in.
    pub(crate) banned: bool,
    /// The number of the last message in their inbox; 0 if there was none yet.
    pub(crate) last_seq: u64,
}

/// A session, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredSession {
    /// Whose.
    pub(crate) user: UserKey,
    /// Milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// Milliseconds since 1970.
    pub(crate) last_used_ms: i64,
    /// What the client calls itself; empty if it does not.
    pub(crate) client: String,
}

/// An invitation, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invite {
    /// From when on it is worth nothing, in milliseconds since 1970.
    pub(crate) expires_ms: i64,
    /// For whoever made it.
    pub(crate) note: String,
}

/// A message that is to be stored.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct NewMessage {
    /// Who wrote it.
    pub(crate) from: UserKey,
    /// Whom it is for.
    pub(crate) to: UserKey,
    /// Made by the sender, or by the server for a plain client.
    pub(crate) id: MessageId,
    /// The sender made the id: then a repeat is known by it.
    pub(crate) from_client: bool,
    /// The text.
    pub(crate) content: Arc<str>,
    /// The server's time, in milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// The sender's time, likewise.
    pub(crate) sent_at: Option<i64>,
}

/// A stored message, as one of its two users sees it.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Row {
    /// Its number in the inbox of the one who reads.
    pub(crate) seq: u64,
    /// Who wrote it.
    pub(crate) from: UserKey,
    /// Whom it is for.
    pub(crate) to: UserKey,
    /// The sender's id for it, or the server's.
    pub(crate) id: MessageId,
    /// The text.
    pub(crate) content: Arc<str>,
    /// The server's time, in milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// The sender's time, likewise.
    pub(crate) sent_at: Option<i64>,
}

/// What a message takes on the wire besides its text: ids, numbers, names of fields.
const ENVELOPE_BYTES: usize = 256;

impl Row {
    /// What pages are measured in: about the bytes on the wire.
    pub(crate) fn weight(&self) -> usize {
        self.content.len() + ENVELOPE_BYTES
    }
}

/// Messages in the order of their numbers.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Page {
    /// The messages.
    pub(crate) rows: Vec<Row>,
    /// Nothing lies beyond: after these in [`sync`](super::Storage::sync),
    /// before them in [`history`](super::Storage::history).
    pub(crate) complete: bool,
}

/// A conversation and its end.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Conversation {
    /// With whom.
    pub(crate) peer: UserKey,
    /// The last messages, oldest first.
    pub(crate) rows: Vec<Row>,
}

/// A conversation in short, in the numbers of the one who reads.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct ConversationSummary {
    /// With whom.
    pub(crate) peer: UserKey,
    /// The number of its last message.
    pub(crate) last_seq: u64,
    /// How many of the peer's messages are not read: at most 1,000. A note to
    /// oneself is never unread.
    pub(crate) unread: u32,
    /// The last message, if it was within the weight.
    pub(crate) last: Option<Row>,
    /// The last of one's own messages that the peer has received; 0 if none.
    pub(crate) received: u64,
    /// The last of one's own messages that the peer has read; 0 if none.
    pub(crate) read: u64,
}

/// What is not read is counted up to here.
pub(crate) const UNREAD: u64 = 1_000;
