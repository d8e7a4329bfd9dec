//! Whether the other side is still there: arithmetic on points in time, nothing else.

use std::time::{Duration, Instant};

/// Two clocks run against a silent connection.
///
/// The engine's: the server has promised a ping every so often, and a connection
/// without one is dead to both sides, but on the official server's defaults that
/// takes 45 s. So a probe of our own, a WebSocket ping that any server must
/// answer, goes out whenever nothing was heard for a while.
#[derive(Debug)]
pub(crate) struct Liveness {
    probe_interval: Duration,
    silence_limit: Duration,
    patience: Duration,
    last_heard: Instant,
    last_ping: Instant,
    last_probe: Instant,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Wait,
    /// Send a probe.
    Probe,
    /// Give the connection up.
    Dead,
}

impl Liveness {
    pub(crate) fn new(
        probe_interval: Duration,
        silence_limit: Duration,
        patience: Duration,
        now: Instant,
    ) -> Self {
        Self {
            probe_interval,
            silence_limit,
            patience,
            last_heard: now,
            last_ping: now,
            last_probe: now,
        }
    }

    /// A frame arrived.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
    }

    /// The engine's ping arrived.
    pub(crate) fn pinged(&mut self, now: Instant) {
        self.last_heard = now;
        self.last_ping = now;
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

    /// When to ask again.
    pub(crate) fn deadline(&self) -> Instant {
        let probe = self.last_heard.max(self.last_probe) + self.probe_interval;
        probe.min(self.death())
    }

    fn death(&self) -> Instant {
        (self.last_ping + self.patience).min(self.last_heard + self.silence_limit)
    }

    /// Asks. A probe asked for counts as sent.
    pub(crate) fn check(&mut self, now: Instant) -> Verdict {
        if now >= self.death() {
            Verdict::Dead
        } else if now >= self.deadline() {
            self.last_probe = now;
            Verdict::Probe
        } else {
            Verdict::Wait
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn fresh(now: Instant) -> Liveness {
        Liveness::new(5 * S, 15 * S, 45 * S, now)
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
                (5, Verdict::Probe),
                (10, Verdict::Probe),
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
        assert_eq!(liveness.check(start + 605 * S), Verdict::Probe);
    }
}
