//! What was written to the connection and not proven yet.
//!
//! A proof is the answer to a fence behind a message, or its echo on another
//! connection of ours. A server handles what one connection says in order. So what
//! was written before something that is proven arrived as well; but where the
//! witness heard the later one and must have heard the earlier one, yet did not, the
//! server is none that we know, and the earlier one stays unproven.

use std::{collections::VecDeque, time::Instant};

use parlour_protocol::UserId;

use crate::{fences, store::Evidence, view::ItemId};

/// How many messages a late proof is still taken for. What is older than that
/// stays what it is called now.
const OVERDUE: usize = 1_024;

/// One message on its way.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) id: ItemId,
    pub(crate) peer: UserId,
    pub(crate) content: String,
    /// The number of the first fence behind it.
    pub(crate) fence: u64,
    pub(crate) since: Instant,
    /// The witness that was there when it was written.
    pub(crate) witness: Option<u32>,
}

/// A message that has arrived, and what shows it.
pub(crate) type Proven = (ItemId, Evidence);

/// All of one connection, in the order in which they were written.
#[derive(Debug, Default)]
pub(super) struct Flights {
    /// The oldest of all: they waited too long.
    overdue: VecDeque<Flight>,
    window: VecDeque<Flight>,
}

impl Flights {
    pub(super) fn written(&mut self, flights: impl Iterator<Item = Flight>) {
        self.window.extend(flights);
    }

    /// How many count as on their way.
    pub(super) fn in_window(&self) -> usize {
        self.window.len()
    }

    pub(super) fn fence_passed(&mut self, fence: u64) -> Vec<ItemId> {
        let mut ids = Vec::new();
        for flights in [&mut self.overdue, &mut self.window] {
            while let Some(flight) = flights.pop_front_if(|flight| flight.fence <= fence) {
                ids.push(flight.id);
            }
        }
        ids
    }

    pub(super) fn witnessed(&mut self, peer: &UserId, content: &str, witness: u32) -> Vec<Proven> {
        let Some(heard) = self.position(peer, content) else {
            return Vec::new();
        };
        let mut proven = Vec::new();
        let mut place = 0;
        let mut keep = |flight: &Flight| {
            place += 1;
            let evidence = match place - 1 {
                n if n == heard => Evidence::Echo,
                n if n < heard && flight.witness != Some(witness) => Evidence::Fence,
                _ => return true,
            };
            proven.push((flight.id, evidence));
            false
        };
        self.overdue.retain(&mut keep);
        self.window.retain(&mut keep);
        proven
    }

    pub(super) fn came_back(&mut self, peer: &UserId, content: &str) -> Option<ItemId> {
        let place = self.position(peer, content)?;
        let overdue = self.overdue.len();
        let flight = match place.checked_sub(overdue) {
            None => self.overdue.remove(place),
            Some(place) => self.window.remove(place),
        };
        flight.map(|flight| flight.id)
    }

    /// The first of this text in this conversation: equal texts are told apart by
    /// their number alone.
    fn position(&self, peer: &UserId, content: &str) -> Option<usize> {
        self.overdue
            .iter()
            .chain(&self.window)
            .position(|flight| flight.peer == *peer && flight.content == content)
    }

    pub(super) fn overdue(&mut self, now: Instant) -> Vec<(ItemId, UserId)> {
        let mut ids = Vec::new();
        while let Some(flight) = self
            .window
            .pop_front_if(|flight| now >= flight.since + fences::LIMIT)
        {
            ids.push((flight.id, flight.peer.clone()));
            if self.overdue.len() == OVERDUE {
                self.overdue.pop_front();
            }
            self.overdue.push_back(flight);
        }
        ids
    }

    pub(super) fn take_those_to(&mut self, peer: &UserId) -> Vec<ItemId> {
        let mut ids = Vec::new();
        for flights in [&mut self.overdue, &mut self.window] {
            flights.retain(|flight| {
                let stays = flight.peer != *peer;
                if !stays {
                    ids.push(flight.id);
                }
                stays
            });
        }
        ids
    }

    pub(super) fn slept(&mut self, now: Instant) {
        for flight in &mut self.window {
            flight.since = now;
        }
    }

    pub(super) fn forget(&mut self, id: ItemId) {
        self.overdue.retain(|flight| flight.id != id);
    }

    /// What was written before then.
    pub(super) fn since(&self, then: Instant) -> Vec<ItemId> {
        let all = self.overdue.iter().chain(&self.window);
        all.filter(|flight| flight.since < then)
            .map(|flight| flight.id)
            .collect()
    }

    /// Since when the oldest within its time waits.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.window.front().map(|flight| flight.since)
    }

    /// What waited too long, once the connection is gone.
    pub(super) fn drain_overdue(&mut self) -> impl Iterator<Item = Flight> {
        self.overdue.drain(..)
    }

    /// The connection is gone, and with it everything that could still prove something.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = ItemId> {
        self.overdue
            .drain(..)
            .chain(self.window.drain(..))
            .map(|flight| flight.id)
    }
}
