//! What a server tells a pm client beyond the guide's fields.

use serde::{Deserialize, Serialize};

use super::MessageId;
use crate::UserId;

/// What the server adds to a message, always together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The sender's id for it; the server's own for a message of a plain client.
    pub id: MessageId,
    /// Its number in the inbox of the one who reads this: without gaps.
    pub seq: u64,
    /// The server's time, in milliseconds since 1970. The order is that of `seq`.
    pub ts: i64,
    /// The sender's time: for display only.
    #[serde(rename = "sentAt", default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<i64>,
}

/// A stored message, as pages carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StampedMessage {
    /// The text.
    pub content: String,
    /// Who wrote it.
    pub from: UserId,
    /// Whom it is for.
    pub to: UserId,
    /// Its place.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// What an entry of `users` and `pm:users` says about a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The number, in one's own inbox, of the last message with this user; 0 if there is none.
    pub last_seq: u64,
    /// How many messages from this user are not read; counted up to 1,000.
    #[serde(default)]
    pub unread: u32,
    /// The last message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<StampedMessage>,
    /// The last of one's messages that this user has received, by its number in one's own inbox.
    #[serde(default)]
    pub received: u64,
    /// The last of one's messages that this user has read, likewise.
    #[serde(default)]
    pub read: u64,
}

/// `pm:receipt`: how far somebody got with one's messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who.
    pub peer: UserId,
    /// The last one received, by its number in the inbox of the one who reads this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// The last one read, likewise. On one's own other sockets: `peer` is the
    /// conversation that was read there, see `own`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<u64>,
    /// One read this oneself, on another device: `peer` is whose messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

/// `pm:typing` from the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingFrom {
    /// Who writes.
    pub from: UserId,
}

/// `pm:bye`: the server is about to end the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bye {
    /// Why: `restart`, `signed_out`, `banned`.
    pub reason: String,
    /// After how many milliseconds to come back; absent if that is no use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}
