//! How fast one user may go, over all of their connections.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    admission::{Rate, TokenBucket},
    limits::{REQUESTS_BURST, REQUESTS_PER_SECOND},
};

/// Two buckets: one for messages, which others get, and one for questions,
/// which only cost the server.
pub(crate) struct Pace {
    messages: Mutex<TokenBucket>,
    requests: Mutex<TokenBucket>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// To send a message.
    Message,
    /// To ask the server for something.
    Request,
}

impl Pace {
    /// Full buckets.
    pub(crate) fn new(messages: Rate, now: Instant) -> Self {
        let requests = Rate::new(REQUESTS_PER_SECOND, Duration::from_secs(1), REQUESTS_BURST);
        Self {
            messages: Mutex::new(TokenBucket::new(messages, now)),
            requests: Mutex::new(TokenBucket::new(requests, now)),
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
