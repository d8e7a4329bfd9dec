//! When a log brings its followers to its end.
//!
//! ```text
//!             ring                    rest is over
//!  Quiet ───────────────▶ Resting ───────────────────▶ Sweeping ─┐
//!    ▲                                                           │
//!    └───────────────────────────────────────────────────────────┘
//! ```
//! The rest is the tick, and longer after a long sweep, so that sweeping takes at
//! most a quarter of the time. A thread does it: a sweep writes to thousands
//! of sockets, for which tasks should not wait.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::Log;

/// How many times as long as a sweep took the next rest is.
const EASE: u32 = 3;
/// The longest rest, unless the tick is longer.
const LONGEST: Duration = Duration::from_millis(200);

pub(super) struct Pace {
    tick: Duration,
    bell: Arc<Bell>,
}

struct Bell {
    /// Something was published. Looked at without the lock.
    rung: AtomicBool,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is no thread, or not yet.
    Unattended,
    Attended,
    /// The log is gone.
    Over,
}

impl Pace {
    pub(super) fn new(tick: Duration) -> Self {
        Self {
            tick,
            bell: Arc::new(Bell {
                rung: AtomicBool::new(false),
                state: Mutex::new(State::Unattended),
                wake: Condvar::new(),
            }),
        }
    }

    /// Starts the thread.
    pub(super) fn start(&self, log: Weak<Log>) {
        let (bell, tick) = (Arc::clone(&self.bell), self.tick);
        *self.bell.lock() = State::Attended;
        let thread = std::thread::Builder::new().name("feed".to_owned());
        if let Err(error) = thread.spawn(move || attend(&bell, &log, tick)) {
            tracing::warn!(%error, "no thread for a feed: each frame is written by itself");
            *self.bell.lock() = State::Unattended;
        }
    }

    /// There is something to sweep. `false`: there is nobody to do it.
    pub(super) fn ring(&self) -> bool {
        if self.bell.rung.swap(true, Ordering::AcqRel) {
            return true;
        }
        let attended = *self.bell.lock() == State::Attended;
        if attended {
            self.bell.wake.notify_one();
        } else {
            self.bell.rung.store(false, Ordering::Release);
        }
        attended
    }

    pub(super) fn end(&self) {
        *self.bell.lock() = State::Over;
        self.bell.wake.notify_one();
    }
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it rings. `false`: it is over.
    fn listen(&self) -> bool {
        let quiet = |state: &mut State| *state != State::Over && !self.rung.load(Ordering::Acquire);
        let state = self.wake.wait_while(self.lock(), quiet);
        *state.unwrap_or_else(PoisonError::into_inner) != State::Over
    }

    /// Waits for so long. `false`: it is over.
    fn rest(&self, time: Duration) -> bool {
        let going_on = |state: &mut State| *state != State::Over;
        let waited = self.wake.wait_timeout_while(self.lock(), time, going_on);
        *waited.unwrap_or_else(PoisonError::into_inner).0 != State::Over
    }
}

fn attend(bell: &Bell, log: &Weak<Log>, tick: Duration) {
    let mut earliest = Instant::now();
    while bell.listen() {
        let rest = earliest.saturating_duration_since(Instant::now()).max(tick);
        if !bell.rest(rest) {
            return;
        }
        // Before the sweep: what is published during it rings again.
        bell.rung.store(false, Ordering::Release);
        let Some(log) = log.upgrade() else { return };
        let began = Instant::now();
        log.sweep();
        drop(log);
        earliest = Instant::now() + ease(began.elapsed(), tick);
    }
}

/// How long to rest after a sweep that took so long.
fn ease(took: Duration, tick: Duration) -> Duration {
    (took * EASE).min(LONGEST).max(tick)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sweeps_are_followed_by_long_rests() {
        let ms = Duration::from_millis;
        assert_eq!(ease(ms(0), ms(5)), ms(5));
        assert_eq!(ease(ms(1), ms(5)), ms(5));
        assert_eq!(ease(ms(20), ms(5)), ms(60));
        assert_eq!(ease(ms(2_000), ms(5)), ms(200));
        assert_eq!(ease(ms(2_000), ms(500)), ms(500));
    }

    #[test]
    fn without_a_thread_nobody_answers_the_bell() {
        let pace = Pace::new(Duration::from_millis(5));
        assert!(!pace.ring());
        assert!(!pace.ring());
    }
}
