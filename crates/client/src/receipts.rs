//! What we tell a server that speaks pm about what arrived and what was read:
//! the newest of each, and not more often than it takes.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use parlour_protocol::{
    UserId, limits,
    pm::{Read, Received},
};

use crate::ports::Notice;

/// Longer than what the server takes, as neither clock nor line is exact.
const INTERVAL: Duration = Duration::from_millis(limits::RECEIPT_INTERVAL_MS + 100);

/// What is still to be told on one connection. Pure: time is an argument.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    received: u64,
    received_told: u64,
    received_not_before: Option<Instant>,
    /// Conversations that were read, the oldest first.
    unread: VecDeque<UserId>,
    read: HashMap<UserId, u64>,
    read_told: HashMap<UserId, u64>,
    read_not_before: Option<Instant>,
}

impl Receipts {
    /// Everything up to this number is stored here.
    pub(crate) fn received(&mut self, up_to: u64) {
        self.received = self.received.max(up_to);
    }

    /// A conversation was read up to this number.
    pub(crate) fn read(&mut self, peer: &UserId, up_to: u64) {
        if self.read_told.get(peer).is_some_and(|told| *told >= up_to) {
            return;
        }
        let known = self.read.insert(peer.clone(), up_to);
        if known.is_none() {
            self.unread.push_back(peer.clone());
        }
    }

    /// The server knows that already: another device of ours said it.
    pub(crate) fn known(&mut self, peer: &UserId, up_to: u64) {
        let told = self.read_told.entry(peer.clone()).or_default();
        *told = (*told).max(up_to);
    }

    /// The connection did not take a notice: it is to be told later.
    pub(crate) fn again(&mut self, notice: Notice) {
        match notice {
            Notice::Received(_) => self.received_told = 0,
            Notice::Read(Read { peer, up_to }) => {
                self.read_told.remove(&peer);
                self.read(&peer, up_to);
            }
            Notice::Typing(_) | Notice::Logout => {}
        }
    }

    /// When [`Receipts::due`] has something.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        let received =
            (self.received > self.received_told).then(|| self.received_not_before.unwrap_or(now));
        let read = (!self.unread.is_empty()).then(|| self.read_not_before.unwrap_or(now));
        received.into_iter().chain(read).min()
    }

    /// What to tell now.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Notice> {
        let is_open = |not_before: Option<Instant>| not_before.is_none_or(|at| at <= now);
        let mut notices = Vec::new();
        if self.received > self.received_told && is_open(self.received_not_before) {
            self.received_told = self.received;
            self.received_not_before = Some(now + INTERVAL);
            notices.push(Notice::Received(Received {
                up_to: self.received,
            }));
        }
        if is_open(self.read_not_before)
            && let Some(peer) = self.unread.pop_front()
            && let Some(up_to) = self.read.remove(&peer)
        {
            self.known(&peer, up_to);
            self.read_not_before = Some(now + INTERVAL);
            notices.push(Notice::Read(Read { peer, up_to }));
        }
        notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(up_to: u64) -> Notice {
        Notice::Received(Received { up_to })
    }

    fn read(peer: &str, up_to: u64) -> Notice {
        Notice::Read(Read {
            peer: peer.into(),
            up_to,
        })
    }

    #[test]
    fn the_newest_is_told_once_a_second() {
        let mut receipts = Receipts::default();
        let now = Instant::now();
        assert_eq!(receipts.deadline(now), None);
        receipts.received(3);
        assert_eq!(receipts.due(now), [received(3)]);
        receipts.received(4);
        receipts.received(9);
        receipts.received(5);
        assert_eq!(receipts.due(now), []);
        assert_eq!(receipts.deadline(now), Some(now + INTERVAL));
        assert_eq!(receipts.due(now + INTERVAL), [received(9)]);
        assert_eq!(receipts.deadline(now), None);
    }

    #[test]
    fn each_conversation_is_told_in_its_turn_and_nothing_twice() {
        let mut receipts = Receipts::default();
        let now = Instant::now();
        receipts.read(&"bob".into(), 1);
        receipts.read(&"eve".into(), 2);
        receipts.read(&"bob".into(), 3);
        assert_eq!(receipts.due(now), [read("bob", 3)]);
        receipts.read(&"bob".into(), 3);
        assert_eq!(receipts.due(now + INTERVAL), [read("eve", 2)]);
        receipts.known(&"bob".into(), 7);
        receipts.read(&"bob".into(), 6);
        assert_eq!(receipts.deadline(now), None);
    }
}
