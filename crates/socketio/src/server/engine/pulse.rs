//! When a session is pinged, and when it is given up: arithmetic on points in
//! time, nothing else.
//!
//! ```text
//!            interval over: Ping                 timeout over
//!  Quiet ───────────────────────────▶ Awaiting ───────────────▶ dead
//!    ▲                                   │ pong
//!    └───────────────────────────────────┘
//! ```
//! Whatever arrives shows that the client lives, and prolongs the wait for the
//! pong behind it. Time in which the session is not read does not count: the pong
//! may be waiting to be read. Nor does time in which a stream is full: the ping may
//! be waiting to be written.

use std::time::{Duration, Instant};

use crate::server::{LeaveReason, ServerOptions};

/// When to look up where nothing is due: whatever changes that says so itself.
const SOME_TIME: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Pulse {
    interval: Duration,
    timeout: Duration,
    stall: Duration,
    /// When to ping next; while `Awaiting`, when it was.
    ping: Instant,
    /// Until when the pong must be here.
    pong_by: Option<Instant>,
    join_by: Instant,
}

/// The circumstances in which time passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// The session is being read.
    pub(super) reading: bool,
    /// There is a reason to keep it.
    pub(super) joined: bool,
    /// Since when something waits to be written and nothing moves.
    pub(super) stuck: Option<Instant>,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing until then.
    Nothing(Instant),
    /// Send a ping.
    Ping,
    /// Nobody came to join: close it.
    Close(LeaveReason),
    /// It is dead: cut it.
    Cut(LeaveReason),
}

impl Pulse {
    pub(super) fn new(options: &ServerOptions, now: Instant) -> Self {
        Self {
            interval: options.ping_interval,
            timeout: options.ping_timeout,
            stall: options.stall_timeout,
            ping: now + options.ping_interval,
            pong_by: None,
            join_by: now + options.connect_timeout,
        }
    }

    /// A pong arrived.
    pub(super) fn pong(&mut self, now: Instant) {
        if self.pong_by.take().is_some() {
            self.ping = now + self.interval;
        }
    }

    /// Something arrived, or reading begins again, or the ping is still to be written.
    pub(super) fn heard(&mut self, now: Instant) {
        if let Some(by) = &mut self.pong_by {
            *by = (*by).max(now + self.timeout);
        }
    }

    /// When to ask again; `None`: time alone changes nothing.
    pub(super) fn deadline(&self, circumstances: Circumstances) -> Option<Instant> {
        let Circumstances {
            reading,
            joined,
            stuck,
        } = circumstances;
        let beat = match self.pong_by {
            None => Some(self.ping),
            Some(by) => reading.then_some(by),
        };
        let join = (reading && !joined).then_some(self.join_by);
        let stall = stuck.map(|since| since + self.stall);
        [beat, join, stall].into_iter().flatten().min()
    }

    /// Asks. A ping that is due counts as sent.
    pub(super) fn due(&mut self, circumstances: Circumstances, now: Instant) -> Due {
        let Circumstances {
            reading,
            joined,
            stuck,
        } = circumstances;
        if reading && self.pong_by.is_some_and(|by| now >= by) {
            return Due::Cut(LeaveReason::PingTimeout);
        }
        if stuck.is_some_and(|since| now >= since + self.stall) {
            return Due::Cut(LeaveReason::SlowReader);
        }
        if reading && !joined && now >= self.join_by {
            return Due::Close(LeaveReason::ServerLeft);
        }
        if self.pong_by.is_none() && now >= self.ping {
            // From when it was due: a late timer is not the client's gain, unless
            // it was so late that the client would have no chance.
            let late = now > self.ping + self.timeout / 2;
            let from = if late { now } else { self.ping };
            self.pong_by = Some(from + self.timeout);
            return Due::Ping;
        }
        let until = self.deadline(circumstances).unwrap_or(now + SOME_TIME);
        Due::Nothing(until.max(now + Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);
    const IDLE: Circumstances = Circumstances {
        reading: true,
        joined: true,
        stuck: None,
    };

    fn fresh(now: Instant) -> Pulse {
        let options = ServerOptions {
            ping_interval: 25 * S,
            ping_timeout: 20 * S,
            connect_timeout: 45 * S,
            stall_timeout: 10 * S,
            ..ServerOptions::default()
        };
        Pulse::new(&options, now)
    }

    #[test]
    fn a_silent_client_is_pinged_once_and_then_given_up() {
        let start = Instant::now();
        let mut pulse = fresh(start);
        assert_eq!(pulse.due(IDLE, start), Due::Nothing(start + 25 * S));
        assert_eq!(pulse.due(IDLE, start + 25 * S), Due::Ping);
        assert_eq!(
            pulse.due(IDLE, start + 26 * S),
            Due::Nothing(start + 45 * S)
        );
        let dead = Due::Cut(LeaveReason::PingTimeout);
        assert_eq!(pulse.due(IDLE, start + 45 * S), dead);
    }

    #[test]
    fn pongs_keep_it_alive() {
        let start = Instant::now();
        let mut pulse = fresh(start);
        let mut now = start;
        for _ in 0..10 {
            now += 25 * S;
            assert_eq!(pulse.due(IDLE, now), Due::Ping);
            now += 19 * S;
            pulse.pong(now);
            assert_eq!(pulse.due(IDLE, now), Due::Nothing(now + 25 * S));
        }
        // One that nobody asked for changes nothing.
        pulse.pong(now + S);
        assert_eq!(pulse.due(IDLE, now + 25 * S), Due::Ping);
    }

    #[test]
    fn what_arrives_prolongs_the_wait_but_is_no_pong() {
        let start = Instant::now();
        let mut pulse = fresh(start);
        assert_eq!(pulse.due(IDLE, start + 25 * S), Due::Ping);
        pulse.heard(start + 40 * S);
        assert_eq!(
            pulse.due(IDLE, start + 45 * S),
            Due::Nothing(start + 60 * S)
        );
        let dead = Due::Cut(LeaveReason::PingTimeout);
        assert_eq!(pulse.due(IDLE, start + 60 * S), dead);
    }

    #[test]
    fn a_handler_that_takes_its_time_is_not_the_clients_silence() {
        let start = Instant::now();
        let mut pulse = fresh(start);
        let busy = Circumstances {
            reading: false,
            ..IDLE
        };
        assert_eq!(pulse.due(busy, start + 25 * S), Due::Ping);
        // However long it takes, nobody looks at the clock for it all the time.
        let later = Due::Nothing(start + 100 * S + SOME_TIME);
        assert_eq!(pulse.due(busy, start + 100 * S), later);
        pulse.heard(start + 100 * S);
        assert_eq!(
            pulse.due(IDLE, start + 101 * S),
            Due::Nothing(start + 120 * S)
        );
    }

    #[test]
    fn a_timer_that_is_very_late_leaves_the_client_its_time() {
        let start = Instant::now();
        let mut pulse = fresh(start);
        assert_eq!(pulse.due(IDLE, start + 100 * S), Due::Ping);
        assert_eq!(
            pulse.due(IDLE, start + 100 * S),
            Due::Nothing(start + 120 * S)
        );
    }

    #[test]
    fn who_does_not_read_or_never_joins_has_to_go() {
        let start = Instant::now();
        let stuck = Circumstances {
            stuck: Some(start),
            ..IDLE
        };
        assert_eq!(fresh(start).deadline(stuck), Some(start + 10 * S));
        let slow = Due::Cut(LeaveReason::SlowReader);
        assert_eq!(fresh(start).due(stuck, start + 10 * S), slow);
        let outside = Circumstances {
            joined: false,
            ..IDLE
        };
        let mut pulse = fresh(start);
        pulse.due(outside, start + 25 * S);
        pulse.pong(start + 25 * S);
        let close = Due::Close(LeaveReason::ServerLeft);
        assert_eq!(pulse.due(outside, start + 45 * S), close);
    }
}
