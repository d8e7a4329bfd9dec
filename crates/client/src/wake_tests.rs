use proptest::prelude::*;

use super::*;

const S: Duration = Duration::from_secs(1);

/// Both clocks, in the hands of a story.
struct Clocks {
    wake: Waking,
    now: Instant,
    wall_ms: i64,
}

impl Clocks {
    fn new() -> Self {
        let mut clocks = Self {
            wake: Waking::default(),
            now: Instant::now(),
            wall_ms: 1_700_000_000_000,
        };
        assert_eq!(clocks.look(true), None, "the first look compares nothing");
        clocks
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.step(i64::try_from(time.as_millis()).expect("a time"));
    }

    fn step(&mut self, ms: i64) {
        self.wall_ms = self.wall_ms.saturating_add(ms);
    }

    fn look(&mut self, hurry: bool) -> Option<Duration> {
        self.wake.look(self.now, self.wall_ms, hurry)
    }

    fn next(&self, hurry: bool) -> Duration {
        self.wake
            .deadline(self.now, hurry)
            .saturating_duration_since(self.now)
    }
}

#[test]
fn a_sleep_is_noticed_within_two_seconds_of_its_end() {
    let mut clocks = Clocks::new();
    clocks.pass(S);
    // Asleep: the timers stand still.
    clocks.step(600_000);
    let rest = clocks.next(true);
    assert_eq!(rest, S);
    clocks.pass(rest);
    assert_eq!(clocks.look(true), Some(600 * S));
    clocks.pass(2 * S);
    assert_eq!(clocks.look(true), None, "once");
}

#[test]
fn a_stopped_process_is_noticed_by_its_lateness() {
    let mut clocks = Clocks::new();
    clocks.pass(600 * S);
    assert_eq!(
        clocks.look(true),
        Some(Duration::ZERO),
        "the timers went on, so that nothing of it is news to them"
    );
}

#[test]
fn a_sleep_while_connected_is_known_once_the_connection_is_gone() {
    let mut clocks = Clocks::new();
    clocks.pass(2 * S);
    assert_eq!(clocks.look(false), None);
    clocks.step(60_000);
    clocks.pass(3 * S);
    assert_eq!(clocks.next(true), Duration::ZERO, "waiting now, and due");
    assert_eq!(clocks.look(true), Some(60 * S));
}

#[test]
fn nobody_signed_in_is_no_sleep() {
    let mut clocks = Clocks::new();
    clocks.wake.rest();
    clocks.pass(3600 * S);
    assert_eq!(clocks.look(true), None);
}

#[test]
fn a_clock_gone_wrong_wakes_us_four_times_a_minute_at_most() {
    let mut clocks = Clocks::new();
    let mut woke = 0;
    for _ in 0..30 {
        clocks.pass(2 * S);
        clocks.step(3_600_000);
        woke += usize::from(clocks.look(true).is_some());
    }
    assert!((1..=4).contains(&woke), "{woke}");
}

proptest! {
    /// Ordinary days: looks a little late, and a wall clock that is put right by
    /// less than a sleep, or back by anything.
    #[test]
    fn ordinary_days_have_no_sleep(
        looks in prop::collection::vec((0u64..4_900, -3_600_000i64..50, any::<bool>()), 1..200),
    ) {
        let mut clocks = Clocks::new();
        for (late, step, hurry) in looks {
            let rest = clocks.next(hurry);
            clocks.pass(rest + Duration::from_millis(late));
            clocks.step(step);
            prop_assert_eq!(clocks.look(hurry), None);
        }
    }

    /// Whatever the clocks say, nothing panics, and a sleep is never longer than
    /// what the wall clock tells.
    #[test]
    fn clocks_may_say_anything(
        looks in prop::collection::vec((0u64..1_000_000_000, any::<i64>(), any::<bool>()), 1..50),
    ) {
        let mut wake = Waking::default();
        let start = Instant::now();
        let mut before: Option<i64> = None;
        let mut now = start;
        for (passed, wall_ms, hurry) in looks {
            now += Duration::from_millis(passed);
            prop_assert!(wake.deadline(now, hurry) <= now + SELDOM);
            if let Some(slept) = wake.look(now, wall_ms, hurry) {
                let told = wall_ms.saturating_sub(before.expect("a look before"));
                let told = u64::try_from(told).unwrap_or(0);
                prop_assert!(slept <= Duration::from_millis(told));
            }
            before = Some(wall_ms);
        }
    }

    /// A sleep of any length, at any moment, is noticed by the next look.
    #[test]
    fn every_sleep_is_noticed(awake in 0u64..2_000, asleep in 5_050i64..1_000_000_000) {
        let mut clocks = Clocks::new();
        clocks.pass(Duration::from_millis(awake));
        clocks.step(asleep);
        let rest = clocks.next(true);
        prop_assert!(rest <= OFTEN);
        clocks.pass(rest);
        prop_assert_eq!(
            clocks.look(true),
            Some(Duration::from_millis(u64::try_from(asleep).expect("a time")))
        );
    }
}
