//! What changed in one turn of the loop, until it is published.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use parlour_protocol::UserId;

use crate::{
    ClientEvent, Snapshot,
    roster::Roster,
    store::StoredMessage,
    view::{ItemId, SecretsView, SessionView},
};

/// Collected so that a turn says each thing once, in its last state.
#[derive(Default)]
pub(super) struct Changes {
    everything: bool,
    session: bool,
    secrets: bool,
    everyone: bool,
    users: HashSet<UserId>,
    timelines: BTreeMap<UserId, Timeline>,
    typing: BTreeSet<UserId>,
}

#[derive(Default)]
struct Timeline {
    items: BTreeMap<ItemId, StoredMessage>,
    removed: Vec<ItemId>,
}

impl Changes {
    /// Another account is in use, or none.
    pub(super) fn everything(&mut self) {
        self.everything = true;
    }

    /// Whether a snapshot will tell all there is to tell.
    pub(super) fn is_everything(&self) -> bool {
        self.everything
    }

    /// Where we stand with the server.
    pub(super) fn session(&mut self) {
        self.session = true;
    }

    /// Where the session is kept.
    pub(super) fn secrets(&mut self) {
        self.secrets = true;
    }

    /// The presence of all, for instance.
    pub(super) fn everyone(&mut self) {
        self.everyone = true;
    }

    /// An entry of the roster.
    pub(super) fn user(&mut self, id: &UserId) {
        self.users.insert(id.clone());
    }

    /// A message that is new or has changed.
    pub(super) fn message(&mut self, message: StoredMessage) {
        self.user(&message.peer);
        self.timelines
            .entry(message.peer.clone())
            .or_default()
            .items
            .insert(message.id, message);
    }

    /// Somebody is writing.
    pub(super) fn typing(&mut self, id: UserId) {
        self.typing.insert(id);
    }

    /// A message that is gone.
    pub(super) fn removed(&mut self, peer: &UserId, id: ItemId) {
        self.user(peer);
        let timeline = self.timelines.entry(peer.clone()).or_default();
        timeline.items.remove(&id);
        timeline.removed.push(id);
    }

    pub(super) fn is_empty(&self) -> bool {
        !(self.everything || self.session || self.secrets || self.everyone)
            && self.users.is_empty()
            && self.timelines.is_empty()
            && self.typing.is_empty()
    }

    /// The conversations whose unread count or last message may be another.
    pub(super) fn conversations(&self) -> impl Iterator<Item = &UserId> {
        self.users.iter()
    }

    pub(super) fn into_events(
        self,
        roster: &Roster,
        session: impl Fn() -> SessionView,
        secrets: impl Fn() -> SecretsView,
        snapshot: impl Fn() -> Snapshot,
    ) -> Vec<ClientEvent> {
        if self.everything {
            // Pages are to be asked for again, so their items need not be said.
            return vec![ClientEvent::Snapshot {
                snapshot: snapshot(),
            }];
        }
        let mut events = Vec::new();
        if self.secrets {
            events.push(ClientEvent::SecretsChanged { secrets: secrets() });
        }
        let entries = if self.everyone {
            roster.entries()
        } else {
            self.users
                .iter()
                .filter_map(|id| roster.entry(id))
                .collect()
        };
        if !entries.is_empty() {
            events.push(ClientEvent::RosterChanged { entries });
        }
        for (user, timeline) in self.timelines {
            let items = timeline
                .items
                .values()
                .map(|message| roster.item(message))
                .collect();
            events.push(ClientEvent::TimelineChanged {
                user,
                items,
                removed: timeline.removed,
            });
        }
        events.extend(self.typing.into_iter().map(|user| ClientEvent::Typing {
            user,
            for_ms: super::pm::TYPING_MS,
        }));
        // Last, so that whoever sees "online" has the roster already.
        if self.session {
            events.push(ClientEvent::SessionChanged { session: session() });
        }
        events
    }
}
