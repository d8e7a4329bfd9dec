//! Notices that the machine slept, or that this process was stopped.
//!
//! Nothing tells us. But while a machine sleeps, the wall clock goes on and the
//! clock of the timers stands still (on Linux; elsewhere both go on); while a
//! process is stopped, both go on and no timer is served. So a look at both every
//! few seconds shows either: the wall clock is ahead by more than the timers' clock
//! went, or the look itself comes late.
//!
//! A step of the wall clock (a person, NTP) looks like sleep if it goes forward. That
//! costs one early attempt to connect, at most one in [`AGAIN`]; a step back is nothing.
//!
//! It is pure: both times are arguments.

use std::time::{Duration, Instant};

/// How often to look while there is no connection: waking up is noticed within this.
const OFTEN: Duration = Duration::from_secs(2);

/// How often to look otherwise. The socket looks after itself then; only that
/// a sleep lies between is to be known when it is gone.
const SELDOM: Duration = Duration::from_secs(10);

/// Less than this is no sleep: a busy disk, a clock put right. What so short a
/// sleep costs is less than a backoff.
const SHORTEST: Duration = Duration::from_secs(5);

/// Waking up more often than this is a clock gone wrong, which must not make us
/// knock at a server's door all the time.
const AGAIN: Duration = Duration::from_secs(15);

/// When we looked last, and what the clocks said.
#[derive(Debug, Default)]
pub(crate) struct Waking {
    seen: Option<Seen>,
    woke: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    now: Instant,
    wall_ms: i64,
    due: Instant,
}

impl Waking {
    /// When to look next; `hurry` while there is no connection. The first look is at once.
    pub(crate) fn deadline(&self, now: Instant, hurry: bool) -> Instant {
        match (self.seen, hurry) {
            (None, _) => now,
            (Some(seen), true) => seen.due.min(seen.now + OFTEN),
            (Some(seen), false) => seen.due,
        }
    }

    /// Looks at the clocks. How long we slept, if we did: at least [`SHORTEST`].
    /// What the timers know of does not count as sleep unless nobody looked at them.
    pub(crate) fn look(&mut self, now: Instant, wall_ms: i64, hurry: bool) -> Option<Duration> {
        let due = now + if hurry { OFTEN } else { SELDOM };
        let before = self.seen.replace(Seen { now, wall_ms, due })?;
        let passed = now.saturating_duration_since(before.now);
        let wall = u64::try_from(wall_ms.saturating_sub(before.wall_ms)).unwrap_or(0);
        let unseen = Duration::from_millis(wall).saturating_sub(passed);
        let late = now.saturating_duration_since(before.due);
        if unseen.max(late) < SHORTEST {
            return None;
        }
        let again = self
            .woke
            .is_some_and(|woke| now.saturating_duration_since(woke) < AGAIN);
        if again {
            return None;
        }
        self.woke = Some(now);
        Some(unseen)
    }

    /// Nobody is signed in: when somebody is again, that was no sleep.
    pub(crate) fn rest(&mut self) {
        self.seen = None;
    }
}

#[cfg(test)]
#[path = "wake_tests.rs"]
mod tests;
