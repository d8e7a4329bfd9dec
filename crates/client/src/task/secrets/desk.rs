//! What the secret store is asked, in order, and what is still to be answered.
//!
//! ```text
//!   asked ──→ queued ──→ with the thread ──→ answered
//!               │              │ the time is over
//!               ↓              ↓
//!             failed         failed, and late ──→ answered late
//! ```
//!
//! A store that does not answer has a thread in its hands, which nobody can take
//! back. It is left there, and the next question gets another: a bounded number
//! of times. What else waited for the same place fails with it.
//!
//! It is pure: time is an argument.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use parlour_protocol::SessionId;

use crate::{
    ports::SecretError,
    store::{AccountId, SecretEntry},
    view::SecretsBackend,
};

/// How long a secret store may take before we go on without it.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// How many questions may wait for the thread: more than are ever asked at a time.
const WAITING: usize = 16;

/// How many threads one place may keep. Each is a prompt that nobody answered.
pub(super) const ABANDONED: usize = 4;

/// One thing that a store is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Whether it works.
    Probe { name: String, value: SessionId },
    /// For the session of an account.
    Load { account: AccountId, name: String },
    /// To keep it.
    Save {
        account: AccountId,
        name: String,
        session_id: SessionId,
    },
    /// To forget it.
    Delete { name: String },
}

impl Job {
    fn name(&self) -> &str {
        match self {
            Self::Probe { name, .. }
            | Self::Load { name, .. }
            | Self::Save { name, .. }
            | Self::Delete { name } => name,
        }
    }

    fn writes(&self) -> bool {
        matches!(self, Self::Save { .. } | Self::Delete { .. })
    }
}

/// A job, where, and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) ticket: u64,
    pub(super) backend: SecretsBackend,
    pub(super) job: Job,
}

/// How a question ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) question: Question,
    pub(super) result: Result<Option<SessionId>, SecretError>,
    /// It has been said before that it took too long.
    pub(super) late: bool,
}

/// The machine.
#[derive(Debug, Default)]
pub(super) struct Desk {
    queued: VecDeque<Question>,
    running: Option<(Question, Instant)>,
    late: Vec<Question>,
    tickets: u64,
}

impl Desk {
    /// Queues a job. What fails at once is given back.
    pub(super) fn ask(&mut self, backend: SecretsBackend, job: Job) -> Option<Said> {
        self.tickets += 1;
        let question = Question {
            ticket: self.tickets,
            backend,
            job,
        };
        let stuck = self.late.iter().filter(|q| q.backend == backend).count();
        if stuck >= ABANDONED || self.queued.len() >= WAITING {
            return Some(failed(question, SecretError::TimedOut));
        }
        self.queued.push_back(question);
        None
    }

    /// The next question, if the thread is free.
    pub(super) fn next(&mut self, now: Instant) -> Option<Question> {
        if self.running.is_some() {
            return None;
        }
        let question = self.queued.pop_front()?;
        self.running = Some((question.clone(), now + LIMIT));
        Some(question)
    }

    /// An answer, and what fails with it.
    pub(super) fn answered(
        &mut self,
        ticket: u64,
        result: Result<Option<SessionId>, SecretError>,
    ) -> Vec<Said> {
        if let Some(place) = self.late.iter().position(|q| q.ticket == ticket) {
            let question = self.late.swap_remove(place);
            let late = true;
            return vec![Said {
                question,
                result,
                late,
            }];
        }
        let Some((question, _)) = self.running.take_if(|(q, _)| q.ticket == ticket) else {
            return Vec::new();
        };
        let doomed = match (&question.job, &result) {
            // What does not work need not be tried.
            (Job::Probe { .. }, Err(error)) => self.fail(error, |q| {
                q.backend == question.backend && matches!(q.job, Job::Save { .. })
            }),
            _ => Vec::new(),
        };
        let mut said = vec![Said {
            question,
            result,
            late: false,
        }];
        said.extend(doomed);
        said
    }

    /// What has taken too long, if anything: its thread is to be let go.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<Said> {
        let Some((question, _)) = self.running.take_if(|(_, until)| now >= *until) else {
            return Vec::new();
        };
        self.late.push(question.clone());
        let doomed = self.fail(&SecretError::TimedOut, |q| q.backend == question.backend);
        let mut said = vec![failed(question, SecretError::TimedOut)];
        said.extend(doomed);
        said
    }

    fn fail(&mut self, error: &SecretError, doomed: impl Fn(&Question) -> bool) -> Vec<Said> {
        let (out, kept) = self.queued.drain(..).partition(|q| doomed(q));
        self.queued = kept;
        let out: VecDeque<Question> = out;
        out.into_iter()
            .map(|question| failed(question, error.clone()))
            .collect()
    }

    /// When [`Desk::overdue`] has something.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.running.as_ref().map(|(_, until)| *until)
    }

    /// Sessions that are not to be kept any more; one that is with the thread is
    /// dealt with when it is answered.
    pub(super) fn drop_saves(&mut self) {
        self.queued.retain(|q| !matches!(q.job, Job::Save { .. }));
    }

    /// Whether this entry may still be written.
    pub(super) fn may_write(&self, entry: &SecretEntry) -> bool {
        self.open()
            .chain(&self.late)
            .any(|q| q.job.writes() && q.backend == entry.backend && q.job.name() == entry.name)
    }

    /// Whether a session is about to be kept there.
    pub(super) fn is_saving(&self, backend: SecretsBackend) -> bool {
        self.open()
            .any(|q| q.backend == backend && matches!(q.job, Job::Save { .. }))
    }

    /// Whether an entry is about to be deleted.
    pub(super) fn is_deleting(&self) -> bool {
        self.open().any(|q| matches!(q.job, Job::Delete { .. }))
    }

    /// Whether what is waited for changes anything.
    pub(super) fn is_writing(&self) -> bool {
        self.open().any(|q| q.job.writes())
    }

    /// Whether nothing is asked.
    pub(super) fn is_idle(&self) -> bool {
        self.open().next().is_none()
    }

    fn open(&self) -> impl Iterator<Item = &Question> {
        self.running.iter().map(|(q, _)| q).chain(&self.queued)
    }
}

fn failed(question: Question, error: SecretError) -> Said {
    Said {
        question,
        result: Err(error),
        late: false,
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
