//! How far our copy of the server's inbox goes, on a server that speaks pm.
//!
//! The truth is `pm:sync`, page by page from the cursor; live messages and
//! acknowledgements are hints, taken at once where they follow the cursor.
//!
//! ```text
//!            due              complete, nothing beyond the cursor
//!   Due ───────────→ Asked ─────────────────────────────────────→ Idle
//!    ↑                 │ more, or refused for now                 ↑  │ a number
//!    └─────────────────┘                                   filled │  ↓ beyond the next
//!                        Asked ←──────────── not filled in time ── Gap
//! ```
//!
//! It is pure: time is an argument. What it hands out is stored by the caller
//! together with the new cursor; if that fails, the connection and this end.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use parlour_protocol::{
    limits,
    pm::{StampedMessage, SyncRequest},
};

use crate::dialect::tame::SEQ_MAX;

/// How long a gap may be one of order alone, before it is asked for: an answer
/// and a message on the same connection may overtake each other here.
const GAP: Duration = Duration::from_millis(50);

/// How many numbers beyond a gap are kept; those of more come by the sync.
const EARLY: usize = 64;

#[derive(Debug, PartialEq, Eq)]
enum State {
    Due(Instant),
    Gap(Instant),
    Asked { since: u64 },
    Idle,
}

/// A page that no honest server sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadPage;

/// The machine, for one connection.
#[derive(Debug)]
pub(crate) struct Inbox {
    cursor: u64,
    state: State,
    /// What is beyond a gap; `None` for our own, which are stored already.
    early: BTreeMap<u64, Option<StampedMessage>>,
    /// There was more than we keep.
    overflowed: bool,
    /// Whether all that there was at the beginning has come.
    caught_up: bool,
    /// Refusals and silences in a row.
    failures: u32,
}

impl Inbox {
    /// All after `cursor` is to be fetched.
    pub(crate) fn new(cursor: u64, now: Instant) -> Self {
        Self {
            cursor,
            state: State::Due(now),
            early: BTreeMap::new(),
            overflowed: false,
            caught_up: false,
            failures: 0,
        }
    }

    /// Everything up to this number is here.
    pub(crate) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Whether all that there was at the beginning has come.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.caught_up
    }

    /// When [`Inbox::request`] may have something.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Due(at) | State::Gap(at) => Some(at),
            State::Asked { .. } | State::Idle => None,
        }
    }

    /// What to ask for now.
    pub(crate) fn request(&mut self, now: Instant) -> Option<SyncRequest> {
        match self.state {
            State::Due(at) | State::Gap(at) if at <= now => {
                self.state = State::Asked { since: self.cursor };
                Some(SyncRequest {
                    since: self.cursor,
                    limit: limits::PAGE,
                })
            }
            _ => None,
        }
    }

    /// There is something of which the number is not known.
    pub(crate) fn nudge(&mut self, now: Instant) {
        if self.state == State::Idle {
            self.state = State::Due(now);
        }
    }

    /// There is no usable answer to the request; `wait` before the next.
    pub(crate) fn put_off(&mut self, wait: Duration, now: Instant) {
        self.state = State::Due(now + wait);
    }

    /// Another request came to nothing: how many did in a row.
    pub(crate) fn failed(&mut self) -> u32 {
        self.failures = self.failures.saturating_add(1);
        self.failures
    }

    /// A live message: what is to be stored now, in order.
    pub(crate) fn arrived(&mut self, message: StampedMessage, now: Instant) -> Vec<StampedMessage> {
        self.heard(message.stamp.seq, Some(message), now)
    }

    /// Our own message of this number is stored: what is to be stored behind it.
    pub(crate) fn acknowledged(&mut self, seq: u64, now: Instant) -> Vec<StampedMessage> {
        self.heard(seq, None, now)
    }

    fn heard(
        &mut self,
        seq: u64,
        message: Option<StampedMessage>,
        now: Instant,
    ) -> Vec<StampedMessage> {
        if seq <= self.cursor {
            return Vec::new();
        }
        if self.early.len() < EARLY || seq == self.cursor + 1 {
            self.early.insert(seq, message);
        } else {
            self.overflowed = true;
        }
        let ready = self.contiguous();
        self.look_for_gap(now);
        ready
    }

    /// A page was stored up to `next`: what came early and follows it.
    pub(crate) fn page(
        &mut self,
        next: u64,
        complete: bool,
        now: Instant,
    ) -> Result<Vec<StampedMessage>, BadPage> {
        let State::Asked { since } = self.state else {
            return Err(BadPage);
        };
        if next < since || (next == since && !complete) || next > SEQ_MAX {
            return Err(BadPage);
        }
        self.failures = 0;
        self.cursor = self.cursor.max(next);
        let cursor = self.cursor;
        self.early.retain(|seq, _| *seq > cursor);
        let ready = self.contiguous();
        if !complete {
            self.state = State::Due(now);
            return Ok(ready);
        }
        self.caught_up = true;
        self.state = State::Idle;
        let overflowed = std::mem::take(&mut self.overflowed);
        if next == since {
            // The server has nothing in the gap, and the sync is the truth: what
            // is beyond it comes with the next one.
            self.early.clear();
        } else if overflowed {
            self.state = State::Due(now);
        }
        self.look_for_gap(now);
        Ok(ready)
    }

    fn contiguous(&mut self) -> Vec<StampedMessage> {
        let mut ready = Vec::new();
        while let Some(message) = self.early.remove(&(self.cursor + 1)) {
            self.cursor += 1;
            ready.extend(message);
        }
        ready
    }

    fn look_for_gap(&mut self, now: Instant) {
        let gap = !self.early.is_empty() || self.overflowed;
        match self.state {
            State::Idle if gap => self.state = State::Gap(now + GAP),
            // It was one of order alone.
            State::Gap(_) if !gap => self.state = State::Idle,
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "inbox_tests.rs"]
mod tests;
