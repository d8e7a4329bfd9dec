//! What the witness heard, without what another device of ours said.
//!
//! The witness hears the first connection and every other device; the first
//! connection hears the other devices alone. So of equal texts, as many are the
//! first connection's own as the witness heard more of. A server tells both in one
//! go, but we read two sockets: what the witness heard waits a moment for the other's word.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use parlour_protocol::UserId;

/// How much later the first connection may tell of the same message.
const SETTLES: Duration = Duration::from_millis(300);

/// How much earlier it may have told of it.
const EARLIER: Duration = Duration::from_secs(2);

/// How many may wait on either side. What is beyond proves nothing, or takes
/// nothing away: four windows full come in no such moment by themselves.
const WAITING: usize = 64;

#[derive(Debug)]
struct Heard {
    at: Instant,
    peer: UserId,
    content: String,
}

/// What was heard of ourselves, on either connection.
#[derive(Debug, Default)]
pub(crate) struct Echoes {
    by_witness: VecDeque<Heard>,
    by_link: VecDeque<Heard>,
}

impl Echoes {
    /// The witness heard a message of ours.
    pub(crate) fn witness_heard(&mut self, peer: &UserId, content: &str, now: Instant) {
        self.forget_old(now);
        if !take(&mut self.by_link, peer, content) {
            keep(&mut self.by_witness, peer, content, now);
        }
    }

    /// The first connection heard a message of ours: another device wrote it.
    pub(crate) fn link_heard(&mut self, peer: &UserId, content: &str, now: Instant) {
        self.forget_old(now);
        if !take(&mut self.by_witness, peer, content) {
            keep(&mut self.by_link, peer, content, now);
        }
    }

    /// What the witness alone has heard, in order.
    pub(crate) fn settled(&mut self, now: Instant) -> Vec<(UserId, String)> {
        let mut settled = Vec::new();
        while let Some(heard) = self
            .by_witness
            .pop_front_if(|heard| now >= heard.at + SETTLES)
        {
            settled.push((heard.peer, heard.content));
        }
        settled
    }

    /// When [`Echoes::settled`] has more.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.by_witness.front().map(|heard| heard.at + SETTLES)
    }

    /// The witness is another, or none.
    pub(crate) fn clear(&mut self) {
        self.by_witness.clear();
        self.by_link.clear();
    }

    fn forget_old(&mut self, now: Instant) {
        while self
            .by_link
            .pop_front_if(|heard| now >= heard.at + EARLIER)
            .is_some()
        {}
    }
}

fn take(heard: &mut VecDeque<Heard>, peer: &UserId, content: &str) -> bool {
    let place = heard
        .iter()
        .position(|heard| heard.peer == *peer && heard.content == content);
    place.is_some_and(|place| heard.remove(place).is_some())
}

fn keep(heard: &mut VecDeque<Heard>, peer: &UserId, content: &str, now: Instant) {
    if heard.len() < WAITING {
        heard.push_back(Heard {
            at: now,
            peer: peer.clone(),
            content: content.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(100);

    fn texts(echoes: &mut Echoes, now: Instant) -> Vec<String> {
        let settled = echoes.settled(now);
        settled.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn what_only_the_witness_heard_is_ours() {
        let (mut echoes, now) = (Echoes::default(), Instant::now());
        let bob = UserId::from("bob");
        echoes.witness_heard(&bob, "one", now);
        echoes.witness_heard(&bob, "two", now + MOMENT);
        assert_eq!(texts(&mut echoes, now + MOMENT), [""; 0]);
        assert_eq!(echoes.deadline(), Some(now + SETTLES));
        assert_eq!(texts(&mut echoes, now + SETTLES), ["one"]);
        assert_eq!(texts(&mut echoes, now + SETTLES + MOMENT), ["two"]);
        assert_eq!(echoes.deadline(), None);
    }

    #[test]
    fn what_another_device_said_is_taken_away_in_either_order() {
        let (mut echoes, now) = (Echoes::default(), Instant::now());
        let (bob, eve) = (UserId::from("bob"), UserId::from("eve"));
        echoes.witness_heard(&bob, "ok", now);
        echoes.link_heard(&eve, "ok", now);
        echoes.link_heard(&bob, "ok", now + MOMENT);
        echoes.witness_heard(&eve, "ok", now + MOMENT);
        assert_eq!(texts(&mut echoes, now + SETTLES * 2), [""; 0]);
        // One from there and one from here.
        echoes.link_heard(&bob, "ok", now + SETTLES);
        echoes.witness_heard(&bob, "ok", now + SETTLES);
        echoes.witness_heard(&bob, "ok", now + SETTLES);
        assert_eq!(texts(&mut echoes, now + SETTLES * 2), ["ok"]);
    }

    #[test]
    fn what_was_said_before_the_witness_came_takes_nothing_away_later() {
        let (mut echoes, now) = (Echoes::default(), Instant::now());
        let bob = UserId::from("bob");
        echoes.link_heard(&bob, "ok", now);
        echoes.witness_heard(&bob, "ok", now + EARLIER);
        assert_eq!(texts(&mut echoes, now + EARLIER + SETTLES), ["ok"]);
    }

    #[test]
    fn a_flood_is_not_kept() {
        let (mut echoes, now) = (Echoes::default(), Instant::now());
        for n in 0..1_000 {
            echoes.witness_heard(&"bob".into(), &n.to_string(), now);
            echoes.link_heard(&"eve".into(), &n.to_string(), now);
        }
        assert_eq!(texts(&mut echoes, now + SETTLES).len(), WAITING);
        assert!(echoes.by_link.len() <= WAITING);
    }
}
