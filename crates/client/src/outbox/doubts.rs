//! What is unsure and may still be on its way through a connection that is lost:
//! where a server tells all sockets of a user what one of them wrote, it comes back
//! live when it arrives.

use std::{collections::VecDeque, time::Instant};

use parlour_protocol::UserId;

use crate::view::ItemId;

/// How many are remembered. What is older than that stays unsure.
const REMEMBERED: usize = 1_024;

#[derive(Debug)]
struct Doubt {
    id: ItemId,
    peer: UserId,
    content: String,
    /// By then the server has noticed that the connection is dead.
    until: Instant,
}

/// In the order in which they were written.
#[derive(Debug, Default)]
pub(super) struct Doubts(VecDeque<Doubt>);

impl Doubts {
    pub(super) fn add(&mut self, id: ItemId, peer: UserId, content: String, until: Instant) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(Doubt {
            id,
            peer,
            content,
            until,
        });
    }

    /// The first of this text in this conversation that can still arrive: equal
    /// texts are told apart by their number alone.
    pub(super) fn echoed(&mut self, peer: &UserId, content: &str, now: Instant) -> Option<ItemId> {
        self.0.retain(|doubt| now < doubt.until);
        let place = self
            .0
            .iter()
            .position(|doubt| doubt.peer == *peer && doubt.content == content)?;
        self.0.remove(place).map(|doubt| doubt.id)
    }

    /// The history of a conversation has told.
    pub(super) fn decided(&mut self, peer: &UserId) {
        self.0.retain(|doubt| doubt.peer != *peer);
    }

    pub(super) fn forget(&mut self, id: ItemId) {
        self.0.retain(|doubt| doubt.id != id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_comes_back_in_time_is_the_first_of_its_text() {
        let now = Instant::now();
        let soon = now + Duration::from_secs(1);
        let mut doubts = Doubts::default();
        for (id, peer, text) in [
            (1, "bob", "no"),
            (2, "bob", "ok"),
            (3, "eve", "ok"),
            (4, "bob", "ok"),
        ] {
            doubts.add(ItemId(id), peer.into(), text.into(), soon);
        }
        let mut echoed = |text, now| doubts.echoed(&"bob".into(), text, now);
        assert_eq!(echoed("ok", now), Some(ItemId(2)));
        assert_eq!(echoed("ok", now), Some(ItemId(4)));
        assert_eq!(echoed("ok", now), None);
        assert_eq!(echoed("no", soon), None, "it cannot arrive any more");
    }

    #[test]
    fn what_a_person_decided_about_and_what_is_too_much_is_forgotten() {
        let now = Instant::now();
        let soon = now + Duration::from_secs(1);
        let mut doubts = Doubts::default();
        for id in 0..=REMEMBERED {
            let id = i64::try_from(id).expect("a few");
            doubts.add(ItemId(id), "bob".into(), "ok".into(), soon);
        }
        assert_eq!(doubts.0.len(), REMEMBERED);
        doubts.forget(ItemId(1));
        assert_eq!(doubts.echoed(&"bob".into(), "ok", now), Some(ItemId(2)));
    }
}
