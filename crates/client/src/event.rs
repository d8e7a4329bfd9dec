//! What the engine tells its hosts.

use parlour_protocol::UserId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Compatibility,
    view::{ItemId, RosterEntry, SecretsView, SessionView, TimelineItem},
};

/// A fact. A [`Snapshot`](ClientEvent::Snapshot) followed by the events after
/// it always equals a fresh snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum ClientEvent {
    /// The whole state but for timelines: first on every subscription, and after
    /// every [`Lagged`](ClientEvent::Lagged). Pages of timelines held from
    /// before it are to be asked for again.
    Snapshot {
        /// The state.
        snapshot: Snapshot,
    },
    /// This subscription was too slow; what it missed is in the snapshot that follows.
    Lagged {
        /// How many events were missed.
        #[ts(type = "number")]
        missed: u64,
    },
    /// Where we stand with the server.
    SessionChanged {
        /// The new state.
        session: SessionView,
    },
    /// Where the session is kept.
    SecretsChanged {
        /// The new state.
        secrets: SecretsView,
    },
    /// What is known of the server; at most once a second.
    CompatibilityChanged {
        /// The new report, whole.
        compatibility: Compatibility,
    },
    /// Entries of the roster that are new or have changed; the others stay.
    RosterChanged {
        /// The entries, whole.
        entries: Vec<RosterEntry>,
    },
    /// Somebody is writing to us. It is in no snapshot, and over by itself: after
    /// this time, or with their next message.
    Typing {
        /// Who.
        user: UserId,
        /// For how many milliseconds this holds.
        for_ms: u32,
    },
    /// Items of a conversation that are new, have changed (the same id, maybe
    /// another position) or are gone.
    TimelineChanged {
        /// The other side of the conversation.
        user: UserId,
        /// New and changed items.
        items: Vec<TimelineItem>,
        /// Items that are gone.
        removed: Vec<ItemId>,
    },
}

/// The whole state but for timelines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Snapshot {
    /// Where we stand with the server.
    pub session: SessionView,
    /// Where the session is kept.
    pub secrets: SecretsView,
    /// What is known of the server; `None` before there was a connection.
    pub compatibility: Option<Box<Compatibility>>,
    /// Everyone: oneself first, then by name.
    pub roster: Vec<RosterEntry>,
}
