//! What a host may ask the engine to tell.

use parlour_protocol::UserId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    ServerOptions,
    store::search::SearchPage,
    view::{ItemId, TimelineItem},
};

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
    /// Messages that have a text in them, newest first: in all conversations of the
    /// account, or in one. Each word has to be there, anywhere, in upper or lower
    /// case, with or without accents. A newer search makes this one give up:
    /// [`Superseded`](crate::RefusalCode::Superseded).
    Search {
        /// The text. No character of it has a meaning of its own. One that is longer
        /// than any message is refused; one of blanks finds nothing.
        text: String,
        /// Only the conversation with them.
        user: Option<UserId>,
        /// To go on: the `next` of the page before.
        before: Option<ItemId>,
        /// At most this many hits; at most 200 are given.
        limit: u32,
    },
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
    /// A page of what was found.
    Search(SearchPage),
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
