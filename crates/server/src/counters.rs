//! What was refused or ignored, counted: the only trace that bad input leaves.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start. Nothing here holds content, names or ids.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    malformed: AtomicU64,
    unknown_recipient: AtomicU64,
    refused: AtomicU64,
    cut: AtomicU64,
    storage_failures: AtomicU64,
}

/// A copy of the counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that could not be read.
    pub malformed: u64,
    /// Messages to nobody who is known here.
    pub unknown_recipient: u64,
    /// Sign-ins refused for their name.
    pub refused: u64,
    /// Connections cut because a queue of theirs was full or a message of theirs could not be stored.
    pub cut: u64,
    /// Transactions that failed.
    pub storage_failures: u64,
}

impl Counters {
    /// The counts now.
    pub(crate) fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            malformed: get(&self.malformed),
            unknown_recipient: get(&self.unknown_recipient),
            refused: get(&self.refused),
            cut: get(&self.cut),
            storage_failures: get(&self.storage_failures),
        }
    }

    pub(crate) fn malformed(&self) {
        count(&self.malformed, "ignored a message that cannot be read");
    }

    pub(crate) fn unknown_recipient(&self) {
        count(&self.unknown_recipient, "ignored a message to nobody here");
    }

    pub(crate) fn refused(&self) {
        count(&self.refused, "refused a sign-in for its name");
    }

    pub(crate) fn cut(&self, why: &'static str) {
        count(&self.cut, why);
    }

    pub(crate) fn storage_failure(&self) {
        count(&self.storage_failures, "a transaction failed");
    }
}

/// Warns at the 1st, 2nd, 4th, 8th … time, so that a flood of bad input is no
/// flood of log lines.
fn count(counter: &AtomicU64, what: &'static str) {
    let so_far = counter.fetch_add(1, Ordering::Relaxed) + 1;
    if so_far.is_power_of_two() {
        tracing::warn!(so_far, "{what}");
    }
}
