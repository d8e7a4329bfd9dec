//! Whether the other side is still there: arithmetic on points in time, nothing else.

use std::time::{Duration, Instant};

mod wake;

pub(crate) use wake::{Gap, Watch};

/// Two clocks run against a silent connection.
///
/// The engine's: the server has promised a ping every so often, and a connection
/// without one is dead to both sides, but on the official server's defaults that
/// takes 45 s. So a probe of our own, a WebSocket ping that any server must
/// answer, goes out whenever nothing was heard for a while.
///
/// A third one runs after a [`Gap`]: the network may be another one now, and the
/// server may have given us up long ago. A probe goes out at once, and has to be
/// answered soon. What else arrives then may have been lying in the system's
/// buffers since before, so it only gives the answer more time: it comes behind
/// everything that the server said earlier.
#[derive(Debug)]
pub(crate) struct Liveness {
    limits: Limits,
    last_heard: Instant,
    last_ping: Instant,
    last_probe: Instant,
    probes: u32,
    doubt: Option<Doubt>,
}

/// How long what may last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Silence before a probe.
    pub(crate) probe_interval: Duration,
    /// Silence of any kind.
    pub(crate) silence: Duration,
    /// Silence of the engine.
    pub(crate) patience: Duration,
    /// The answer to the probe after a gap.
    pub(crate) wake: Duration,
}

/// Whether the connection outlived a gap.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    /// The probe that has to be answered, or one after it; `None` while it is
    /// still to be sent.
    probe: Option<u32>,
    until: Instant,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Wait,
    /// Send a probe, under this number.
    Probe(u32),
    /// Give the connection up.
    Dead,
}

impl Liveness {
    pub(crate) fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            last_heard: now,
            last_ping: now,
            last_probe: now,
            probes: 0,
            doubt: None,
        }
    }

    /// A frame arrived.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.doubt_longer(now);
    }

    /// The engine's ping arrived.
    pub(crate) fn pinged(&mut self, now: Instant) {
        self.heard(now);
        self.last_ping = now;
    }

    /// The answer to a probe arrived.
    pub(crate) fn answered(&mut self, probe: u32, now: Instant) {
        self.heard(now);
        let settles = |doubt: &Doubt| doubt.probe.is_some_and(|first| probe >= first);
        self.doubt = self.doubt.filter(|doubt| !settles(doubt));
    }

    /// Bytes of a frame arrived that is not complete yet. No ping and no answer
    /// to a probe can overtake it, so it stands for both.
    pub(crate) fn progressed(&mut self, now: Instant) {
        self.pinged(now);
    }

    /// Reading goes on after a pause that was our own doing.
    pub(crate) fn resumed(&mut self, now: Instant) {
        self.pinged(now);
    }

    /// We did not run for a while. What we could not hear meanwhile is not held
    /// against the server; that it answers now is.
    pub(crate) fn woke(&mut self, gap: Gap, now: Instant) {
        let shift = |at: &mut Instant| *at = (*at + gap.missed).min(now);
        shift(&mut self.last_heard);
        shift(&mut self.last_ping);
        shift(&mut self.last_probe);
        self.doubt = Some(Doubt {
            probe: None,
            until: now + self.limits.wake,
        });
    }

    /// What we have to say waits to be written, and a probe with it: a server
    /// cannot answer what did not reach it. (Writing has a limit of its own.) Where
    /// it `moves`, somebody takes it on the other side: no silence, though the engine
    /// there still owes its pings.
    pub(crate) fn held_up(&mut self, moves: bool, now: Instant) {
        if moves {
            self.last_heard = now;
        }
        self.doubt_longer(now);
    }

    fn doubt_longer(&mut self, now: Instant) {
        if let Some(doubt) = &mut self.doubt {
            doubt.until = now + self.limits.wake;
        }
    }

    /// When to ask again.
    pub(crate) fn deadline(&self) -> Instant {
        match self.doubt {
            // It is due at once.
            Some(Doubt { probe: None, .. }) => self.last_heard.min(self.last_probe),
            _ => self.next_probe().min(self.death()),
        }
    }

    fn next_probe(&self) -> Instant {
        self.last_heard.max(self.last_probe) + self.limits.probe_interval
    }

    fn death(&self) -> Instant {
        let engine = self.last_ping + self.limits.patience;
        let silence = self.last_heard + self.limits.silence;
        let doubt = self.doubt.map(|doubt| doubt.until);
        engine.min(silence).min(doubt.unwrap_or(silence))
    }

    /// Asks. A probe asked for counts as sent.
    pub(crate) fn check(&mut self, now: Instant) -> Verdict {
        if let Some(doubt @ Doubt { probe: None, .. }) = self.doubt {
            let number = self.probe(now);
            let probe = Some(number);
            self.doubt = Some(Doubt { probe, ..doubt });
            Verdict::Probe(number)
        } else if now >= self.death() {
            Verdict::Dead
        } else if now >= self.next_probe() {
            Verdict::Probe(self.probe(now))
        } else {
            Verdict::Wait
        }
    }

    fn probe(&mut self, now: Instant) -> u32 {
        self.last_probe = now;
        self.probes = self.probes.saturating_add(1);
        self.probes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn fresh(now: Instant) -> Liveness {
        let limits = Limits {
            probe_interval: 5 * S,
            silence: 15 * S,
            patience: 45 * S,
            wake: 3 * S,
        };
        Liveness::new(limits, now)
    }

    #[test]
    fn silence_is_probed_twice_and_then_believed() {
        let start = Instant::now();
        let mut liveness = fresh(start);
        let mut seen = Vec::new();
        let mut now = start;
        while seen.last() != Some(&(15, Verdict::Dead)) {
            assert!(now < start + 20 * S, "{seen:?}");
            now = liveness.deadline();
            seen.push(((now - start).as_secs(), liveness.check(now)));
        }
        assert_eq!(
            seen,
            [
                (5, Verdict::Probe(1)),
                (10, Verdict::Probe(2)),
                (15, Verdict::Dead)
            ]
        );
    }

    #[test]
    fn any_frame_ends_the_silence_but_only_a_ping_satisfies_the_engine() {
        let start = Instant::now();
        let mut liveness = fresh(start);
        for second in 1..45 {
            liveness.heard(start + second * S);
            assert_eq!(liveness.check(start + second * S), Verdict::Wait);
        }
        assert_eq!(liveness.check(start + 45 * S), Verdict::Dead);
        liveness.pinged(start + 45 * S);
        assert_eq!(liveness.check(start + 46 * S), Verdict::Wait);
    }

    #[test]
    fn a_long_download_and_a_pause_are_no_silence() {
        let start = Instant::now();
        let mut liveness = fresh(start);
        liveness.progressed(start + 44 * S);
        assert_eq!(liveness.check(start + 48 * S), Verdict::Wait);
        liveness.resumed(start + 600 * S);
        assert_eq!(liveness.check(start + 604 * S), Verdict::Wait);
        assert_eq!(liveness.check(start + 605 * S), Verdict::Probe(1));
    }

    fn gap(seconds: u64) -> Gap {
        Gap {
            missed: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn after_a_gap_one_probe_goes_out_at_once_and_has_little_time() {
        let start = Instant::now();
        let mut liveness = fresh(start);
        let now = start + S;
        liveness.woke(gap(0), now);
        assert!(liveness.deadline() <= now);
        assert_eq!(liveness.check(now), Verdict::Probe(1));
        assert_eq!(liveness.check(now), Verdict::Wait, "one is enough");
        assert_eq!(liveness.deadline(), now + 3 * S);
        assert_eq!(liveness.check(now + 3 * S), Verdict::Dead);
    }

    #[test]
    fn who_answers_the_probe_is_alive_and_other_frames_give_time() {
        let start = Instant::now();
        let mut liveness = fresh(start);
        liveness.woke(gap(0), start);
        assert_eq!(liveness.check(start), Verdict::Probe(1));
        liveness.heard(start + 2 * S);
        assert_eq!(liveness.check(start + 4 * S), Verdict::Wait);
        liveness.answered(0, start + 4 * S);
        assert_eq!(
            liveness.check(start + 7 * S),
            Verdict::Dead,
            "an old answer"
        );
        liveness.answered(1, start + 4 * S);
        assert_eq!(liveness.check(start + 8 * S), Verdict::Wait);
        assert_eq!(liveness.deadline(), start + 9 * S);
    }

    #[test]
    fn a_probe_that_waits_to_be_written_is_waited_for_within_the_usual_limit() {
        let start = Instant::now();
        let mut liveness = fresh(start);
        liveness.woke(gap(0), start);
        assert_eq!(liveness.check(start), Verdict::Probe(1));
        for second in 1..15 {
            liveness.held_up(false, start + second * S);
            assert_ne!(liveness.check(start + second * S), Verdict::Dead);
        }
        assert_eq!(liveness.check(start + 15 * S), Verdict::Dead);
    }

    #[test]
    fn a_long_upload_that_moves_is_no_silence_but_excuses_no_missing_ping() {
        let start = Instant::now();
        let mut liveness = fresh(start);
        for second in 1..45 {
            liveness.held_up(true, start + second * S);
            assert_eq!(liveness.check(start + second * S), Verdict::Wait);
        }
        assert_eq!(liveness.check(start + 45 * S), Verdict::Dead);
    }

    #[test]
    fn what_could_not_be_heard_is_not_held_against_the_server() {
        let start = Instant::now();
        let mut liveness = fresh(start);
        let now = start + 601 * S;
        liveness.woke(gap(600), now);
        assert_eq!(liveness.check(now), Verdict::Probe(1));
        liveness.answered(1, now);
        assert_eq!(liveness.check(now), Verdict::Wait);
        assert_eq!(liveness.check(now + 5 * S), Verdict::Probe(2));
        assert_eq!(liveness.check(now + 15 * S), Verdict::Dead);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever happens when: a deadline is kept at once, one who is silent is
        /// given up, and one who answers every probe and pings never is.
        #[test]
        fn silence_ends_it_and_answers_keep_it(
            steps in prop::collection::vec((0_u64..2_000, 0_u8..5), 1..200), answers: bool
        ) {
            let mut now = Instant::now();
            let start = now;
            let mut liveness = fresh(now);
            let mut dead = false;
            for (passed, what) in steps {
                now += Duration::from_millis(passed);
                match what {
                    0 => liveness.woke(gap(passed / 1_000), now),
                    1 if answers => liveness.pinged(now),
                    _ => {}
                }
                while liveness.deadline() <= now && !dead {
                    match liveness.check(now) {
                        Verdict::Dead => dead = true,
                        Verdict::Probe(number) if answers => liveness.answered(number, now),
                        Verdict::Probe(_) => {}
                        Verdict::Wait => prop_assert!(false, "due, and nothing to do"),
                    }
                }
                if answers && liveness.last_ping + 44 * S > now {
                    prop_assert!(!dead);
                }
            }
            if !answers && now > start + 400 * S {
                prop_assert!(dead);
            }
        }
    }
}
