//! What a host may ask the engine to tell.

use parlour_protocol::UserId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{ServerOptions, view::TimelineItem};

/// A question. It changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum Query {
    /// A page of a conversation: its end, or what lies right before or right
    /// behind a position. Not both at once: that is refused as
    /// [`InvalidQuery`](crate::RefusalCode::InvalidQuery).
    Timeline {
        /// The other side of the conversation.
        user: UserId,
        /// Only items with a smaller position, the nearest to it.
        #[ts(type = "number | null")]
        before: Option<i64>,
        /// Only items with a greater position, the nearest to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number")]
        after: Option<i64>,
        /// At most this many items; at most 200 are given.
        limit: u32,
    },
    /// How the account's server is reached, to be looked at and changed.
    ServerOptions,
}

/// The answer to a [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "camelCase")]
#[ts(export)]
pub enum Answer {
    /// A page of a conversation.
    Timeline(TimelinePage),
    /// How the account's server is reached.
    ServerOptions(ServerOptions),
}

/// A page of a conversation, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct TimelinePage {
    /// The other side of the conversation.
    pub user: UserId,
    /// The items, by rising position.
    pub items: Vec<TimelineItem>,
    /// Whether nothing older exists; of a page behind a position, whether nothing
    /// newer does.
    pub complete: bool,
}
