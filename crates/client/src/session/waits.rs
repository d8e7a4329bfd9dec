//! How long to stay away after a connection, or in place of one.

use std::time::{Duration, Instant};

use super::{Session, State};
use crate::{
    backoff,
    view::{Failure, FailureCode},
};

/// The longest that a server may tell us to stay away.
const LONGEST_ABSENCE: Duration = Duration::from_secs(300);

impl Session {
    pub(super) fn wait(&mut self, reason: Failure, now: Instant, jitter: f64) {
        self.wait_at_least(Duration::ZERO, reason, now, jitter);
    }

    pub(super) fn wait_at_least(
        &mut self,
        least: Duration,
        reason: Failure,
        now: Instant,
        jitter: f64,
    ) {
        // Losing a connection that had lasted is the first failure.
        self.attempt = self.attempt.max(1);
        // Spread out, so that not everyone comes back when they were told to.
        let least = least.min(LONGEST_ABSENCE).mul_f64(1.0 + 0.5 * jitter);
        let until = now + least + backoff::delay(self.attempt, jitter);
        self.state = State::Waiting { until, reason };
    }

    /// The connection is gone, as was announced or not.
    pub(super) fn lost(&mut self, reason: Failure, now: Instant, jitter: f64) {
        let Some(wait) = self.comes_back.take() else {
            return self.wait(reason, now, jitter);
        };
        self.attempt = 0;
        let reason = Failure {
            code: FailureCode::ServerRestarting,
            detail: None,
        };
        self.wait_at_least(wait, reason, now, jitter);
    }
}
