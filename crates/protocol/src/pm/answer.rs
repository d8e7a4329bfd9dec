//! What a server answers.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Code, MessageId, StampedMessage};
use crate::UserEntry;

/// Any answer: what was asked for, or why not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reply<T> {
    /// `{ok: false, …}`. Tried first: a page never has `code`.
    No(Refused),
    /// What was asked for.
    Yes(T),
}

/// `{ok: false, code, retryAfterMs?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Always `false`.
    ok: bool,
    /// Why.
    pub code: Code,
    /// When to try again, in milliseconds; only with temporary codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Refused {
    /// A refusal.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self {
            ok: false,
            code,
            retry_after_ms: None,
        }
    }

    /// A refusal for now.
    #[must_use]
    pub fn for_now(code: Code, retry_after_ms: u64) -> Self {
        Self {
            retry_after_ms: Some(retry_after_ms),
            ..Self::new(code)
        }
    }
}

/// The answer to `private message`, after the commit; and, without its other
/// fields, to `pm:logout`, `pm:received` and `pm:read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Always `true`.
    ok: bool,
    /// The message's id, given by the sender or by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// Its number in the sender's own inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The server's time, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
    /// It was there before: this is the first answer once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dup: bool,
}

impl Accepted {
    /// Done.
    #[must_use]
    pub fn done() -> Self {
        Self {
            ok: true,
            id: None,
            seq: None,
            ts: None,
            dup: false,
        }
    }

    /// A message is stored, now or (`dup`) before.
    #[must_use]
    pub fn message(id: MessageId, seq: u64, ts: i64, dup: bool) -> Self {
        Self {
            ok: true,
            id: Some(id),
            seq: Some(seq),
            ts: Some(ts),
            dup,
        }
    }
}

/// The answer to `pm:sync`: what follows the cursor, in the order of `seq`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncPage {
    /// Messages from and to this user.
    pub messages: Vec<StampedMessage>,
    /// The cursor for the next page.
    pub next: u64,
    /// Nothing more is stored now.
    pub complete: bool,
    /// Whose numbers these are.
    pub epoch: Uuid,
}

/// The answer to `pm:history`, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// Messages of the one conversation.
    pub messages: Vec<StampedMessage>,
    /// Nothing older is stored.
    pub complete: bool,
}

/// The answer to `pm:users`, in the order of ids.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UsersPage {
    /// As in `users`.
    pub users: Vec<UserEntry>,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<String>,
}
