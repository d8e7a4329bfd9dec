//! The clocks of a story.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use crate::ports::Clock;

/// Both clocks, which only move when told.
#[derive(Clone)]
pub(in crate::task) struct Hands(Arc<Mutex<(Instant, i64)>>);

impl Hands {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new((Instant::now(), 1_750_000_000_000))))
    }

    pub(super) fn moves_to(&self, now: Instant) {
        let mut hands = self.0.lock().expect("the clocks");
        let passed = now.saturating_duration_since(hands.0);
        hands.0 += passed;
        hands.1 += i64::try_from(passed.as_millis()).expect("a time");
    }
}

impl Clock for Hands {
    fn now_ms(&self) -> i64 {
        self.0.lock().expect("the clocks").1
    }

    fn now(&self) -> Instant {
        self.0.lock().expect("the clocks").0
    }
}
