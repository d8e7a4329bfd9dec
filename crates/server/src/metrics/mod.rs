//! What is counted, and how Prometheus gets it. Nothing here holds content,
//! names, ids or addresses.
//!
//! [`Metrics`] is counted into by whoever does the work, with atomics and
//! without locks. [`Scrape`] adds what is only looked at when somebody asks,
//! and [`endpoint`] serves it on a port of its own.

mod endpoint;
mod histogram;
mod page;
mod process;
mod scrape;

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use parlour_protocol::pm::Code;

use histogram::Histogram;

pub(crate) use endpoint::Endpoint;
pub(crate) use scrape::Scrape;

/// Counts since the start.
#[derive(Debug)]
pub(crate) struct Metrics {
    accepted: AtomicU64,
    duplicates: AtomicU64,
    refused_messages: ByCode,
    malformed: AtomicU64,
    unknown_recipient: AtomicU64,
    cut: AtomicU64,
    sign_ins: [AtomicU64; SignedIn::ALL.len()],
    refused_sign_ins: ByCode,
    storage_failures: AtomicU64,
    commit_seconds: Histogram,
    commit_messages: Histogram,
    queue: AtomicU64,
    users: AtomicU64,
    online: AtomicU64,
}

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignedIn {
    /// As a new user.
    Created,
    /// As a known user, by a password.
    Returned,
    /// By a session.
    Resumed,
}

/// A copy of some counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that could not be read.
    pub malformed: u64,
    /// Messages to nobody who is known here.
    pub unknown_recipient: u64,
    /// Sign-ins refused.
    pub refused: u64,
    /// Connections cut because a queue of theirs was full or a message of theirs could not be stored.
    pub cut: u64,
    /// Transactions that failed.
    pub storage_failures: u64,
}

/// A counter for each code.
#[derive(Debug, Default)]
struct ByCode([AtomicU64; CODES.len()]);

const CODES: [Code; 11] = [
    Code::BadRequest,
    Code::TooLarge,
    Code::RateLimited,
    Code::UnknownRecipient,
    Code::Forbidden,
    Code::Blocked,
    Code::SessionExpired,
    Code::Conflict,
    Code::ServerBusy,
    Code::Unsupported,
    Code::Unknown,
];

impl Default for Metrics {
    fn default() -> Self {
        Self {
            accepted: AtomicU64::default(),
            duplicates: AtomicU64::default(),
            refused_messages: ByCode::default(),
            malformed: AtomicU64::default(),
            unknown_recipient: AtomicU64::default(),
            cut: AtomicU64::default(),
            sign_ins: Default::default(),
            refused_sign_ins: ByCode::default(),
            storage_failures: AtomicU64::default(),
            commit_seconds: Histogram::seconds(),
            commit_messages: Histogram::sizes(),
            queue: AtomicU64::default(),
            users: AtomicU64::default(),
            online: AtomicU64::default(),
        }
    }
}

impl Metrics {
    /// The counts that tests and the log speak of.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            malformed: self.malformed.load(Relaxed),
            unknown_recipient: self.unknown_recipient.load(Relaxed),
            refused: self.refused_sign_ins.sum(),
            cut: self.cut.load(Relaxed),
            storage_failures: self.storage_failures.load(Relaxed),
        }
    }

    /// A commit made `messages` durable; it took `took`.
    pub(crate) fn commit(&self, messages: usize, took: Duration) {
        self.accepted.fetch_add(messages as u64, Relaxed);
        self.commit_messages.observe(messages as u64);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commit_seconds.observe(micros);
    }

    /// A message was known already, and its first answer given again.
    pub(crate) fn message_duplicate(&self) {
        self.duplicates.fetch_add(1, Relaxed);
    }

    /// A message was answered with `code`.
    pub(crate) fn message_refused(&self, code: Code) {
        self.refused_messages.add(code);
    }

    /// A message that cannot be read was ignored.
    pub(crate) fn malformed(&self) {
        count(&self.malformed, "ignored a message that cannot be read");
    }

    /// A message to nobody was ignored.
    pub(crate) fn unknown_recipient(&self) {
        count(&self.unknown_recipient, "ignored a message to nobody here");
    }

    /// Somebody came in.
    pub(crate) fn signed_in(&self, how: SignedIn) {
        if let Some(counter) = self.sign_ins.get(how as usize) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// Somebody was not let in.
    pub(crate) fn sign_in_refused(&self, code: Code) {
        let so_far = self.refused_sign_ins.add(code);
        if so_far.is_power_of_two() {
            tracing::warn!(so_far, code = code.as_str(), "refused a sign-in");
        }
    }

    /// A connection was cut.
    pub(crate) fn cut(&self, why: &'static str) {
        count(&self.cut, why);
    }

    /// A transaction failed.
    pub(crate) fn storage_failure(&self) {
        count(&self.storage_failures, "a transaction failed");
    }

    /// Commands that waited for the hub when it last looked.
    pub(crate) fn queue(&self, waiting: usize) {
        self.queue.store(waiting as u64, Relaxed);
    }

    /// How many users there are, and how many of them are here.
    pub(crate) fn users(&self, known: usize, online: usize) {
        self.users.store(known as u64, Relaxed);
        self.online.store(online as u64, Relaxed);
    }
}

impl SignedIn {
    const ALL: [Self; 3] = [Self::Created, Self::Returned, Self::Resumed];

    fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Returned => "returned",
            Self::Resumed => "resumed",
        }
    }
}

impl ByCode {
    /// Counts one more; how many there are now.
    fn add(&self, code: Code) -> u64 {
        let index = CODES.iter().position(|&known| known == code);
        // A code of a later protocol is counted as unknown, the last one.
        let counter = self.0.get(index.unwrap_or(CODES.len() - 1));
        counter.map_or(0, |counter| counter.fetch_add(1, Relaxed) + 1)
    }

    fn sum(&self) -> u64 {
        self.0.iter().map(|counter| counter.load(Relaxed)).sum()
    }

    fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|counter| counter.load(Relaxed));
        CODES.iter().map(|code| code.as_str()).zip(counts)
    }
}

/// Warns at the 1st, 2nd, 4th, 8th … time, so that a flood of bad input is no
/// flood of log lines.
fn count(counter: &AtomicU64, what: &'static str) {
    let so_far = counter.fetch_add(1, Relaxed) + 1;
    if so_far.is_power_of_two() {
        tracing::warn!(so_far, "{what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_code_and_together() {
        let metrics = Metrics::default();
        metrics.sign_in_refused(Code::Forbidden);
        metrics.sign_in_refused(Code::Forbidden);
        metrics.sign_in_refused(Code::RateLimited);
        assert_eq!(metrics.counts().refused, 3);
        let forbidden = metrics
            .refused_sign_ins
            .all()
            .find(|(code, _)| *code == "forbidden");
        assert_eq!(forbidden, Some(("forbidden", 2)));
    }
}
