//! Did we sleep? Arithmetic on two clocks, nothing else.

use std::time::{Duration, Instant};

use crate::moment::Moment;

/// How often to look. A machine that wakes up is noticed after at most this.
const LOOK: Duration = Duration::from_secs(1);
/// What a busy machine, or a clock that is being corrected, may be late by.
const SLACK: Duration = Duration::from_secs(2);

/// Notices that this process did not run for a while.
///
/// | What happened | monotonic clock | wall clock | seen by |
/// |---|---|---|---|
/// | the machine slept (Linux, macOS) | stood still | went on | wall ahead of monotonic |
/// | the machine slept (Windows) | went on | went on | the look comes late |
/// | the process was stopped, or starved | went on | went on | the look comes late |
/// | somebody set the wall clock forward | went on | jumped | taken for a sleep: the price is a probe |
/// | somebody set the wall clock back | went on | jumped | not at all, it means nothing |
#[derive(Debug)]
pub(crate) struct Watch {
    last: Moment,
}

/// That the process did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// For how long it could have heard something by the monotonic clock, and
    /// did not listen.
    pub(crate) missed: Duration,
}

impl Watch {
    pub(crate) fn new(at: Moment) -> Self {
        Self { last: at }
    }

    /// When to look again.
    pub(crate) fn deadline(&self) -> Instant {
        self.last.monotonic + LOOK
    }

    /// Looks. Whoever looks early learns nothing wrong.
    pub(crate) fn look(&mut self, at: Moment) -> Option<Gap> {
        let due = self.deadline();
        let passed = at.monotonic.saturating_duration_since(self.last.monotonic);
        // A wall clock that went back says nothing about sleep.
        let on_the_wall = at.wall.duration_since(self.last.wall).unwrap_or_default();
        self.last = at;
        let missed = at.monotonic.saturating_duration_since(due);
        if missed > SLACK {
            Some(Gap { missed })
        } else if on_the_wall.saturating_sub(passed) > SLACK {
            Some(Gap {
                missed: Duration::ZERO,
            })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use proptest::prelude::*;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn start() -> Moment {
        Moment {
            monotonic: Instant::now(),
            wall: SystemTime::UNIX_EPOCH + 1_000_000_000 * S,
        }
    }

    fn later(at: Moment, monotonic: Duration, wall: Duration) -> Moment {
        Moment {
            monotonic: at.monotonic + monotonic,
            wall: at.wall + wall,
        }
    }

    #[test]
    fn a_sleep_shows_on_the_wall_and_a_stop_by_being_late() {
        let start = start();
        let mut watch = Watch::new(start);
        let awake = later(start, S, S);
        assert_eq!(watch.look(awake), None);
        let slept = later(awake, S, 600 * S);
        let nothing = Duration::ZERO;
        assert_eq!(watch.look(slept), Some(Gap { missed: nothing }));
        assert_eq!(watch.look(later(slept, S, S)), None, "it is told once");
        let mut watch = Watch::new(start);
        let stopped = later(start, 601 * S, 601 * S);
        assert_eq!(watch.look(stopped), Some(Gap { missed: 600 * S }));
        assert_eq!(watch.look(later(stopped, S, S)), None);
    }

    #[test]
    fn a_wall_clock_that_is_set_back_means_nothing() {
        let start = start();
        let mut watch = Watch::new(start);
        let back = Moment {
            monotonic: start.monotonic + S,
            wall: start.wall - 86_400 * S,
        };
        assert_eq!(watch.look(back), None);
        assert_eq!(watch.look(later(back, S, S)), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Looks that are in time, while the wall clock drifts and is set back at will.
        #[test]
        fn who_is_awake_is_never_said_to_have_slept(
            steps in prop::collection::vec((0_u64..2_900, -5_000_000_i64..1_900), 1..50)
        ) {
            let mut at = start();
            let mut watch = Watch::new(at);
            for (passed, step) in steps {
                let passed = Duration::from_millis(passed);
                let forward = Duration::from_millis(u64::try_from(step).unwrap_or(0));
                let back = Duration::from_millis(u64::try_from(-step).unwrap_or(0));
                at.monotonic += passed;
                at.wall = at.wall + passed + forward - back;
                prop_assert_eq!(watch.look(at), None);
            }
        }

        /// However a sleep shows, it is seen once; and what is said to be missed
        /// is never more than what passed.
        #[test]
        fn every_sleep_is_seen_once(
            before in 0_u64..1_000, slept in 3_001_u64..100_000_000, counted: bool
        ) {
            let at = start();
            let mut watch = Watch::new(at);
            let before = Duration::from_millis(before);
            let slept = Duration::from_millis(slept);
            let passed = if counted { before + slept } else { before };
            let woke = later(at, passed, before + slept);
            let gap = watch.look(woke);
            prop_assert!(gap.is_some_and(|gap| gap.missed <= passed), "{gap:?}");
            prop_assert_eq!(watch.look(later(woke, S, S)), None);
        }

        /// Any step of the wall clock alone is at most one gap, of no length.
        #[test]
        fn a_step_of_the_wall_clock_is_one_gap_at_most(step in -10_000_000_i64..10_000_000) {
            let at = start();
            let mut watch = Watch::new(at);
            let size = Duration::from_secs(step.unsigned_abs());
            let wall = if step < 0 { at.wall - size } else { at.wall + size };
            let mut now = Moment { monotonic: at.monotonic + S, wall: wall + S };
            let mut gaps = 0;
            for _ in 0..10 {
                if let Some(gap) = watch.look(now) {
                    prop_assert_eq!(gap.missed, Duration::ZERO);
                    gaps += 1;
                }
                now = later(now, S, S);
            }
            prop_assert!(gaps <= 1);
        }
    }
}
