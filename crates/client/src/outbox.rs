//! What is still to be sent, and what is on its way.
//!
//! ```text
//!            take            fence passed, or echoed to the witness
//!   queued ────────→ in flight ──────────────────────────────────→ (sent)
//!     ↑                  │  │ no proof within its time                ↑
//!     │        link lost │  └──────────→ overdue ─────────────────────┤ late proof
//!     │                  │                  │ link lost               │
//!     │ patience over    ↓                  ↓                         │
//!     └────────────── held back ←─ (looked for in the history) ───────┘ found, or echoed
//!                          │
//!                          └──────────→ (unsure: nothing can tell)
//! ```
//!
//! What is overdue has left the window, so that others can go. Where the server
//! keeps a history it stays *sending* until that decides; elsewhere it is *unsure*,
//! and a late proof still makes it *sent*. Nothing becomes *sent* without a proof.
//!
//! On a server that speaks pm every message has an id, so that a second attempt
//! does no harm, and there is no doubt to hold back for:
//!
//! ```text
//!            take            ok
//!   queued ────────→ asked ──────→ (sent)
//!     ↑                │ refused for now: all wait   │ refused: (failed)
//!     └────────────────┴ link lost
//! ```
//!
//! The rows are in the store, and every change is committed there first; this
//! is the order of the next steps. It is pure: time is an argument.

mod doubts;
mod flights;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Instant,
};

use parlour_protocol::{UserId, limits};

pub(crate) use self::flights::{Flight, Proven};
use self::{doubts::Doubts, flights::Flights};
use crate::{fences, store::Pending, view::ItemId};

/// How many messages may be unproven at once: what a broken connection can put in doubt.
pub(crate) const WINDOW: usize = limits::WINDOW;

/// Whether a message to somebody can be given to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sendable {
    /// Now.
    Now,
    /// Not now: the server would lose it.
    Later,
    /// Not under this id.
    Never,
}

/// What the next step takes out of the queue.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// To be sent now, in order.
    pub(crate) send: Vec<Pending>,
    /// To be held: nothing leads to their recipients.
    pub(crate) hold: Vec<Pending>,
}

#[derive(Debug)]
struct HeldBack {
    until: Instant,
    /// The history in which they are missing is not older than this.
    looked: Instant,
    items: VecDeque<(ItemId, String)>,
}

/// A message that was written as a question.
#[derive(Debug)]
struct Asked {
    id: ItemId,
    number: u64,
    since: Instant,
    strikes: u32,
}

/// The queue of one account.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queued: VecDeque<Pending>,
    flights: Flights,
    /// Without an answer yet; on servers that speak pm.
    asked: VecDeque<Asked>,
    /// The server wants no message before this.
    paused: Option<Instant>,
    /// Refusals for now, in a row.
    refusals: u32,
    held_back: HashMap<UserId, HeldBack>,
    /// Until when a message of a lost connection may still arrive.
    patience: HashMap<ItemId, Instant>,
    /// What is unsure, and may still come back live.
    doubts: Doubts,
    /// What was the first of too many broken connections, among what is held back.
    condemned: HashSet<ItemId>,
    fences: u64,
}

impl Outbox {
    /// Puts the queue in the order of the store; `pending` holds queued messages only.
    pub(crate) fn reload(&mut self, pending: Vec<Pending>) {
        self.queued = pending.into();
    }

    /// Appends a message that was just written.
    pub(crate) fn push(&mut self, message: Pending) {
        self.queued.push_back(message);
    }

    /// Takes a message out of the queue. `false` if it was not in it.
    pub(crate) fn remove(&mut self, id: ItemId) -> bool {
        let before = self.queued.len();
        self.queued.retain(|message| message.id != id);
        self.queued.len() < before
    }

    /// Takes what can be sent now, as far as the window goes, in order within
    /// each conversation.
    pub(crate) fn take(&mut self, window: usize, sendable: impl Fn(&UserId) -> Sendable) -> Batch {
        let mut batch = Batch::default();
        if self.paused.is_some() {
            return batch;
        }
        let mut kept = VecDeque::new();
        let mut blocked: HashSet<UserId> = self.held_back.keys().cloned().collect();
        let room = window.saturating_sub(self.flights.in_window() + self.asked.len());
        for message in self.queued.drain(..) {
            let verdict = if blocked.contains(&message.peer) {
                Sendable::Later
            } else {
                sendable(&message.peer)
            };
            match verdict {
                Sendable::Now if batch.send.len() < room => batch.send.push(message),
                Sendable::Never => batch.hold.push(message),
                Sendable::Now | Sendable::Later => {
                    blocked.insert(message.peer.clone());
                    kept.push_back(message);
                }
            }
        }
        self.queued = kept;
        batch
    }

    /// What could not be written goes back to the front, in order.
    pub(crate) fn put_back(&mut self, messages: Vec<Pending>) {
        for message in messages.into_iter().rev() {
            self.queued.push_front(message);
        }
    }

    /// The number for a fence behind what is written next, or for a question.
    pub(crate) fn next_fence(&mut self) -> u64 {
        self.fences += 1;
        self.fences
    }

    /// Messages were written.
    pub(crate) fn written(&mut self, flights: impl Iterator<Item = Flight>) {
        self.flights.written(flights);
    }

    /// A message was written as the question of this number.
    pub(crate) fn asked(&mut self, message: &Pending, number: u64, now: Instant) {
        self.asked.push_back(Asked {
            id: message.id,
            number,
            since: now,
            strikes: message.strikes,
        });
    }

    /// The first message of the connection that has no answer, and since when.
    pub(crate) fn unanswered(&self) -> Option<(ItemId, Instant)> {
        self.asked.front().map(|asked| (asked.id, asked.since))
    }

    /// Whether something that has broken connections is on its way.
    pub(crate) fn is_on_trial(&self) -> bool {
        self.asked.iter().any(|asked| asked.strikes > 0)
    }

    /// What has broken connections and is queued again: to whom, how many.
    pub(crate) fn suspects(&self) -> impl Iterator<Item = (&UserId, u32)> {
        let struck = self.queued.iter().filter(|message| message.strikes > 0);
        struck.map(|message| (&message.peer, message.strikes))
    }

    /// The question of this number was answered: the message that it was.
    pub(crate) fn answered(&mut self, number: u64) -> Option<ItemId> {
        let place = self.asked.iter().position(|asked| asked.number == number)?;
        self.asked.remove(place).map(|asked| asked.id)
    }

    /// The server took a message: its refusals are over.
    pub(crate) fn taken(&mut self) {
        self.refusals = 0;
    }

    /// Another refusal for now: how many did in a row.
    pub(crate) fn refused(&mut self) -> u32 {
        self.refusals = self.refusals.saturating_add(1);
        self.refusals
    }

    /// Nothing is taken until then, so that nothing overtakes what was refused.
    pub(crate) fn pause(&mut self, until: Instant) {
        self.paused = self.paused.max(Some(until));
    }

    /// A fence was answered: these have arrived.
    pub(crate) fn fence_passed(&mut self, fence: u64) -> Vec<ItemId> {
        self.flights.fence_passed(fence)
    }

    /// The witness of this number heard a message of ours: what that proves.
    pub(crate) fn witnessed(&mut self, peer: &UserId, content: &str, witness: u32) -> Vec<Proven> {
        self.flights.witnessed(peer, content, witness)
    }

    /// A message of ours came back to the connection that wrote it.
    pub(crate) fn came_back(&mut self, peer: &UserId, content: &str) -> Option<ItemId> {
        self.flights.came_back(peer, content)
    }

    /// What was written before then and has no proof yet.
    pub(crate) fn unproven_since(&self, then: Instant) -> Vec<ItemId> {
        self.flights.since(then)
    }

    /// What has waited for its proof for too long: it leaves the window.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<(ItemId, UserId)> {
        self.flights.overdue(now)
    }

    /// A recipient's id has ended: what was on its way to it, which no late proof is for.
    pub(crate) fn peer_ended(&mut self, peer: &UserId) -> Vec<ItemId> {
        self.flights.take_those_to(peer)
    }

    /// Nobody served the timers: nobody can have proved anything meanwhile.
    pub(crate) fn slept(&mut self, now: Instant) {
        self.flights.slept(now);
    }

    /// A person decided about this one: no late proof is for it.
    pub(crate) fn forget(&mut self, id: ItemId) {
        self.flights.forget(id);
        self.doubts.forget(id);
    }

    /// Nothing can tell whether this one arrived, unless it comes back live;
    /// `unknown` is until when, for one of an earlier run.
    pub(crate) fn doubt(&mut self, id: ItemId, peer: UserId, content: String, unknown: Instant) {
        let until = self.patience.get(&id).copied().unwrap_or(unknown);
        self.doubts.add(id, peer, content, until);
    }

    /// Our own message came back live: the unsure one that it accounts for.
    pub(crate) fn doubt_resolved(
        &mut self,
        peer: &UserId,
        content: &str,
        now: Instant,
    ) -> Option<ItemId> {
        self.doubts.echoed(peer, content, now)
    }

    /// The history of a conversation was looked at: what was unsure in it is decided.
    pub(crate) fn history_told(&mut self, peer: &UserId) {
        self.doubts.decided(peer);
    }

    /// If this one does not arrive after all, it is not tried again by itself.
    pub(crate) fn condemn(&mut self, id: ItemId) {
        self.condemned.insert(id);
    }

    /// Whether it was condemned, which is forgotten.
    pub(crate) fn was_condemned(&mut self, id: ItemId) -> bool {
        self.condemned.remove(&id)
    }

    /// Whether something within its time waits for a proof.
    pub(crate) fn is_unproven(&self) -> bool {
        self.flights.in_window() > 0
    }

    /// Whether something would go if it were let.
    pub(crate) fn has_something_for(&self, sendable: impl Fn(&UserId) -> Sendable) -> bool {
        let goes =
            |peer: &UserId| !self.held_back.contains_key(peer) && sendable(peer) == Sendable::Now;
        self.queued.iter().any(|message| goes(&message.peer))
    }

    /// The connection is gone: what is in flight may still arrive until `until`.
    pub(crate) fn link_lost(&mut self, until: Instant) {
        self.asked.clear();
        self.paused = None;
        for flight in self.flights.drain_overdue() {
            self.doubts
                .add(flight.id, flight.peer, flight.content, until);
            self.patience.insert(flight.id, until);
        }
        for id in self.flights.drain() {
            self.patience.insert(id, until);
        }
        self.held_back.clear();
        self.condemned.clear();
    }

    /// Holds a conversation back until `items`, not found in its history, have
    /// arrived or cannot any more; `unknown` is for those of an earlier run, and
    /// `least` is until when an echo may be behind that history on the same connection.
    /// The history was made after `looked`.
    pub(crate) fn hold_back(
        &mut self,
        peer: &UserId,
        items: Vec<(ItemId, String)>,
        unknown: Instant,
        least: Instant,
        looked: Instant,
    ) {
        let until = items
            .iter()
            .map(|(id, _)| *self.patience.entry(*id).or_insert(unknown))
            .max();
        if let Some(until) = until {
            self.held_back.insert(
                peer.clone(),
                HeldBack {
                    until: until.max(least),
                    looked,
                    items: items.into(),
                },
            );
        }
    }

    /// Every conversation has been looked at: what is not held back is settled.
    pub(crate) fn settle(&mut self) {
        let held_back = &self.held_back;
        self.patience.retain(|id, _| {
            held_back
                .values()
                .any(|held| held.items.iter().any(|(held, _)| held == id))
        });
    }

    /// Our own message came back live: the one held back that it accounts for.
    pub(crate) fn echoed(&mut self, peer: &UserId, content: &str) -> Option<ItemId> {
        let held_back = self.held_back.get_mut(peer)?;
        let (id, _) = held_back.items.pop_front_if(|(_, text)| text == content)?;
        if held_back.items.is_empty() {
            self.held_back.remove(peer);
        }
        self.patience.remove(&id);
        Some(id)
    }

    /// Whether a conversation that is held back was last looked at before its time
    /// was over: where nothing comes back live, a later history has to be seen.
    pub(crate) fn must_look_again(&self, now: Instant) -> bool {
        self.held_back.values().any(|held| {
            let patience = held
                .items
                .iter()
                .filter_map(|(id, _)| self.patience.get(id));
            now >= held.until && patience.max().is_some_and(|until| *until > held.looked)
        })
    }

    /// Messages that cannot arrive any more: to be queued again, in order.
    pub(crate) fn patience_over(&mut self, now: Instant) -> Vec<ItemId> {
        self.paused = self.paused.filter(|until| *until > now);
        let over: Vec<UserId> = self
            .held_back
            .iter()
            .filter(|(_, held)| now >= held.until)
            .map(|(peer, _)| peer.clone())
            .collect();
        let mut ids = Vec::new();
        for peer in over {
            for (id, _) in self
                .held_back
                .remove(&peer)
                .into_iter()
                .flat_map(|held| held.items)
            {
                self.patience.remove(&id);
                ids.push(id);
            }
        }
        ids
    }

    /// When [`Outbox::patience_over`] or [`Outbox::overdue`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let patience = self.held_back.values().map(|held| held.until);
        let proof = self.flights.oldest().map(|since| since + fences::LIMIT);
        patience.chain(proof).chain(self.paused).min()
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
