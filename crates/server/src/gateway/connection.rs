//! What is known of one connection.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parlour_protocol::{
    SessionId, UserId,
    limits::{RECEIPT_INTERVAL_MS, TYPING_INTERVAL_MS},
};

use crate::hub::{ConnectionId, Pace};

/// The state of one connection in the namespace.
pub(crate) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) user: UserId,
    /// Until it has joined.
    pub(super) session_id: Option<SessionId>,
    /// Its client speaks pm.
    pub(super) pm: bool,
    pub(super) is_new: bool,
    pub(super) resumed: bool,
    /// Bytes of what it will be sent first, roughly.
    pub(super) snapshot: usize,
    /// `None`: nobody is slowed down.
    pub(super) pace: Option<Arc<Pace>>,
    pub(super) typing: Lately,
    pub(super) receipts: Lately,
}

/// What was done to whom in the last moments.
pub(super) struct Lately {
    interval: Duration,
    done: Vec<(Box<str>, Instant)>,
}

/// To so many people at once nobody writes.
const MOST: usize = 32;

impl Lately {
    /// `pm:typing`.
    pub(super) fn typing() -> Self {
        Self::new(TYPING_INTERVAL_MS)
    }

    /// `pm:read` and, to nobody in particular, `pm:received`.
    pub(super) fn receipts() -> Self {
        Self::new(RECEIPT_INTERVAL_MS)
    }

    fn new(interval_ms: u64) -> Self {
        Self {
            interval: Duration::from_millis(interval_ms),
            done: Vec::new(),
        }
    }

    /// Takes note of one more.
    ///
    /// # Errors
    /// The last one was too short a time ago; how long until the next.
    pub(super) fn once(&mut self, whom: &str, now: Instant) -> Result<(), Duration> {
        let interval = self.interval;
        let left = |at: Instant| interval.saturating_sub(now.saturating_duration_since(at));
        self.done.retain(|(_, at)| !left(*at).is_zero());
        if let Some((_, at)) = self.done.iter().find(|(done, _)| **done == *whom) {
            return Err(left(*at));
        }
        if self.done.len() >= MOST {
            return Err(interval);
        }
        self.done.push((whom.into(), now));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_in_a_while_to_each() {
        let now = Instant::now();
        let mut lately = Lately::new(1_000);
        assert_eq!(lately.once("ann", now), Ok(()));
        assert_eq!(lately.once("bob", now), Ok(()));
        let soon = now + Duration::from_millis(400);
        assert_eq!(lately.once("ann", soon), Err(Duration::from_millis(600)));
        assert_eq!(lately.once("ann", now + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn it_remembers_a_bounded_number() {
        let now = Instant::now();
        let mut lately = Lately::new(1_000);
        let took = (0..100)
            .filter(|number| lately.once(&number.to_string(), now).is_ok())
            .count();
        assert_eq!(took, MOST);
    }
}
