//! Who is writing: told and heard, never stored.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parlour_protocol::{UserId, limits::TYPING_INTERVAL_MS, pm};

use crate::{ports::Notice, task::Engine};

/// How long it holds that somebody is writing: two that come late by less than
/// this leave no gap.
pub(in crate::task) const TYPING_MS: u32 = 2 * TYPING_INTERVAL_MS as u32;

const INTERVAL: Duration = Duration::from_millis(TYPING_INTERVAL_MS);

/// Who is remembered at a time. Of more than this nobody could follow the news.
const REMEMBERED: usize = 64;

/// When it was told and heard last, on one connection.
#[derive(Debug, Default)]
pub(super) struct Typing {
    told: Lately,
    heard: Lately,
}

/// What happened within the last [`INTERVAL`], by user.
#[derive(Debug, Default)]
struct Lately(HashMap<UserId, Instant>);

impl Lately {
    /// Whether this is the first time in a while.
    fn once(&mut self, user: &UserId, now: Instant) -> bool {
        self.0
            .retain(|_, at| now.saturating_duration_since(*at) < INTERVAL);
        if self.0.contains_key(user) || self.0.len() >= REMEMBERED {
            return false;
        }
        self.0.insert(user.clone(), now);
        true
    }
}

impl Engine {
    /// Tells the other side that somebody is writing here, if it can be told now.
    pub(in crate::task) fn tell_typing(&mut self, to: &UserId) {
        let now = self.clock.now();
        let is_other = self.roster.me() != Some(to) && self.roster.is_listed(to);
        if !is_other || !self.session.is_online() {
            return;
        }
        if let Some(link) = &mut self.link
            && let Some(pm) = &mut link.pm
            && pm.typing.told.once(to, now)
            // A line that is full has better things to carry.
            && link
                .sender
                .tell(&Notice::Typing(pm::Typing { to: to.clone() }))
                .is_err()
        {
            tracing::debug!("it was not told that somebody is writing");
        }
    }

    /// Somebody is writing to us.
    pub(in crate::task) fn typing(&mut self, from: UserId) {
        let now = self.clock.now();
        let is_other = self.roster.me() != Some(&from) && self.roster.is_listed(&from);
        if let Some(pm) = self.link.as_mut().and_then(|link| link.pm.as_mut())
            && is_other
            && pm.typing.heard.once(&from, now)
        {
            self.changes.typing(from);
        }
    }
}
