//! How long to stay away after a connection, or in place of one.

use std::time::{Duration, Instant};

use super::{Effect, Session, State};
use crate::{
    backoff,
    view::{Failure, FailureCode},
};

/// The longest that a server may tell us to stay away.
const LONGEST_ABSENCE: Duration = Duration::from_secs(300);

/// After a wake-up: long enough that not all who slept come in the same instant,
/// as after a power cut, and far below the five seconds in which we want to be back.
const WAKING: Duration = Duration::from_secs(1);

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
        self.state = State::Waiting {
            until,
            not_before: now + least,
            reason,
        };
    }

    /// What failed before the sleep says nothing about the network of now. A wait
    /// that a server asked for went on during the sleep; it is not cut short by more.
    pub(super) fn woke(&mut self, slept: Duration, now: Instant, jitter: f64) -> Vec<Effect> {
        match &mut self.state {
            State::Waiting {
                until, not_before, ..
            } => {
                let asked_for = not_before
                    .saturating_duration_since(now)
                    .saturating_sub(slept);
                *not_before = now + asked_for;
                *until = (*not_before + WAKING.mul_f64(jitter.clamp(0.0, 1.0))).min(*until);
                self.attempt = 0;
                Vec::new()
            }
            // Under way to where the machine was before.
            State::Connecting => {
                self.attempt = 0;
                self.connect()
            }
            // The socket finds out by itself whether it still leads anywhere.
            State::Authenticating { .. } | State::CatchingUp { .. } | State::Online { .. } => {
                self.attempt = 0;
                Vec::new()
            }
            State::SignedOut { .. } | State::Loading => Vec::new(),
        }
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
