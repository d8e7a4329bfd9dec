//! The one place where the wall clock is read.

use std::time::{Instant, SystemTime};

use crate::clock;

/// A point in time on both clocks.
///
/// Nothing is timed by the wall clock: people and time servers set it. It is
/// here for what the other one does not show, which on most systems stands
/// still while the machine sleeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) monotonic: Instant,
    pub(crate) wall: SystemTime,
}

/// Now, on both clocks.
pub(crate) fn now() -> Moment {
    Moment {
        monotonic: clock::now(),
        wall: SystemTime::now(),
    }
}
