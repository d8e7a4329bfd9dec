//! How fast one user may go, over all of their connections.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    admission::{Rate, TokenBucket},
    limits::{JOINS_BURST, JOINS_PER_SECOND, REQUESTS_BURST, REQUESTS_PER_SECOND},
};

/// Three buckets: one for messages, which others get, one for questions, which
/// only cost the server, and one for connections, which cost it the most.
pub(crate) struct Pace {
    messages: Mutex<TokenBucket>,
    requests: Mutex<TokenBucket>,
    joins: Mutex<TokenBucket>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// To send a message.
    Message,
    /// To ask the server for something.
    Request,
    /// To join by one more connection.
    Join,
}

impl Pace {
    /// Full buckets.
    pub(crate) fn new(messages: Rate, now: Instant) -> Self {
        let second = Duration::from_secs(1);
        let bucket = |rate| Mutex::new(TokenBucket::new(rate, now));
        Self {
            messages: bucket(messages),
            requests: bucket(Rate::new(REQUESTS_PER_SECOND, second, REQUESTS_BURST)),
            joins: bucket(Rate::new(JOINS_PER_SECOND, second, JOINS_BURST)),
        }
    }

    /// Takes one's turn: how long to wait for it.
    ///
    /// # Errors
    /// It would not come within `patience`; how long it would be. Nothing was taken.
    pub(crate) fn reserve(
        &self,
        deed: Deed,
        now: Instant,
        patience: Duration,
    ) -> Result<Duration, Duration> {
        let bucket = match deed {
            Deed::Message => &self.messages,
            Deed::Request => &self.requests,
            Deed::Join => &self.joins,
        };
        // A bucket is one moment in time: whole, whatever happened to its holder.
        bucket
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .reserve(now, patience)
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").finish_non_exhaustive()
    }
}
