//! The witness: a second connection of the same session, which hears what the
//! first one says.
//!
//! The guide's servers from part 2 on send a message to the other sockets of whoever
//! wrote it. Where fences are not answered, that echo is the only proof to be had
//! while connected. Each time it joins, others are told once more that we are
//! there; so it is opened only while something waits for proof, and closed again
//! soon after.
//!
//! ```text
//!           needed             users
//!   Off ──────────→ Opening ──────────→ Watching
//!    ↑                 │ refused, lost,    │  │ nothing to prove for a while
//!    │                 ↓ or too slow       │  │
//!    │← time over ─ Resting ←──── lost ────┘  │
//!    └────────────────────────────────────────┘
//! ```
//!
//! Whatever becomes of it, the session and the first connection go on. There are
//! servers that allow one connection per session and end the older one: if the
//! first connection ends soon after the witness came, and so again, the witness
//! stays away for long.
//!
//! It is pure: time and chance are arguments.

mod echoes;

use std::time::{Duration, Instant};

pub(crate) use self::echoes::Echoes;
use crate::backoff;

/// From connecting to the first `users`, which on large servers is long.
const OPENING: Duration = Duration::from_secs(20);

/// How long it stays once everything is proven: people write several messages in a row.
const LINGER: Duration = Duration::from_secs(10);

/// How often it may fail in a row, before there is a long rest.
const TRIES: u32 = 5;

/// How often it may fail in a row while messages wait for it. Then they go without
/// it: late is worse than unproven.
const WORTH_WAITING: u32 = 2;

/// The long rest.
const REST: Duration = Duration::from_secs(600);

/// What stood for so long did not fail.
const STABLE: Duration = Duration::from_secs(10);

/// The first connection's end within this time of the witness's coming may be its doing.
const HARM: Duration = Duration::from_secs(5);

/// How often that may be.
const HARMS: u32 = 2;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Connect with the session that the first connection has.
    Open,
    /// Close it, or give up opening it.
    Close,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Off,
    Opening {
        since: Instant,
    },
    Watching {
        since: Instant,
        /// Since when there is nothing to prove.
        idle: Option<Instant>,
    },
    Resting {
        until: Instant,
    },
}

/// The machine.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    state: State,
    /// In a row.
    failures: u32,
    /// Ends of the first connection that may be its doing, since it last proved anything.
    harms: u32,
    /// How many there have been: each hears only what is written after it came.
    number: u32,
}

impl Witness {
    /// At the end of every turn: whether there is something that it could prove.
    pub(crate) fn need(&mut self, needed: bool, now: Instant, jitter: f64) -> Option<Act> {
        match &mut self.state {
            State::Off if needed => {
                self.state = State::Opening { since: now };
                Some(Act::Open)
            }
            State::Resting { until } if now >= *until => {
                self.state = State::Off;
                self.need(needed, now, jitter)
            }
            State::Opening { since } if now >= *since + OPENING => {
                self.failed(false, now, jitter);
                Some(Act::Close)
            }
            State::Watching { idle, .. } if needed => {
                *idle = None;
                None
            }
            State::Watching { since, idle } => {
                if now < *idle.get_or_insert(now) + LINGER {
                    return None;
                }
                if now >= *since + STABLE {
                    self.failures = 0;
                }
                self.state = State::Off;
                Some(Act::Close)
            }
            State::Off | State::Opening { .. } | State::Resting { .. } => None,
        }
    }

    /// It is there, and hears what is written from now on.
    pub(crate) fn stands(&mut self, now: Instant) {
        if let State::Opening { .. } = self.state {
            self.number = self.number.wrapping_add(1);
            self.state = State::Watching {
                since: now,
                idle: None,
            };
        }
    }

    /// It could not be opened, or is gone; `for_good` if another try is in vain.
    pub(crate) fn failed(&mut self, for_good: bool, now: Instant, jitter: f64) {
        match self.state {
            State::Watching { since, .. } if now >= since + STABLE => self.failures = 1,
            State::Opening { .. } | State::Watching { .. } => {
                self.failures = self.failures.saturating_add(1);
            }
            State::Off | State::Resting { .. } => return,
        }
        if for_good {
            self.failures = self.failures.max(TRIES);
        }
        let rest = if self.failures >= TRIES {
            REST
        } else {
            backoff::delay(self.failures, jitter)
        };
        self.state = State::Resting { until: now + rest };
    }

    /// It has proved something: it does what it is for.
    pub(crate) fn proved(&mut self) {
        self.failures = 0;
        self.harms = 0;
    }

    /// The first connection is gone by itself, and this one goes with it.
    pub(crate) fn link_lost(&mut self, now: Instant) {
        let came = match self.state {
            State::Opening { since } | State::Watching { since, .. } => since,
            State::Off | State::Resting { .. } => return,
        };
        self.state = State::Off;
        if now >= came + HARM {
            return;
        }
        self.harms += 1;
        if self.harms == HARMS {
            self.harms = 0;
            self.failures = self.failures.max(TRIES);
            self.state = State::Resting { until: now + REST };
        }
    }

    /// The first connection was left on purpose, and this one goes with it.
    pub(crate) fn link_left(&mut self) {
        if !matches!(self.state, State::Resting { .. }) {
            self.state = State::Off;
        }
    }

    /// The witness that hears what is written now.
    pub(crate) fn number(&self) -> Option<u32> {
        matches!(self.state, State::Watching { .. }).then_some(self.number)
    }

    /// Whether it is worth waiting for it with what can be proved by it alone.
    pub(crate) fn is_worth_waiting_for(&self) -> bool {
        match self.state {
            State::Watching { .. } => false,
            State::Off | State::Opening { .. } | State::Resting { .. } => {
                self.failures < WORTH_WAITING
            }
        }
    }

    /// When [`Witness::need`] is to be asked again, whatever happens.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Opening { since } => Some(since + OPENING),
            State::Watching { idle, .. } => idle.map(|idle| idle + LINGER),
            State::Resting { until } => Some(until),
            State::Off => None,
        }
    }
}

#[cfg(test)]
#[path = "witness_tests.rs"]
mod tests;
