//! Whether this server answers fences, and what it still owes.
//!
//! A fence proves that what was sent before it arrived. Most servers answer
//! it within a round trip; a few never do, and that takes time to tell from a slow
//! one or a dead line. So there are two limits: after the shorter we look for
//! another proof, which harms nobody if the answer still comes; only after the
//! longer is it believed, and remembered for the next connection.
//!
//! Every connection asks once before there is anything to prove, so that a
//! server that was replaced is noticed, and so that nothing need be sent to a
//! server of which it is not known how arrivals can be proved there.
//!
//! It is pure: time is an argument.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::ports::Fence;

/// After this another proof is looked for: far longer than a round trip takes.
const DOUBT: Duration = Duration::from_secs(5);

/// How long a fence may stay unanswered before the server counts as one that
/// answers none. Longer than it takes to notice a dead line (15 s), so that a
/// connection that still stands has shown a sign of life behind the fence.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// When to try again to raise a fence for which there was no room.
const AGAIN: Duration = Duration::from_millis(250);

/// How far to rely on fences now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// They are answered.
    Answered,
    /// Nobody knows yet; an answer is due any moment.
    Untried,
    /// An answer is late.
    Late,
    /// They are not answered.
    Unanswered,
}

/// The fences of one connection.
#[derive(Debug)]
pub(crate) struct Fences {
    /// What this or an earlier connection has shown.
    known: Option<bool>,
    /// What is not written down yet.
    news: bool,
    /// Raised and not answered, the oldest first.
    raised: VecDeque<(u64, Instant)>,
    /// One could not be raised: when to try again.
    owed: Option<Instant>,
    never: bool,
    asked: bool,
}

impl Fences {
    /// `known`: what earlier connections to this server have shown.
    pub(crate) fn new(known: Option<bool>) -> Self {
        Self {
            known,
            news: false,
            raised: VecDeque::new(),
            owed: None,
            never: false,
            asked: false,
        }
    }

    /// A fence was to be raised, with this outcome.
    pub(crate) fn tried(&mut self, number: u64, outcome: Fence, now: Instant) {
        match outcome {
            Fence::Raised => {
                self.raised.push_back((number, now));
                self.owed = None;
                self.asked = true;
            }
            Fence::NotNow => self.owed = Some(now + AGAIN),
            Fence::Never => self.never = true,
        }
    }

    /// A fence was answered, and with it all before.
    pub(crate) fn passed(&mut self, number: u64) {
        while self
            .raised
            .pop_front_if(|(raised, _)| *raised <= number)
            .is_some()
        {}
        self.learn(true);
    }

    /// Time has passed. Whether the server has just turned out not to answer.
    pub(crate) fn time_passed(&mut self, now: Instant) -> bool {
        let overdue = self
            .raised
            .front()
            .is_some_and(|(_, since)| now >= *since + LIMIT);
        if overdue {
            // An answer that still comes says all the same what it proves.
            self.raised.clear();
            self.owed = None;
            self.learn(false);
        }
        overdue
    }

    /// Nobody served the timers: what they say of the server is void.
    pub(crate) fn slept(&mut self, now: Instant) {
        for (_, since) in &mut self.raised {
            *since = now;
        }
    }

    /// How far to rely on fences now.
    pub(crate) fn trust(&self, now: Instant) -> Trust {
        let late = self
            .raised
            .front()
            .is_some_and(|(_, since)| now >= *since + DOUBT);
        match self.known {
            _ if self.never => Trust::Unanswered,
            Some(false) => Trust::Unanswered,
            _ if late => Trust::Late,
            Some(true) => Trust::Answered,
            None => Trust::Untried,
        }
    }

    /// Whether to put one behind what is sent: in any case once a connection.
    pub(crate) fn is_worth_asking(&self) -> bool {
        !self.never && (self.known != Some(false) || !self.asked)
    }

    /// Whether one is to be raised because it could not be before.
    pub(crate) fn is_owed(&self, now: Instant) -> bool {
        self.owed.is_some_and(|due| now >= due)
    }

    /// What is to be remembered of this server, if that is news.
    pub(crate) fn news(&mut self) -> Option<bool> {
        self.known.filter(|_| std::mem::take(&mut self.news))
    }

    /// What is known of this server.
    pub(crate) fn known(&self) -> Option<bool> {
        if self.never { None } else { self.known }
    }

    /// When [`Fences::time_passed`], [`Fences::is_owed`] or [`Fences::trust`] say something else.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        let answer = self.raised.front().map(|(_, since)| {
            let doubt = *since + DOUBT;
            if doubt > now { doubt } else { *since + LIMIT }
        });
        answer.into_iter().chain(self.owed).min()
    }

    fn learn(&mut self, answers: bool) {
        self.news |= self.known != Some(answers);
        self.known = Some(answers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_remembered_once() {
        let now = Instant::now();
        let mut fences = Fences::new(None);
        fences.tried(1, Fence::Raised, now);
        fences.tried(2, Fence::Raised, now);
        assert_eq!(fences.trust(now), Trust::Untried);
        fences.passed(1);
        assert_eq!(fences.trust(now), Trust::Answered);
        assert_eq!(fences.news(), Some(true));
        assert_eq!(fences.news(), None);
        assert_eq!(fences.trust(now + DOUBT), Trust::Late, "the second");
        fences.passed(2);
        assert_eq!(fences.trust(now + LIMIT), Trust::Answered);
        assert_eq!(fences.deadline(now), None);
        assert_eq!(fences.news(), None, "that was no news");
    }

    #[test]
    fn silence_is_doubted_first_and_believed_later() {
        let now = Instant::now();
        let mut fences = Fences::new(None);
        fences.tried(1, Fence::Raised, now);
        assert_eq!(fences.deadline(now), Some(now + DOUBT));
        assert!(!fences.time_passed(now + DOUBT));
        assert_eq!(fences.trust(now + DOUBT), Trust::Late);
        assert_eq!(fences.news(), None);
        assert_eq!(fences.deadline(now + DOUBT), Some(now + LIMIT));
        assert!(fences.time_passed(now + LIMIT));
        assert_eq!(fences.trust(now + LIMIT), Trust::Unanswered);
        assert_eq!(fences.news(), Some(false));
        assert!(!fences.is_worth_asking());
        assert_eq!(fences.deadline(now + LIMIT), None);
        // Late is not never.
        fences.passed(1);
        assert_eq!(fences.trust(now + LIMIT), Trust::Answered);
        assert_eq!(fences.news(), Some(true));
    }

    #[test]
    fn a_server_known_to_be_silent_is_asked_once_more() {
        let now = Instant::now();
        let mut fences = Fences::new(Some(false));
        assert_eq!(fences.trust(now), Trust::Unanswered);
        fences.tried(1, Fence::Raised, now);
        assert_eq!(fences.trust(now), Trust::Unanswered);
        fences.passed(1);
        assert_eq!(fences.trust(now), Trust::Answered);
        assert_eq!(fences.news(), Some(true));
    }

    #[test]
    fn one_without_room_is_tried_again() {
        let now = Instant::now();
        let mut fences = Fences::new(Some(true));
        fences.tried(1, Fence::NotNow, now);
        assert!(!fences.is_owed(now));
        assert_eq!(fences.deadline(now), Some(now + AGAIN));
        assert!(fences.is_owed(now + AGAIN));
        fences.tried(2, Fence::Raised, now + AGAIN);
        assert!(!fences.is_owed(now + LIMIT));
    }

    #[test]
    fn what_was_not_looked_at_says_nothing_of_the_server() {
        let now = Instant::now();
        let mut fences = Fences::new(None);
        fences.tried(1, Fence::Raised, now);
        let woke = now + 30 * LIMIT;
        fences.slept(woke);
        assert!(!fences.time_passed(woke));
        assert_eq!(fences.trust(woke), Trust::Untried);
        assert_eq!(fences.deadline(woke), Some(woke + DOUBT));
    }

    #[test]
    fn a_connector_without_fences_says_nothing_of_the_server() {
        let now = Instant::now();
        let mut fences = Fences::new(Some(true));
        fences.tried(1, Fence::Never, now);
        assert_eq!(fences.trust(now), Trust::Unanswered);
        assert!(!fences.is_worth_asking());
        assert_eq!((fences.news(), fences.known()), (None, None));
    }
}
