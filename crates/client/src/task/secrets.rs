//! The session in the secret store. A keyring may block for as long as a
//! person looks at its prompt, so it is asked on a thread of its own; after a
//! time we go on without it, and take its answer whenever it comes.

use std::{
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use parlour_protocol::SessionId;
use tokio::sync::mpsc;

use super::Engine;
use crate::{
    ports::{SecretError, SecretStore},
    session::Input,
    store::{Account, AccountId, StoreError},
    view::{Failure, FailureCode, SecretsBackend, SecretsView},
};

/// How long a secret store may take before we go on without it.
const LIMIT: Duration = Duration::from_secs(5);

/// How many requests may wait behind a prompt that nobody answers.
const WAITING: usize = 8;

enum Job {
    Load(AccountId, String),
    Save(AccountId, String, SessionId),
    Delete(AccountId, String),
}

/// What the store said.
pub(super) enum Answer {
    Loaded(AccountId, Result<Option<SessionId>, SecretError>),
    Saved(AccountId, Result<(), SecretError>),
    Deleted(AccountId, Result<(), SecretError>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Load,
    Save,
    Delete,
}

/// The thread that asks the store, and what we wait for.
pub(super) struct SecretsTask {
    profile: String,
    backend: SecretsBackend,
    jobs: SyncSender<Job>,
    answers: mpsc::Receiver<Answer>,
    /// What was asked last, and until when it is waited for.
    awaited: Option<(Awaited, Instant)>,
    /// How many questions are with the thread.
    unanswered: usize,
    failure: Option<Failure>,
}

impl SecretsTask {
    pub(super) fn start(profile: String, store: Arc<dyn SecretStore>) -> Self {
        let backend = store.backend();
        let (jobs, inbox) = sync_channel::<Job>(WAITING);
        let (answer, answers) = mpsc::channel(WAITING);
        let spawned = thread::Builder::new()
            .name("parlour-secrets".into())
            .spawn(move || {
                for job in inbox {
                    let said = match job {
                        Job::Load(id, key) => Answer::Loaded(id, store.load(&key)),
                        Job::Save(id, key, session_id) => {
                            Answer::Saved(id, store.save(&key, &session_id))
                        }
                        Job::Delete(id, key) => Answer::Deleted(id, store.delete(&key)),
                    };
                    if answer.blocking_send(said).is_err() {
                        return;
                    }
                }
            });
        if let Err(error) = spawned {
            // Every job then fails as one of a store that is gone.
            tracing::error!(%error, "the thread of the secret store could not be started");
        }
        Self {
            profile,
            backend,
            jobs,
            answers,
            awaited: None,
            unanswered: 0,
            failure: None,
        }
    }

    pub(super) fn view(&self) -> SecretsView {
        let backend = if self.failure.is_some() {
            SecretsBackend::Memory
        } else {
            self.backend
        };
        SecretsView {
            backend,
            failure: self.failure.clone(),
        }
    }

    pub(super) fn load(&mut self, account: &Account) {
        let job = Job::Load(account.id, self.key(account));
        self.ask(job, Awaited::Load);
    }

    pub(super) fn delete(&mut self, account: &Account) {
        let job = Job::Delete(account.id, self.key(account));
        self.failure = None;
        self.ask(job, Awaited::Delete);
    }

    fn save(&mut self, account: &Account, session_id: SessionId) {
        let job = Job::Save(account.id, self.key(account), session_id);
        self.ask(job, Awaited::Save);
    }

    fn ask(&mut self, job: Job, awaited: Awaited) {
        match self.jobs.try_send(job) {
            Ok(()) => self.unanswered += 1,
            Err(_) => tracing::warn!("the secret store takes no more requests"),
        }
        // A store that is stuck or gone is noticed by its silence.
        self.awaited = Some((awaited, tokio::time::Instant::now().into_std() + LIMIT));
    }

    /// The next answer; pending for ever where the thread is gone.
    pub(super) async fn answer(&mut self) -> Answer {
        match self.answers.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.awaited.map(|(_, deadline)| deadline)
    }

    /// One entry for each identity of each profile.
    fn key(&self, account: &Account) -> String {
        let user_id = account.user_id.as_ref().map_or("", |id| id.as_str());
        format!("{} {} {user_id}", self.profile, account.server)
    }

    /// Answers come in the order of the questions, so only the last one ends the wait.
    fn answered(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
        if self.unanswered == 0 {
            self.awaited = None;
        }
    }
}

impl Engine {
    /// Puts the present session into the secret store.
    pub(super) fn save_session(&mut self) -> Result<(), StoreError> {
        let session_id = self
            .session
            .identity()
            .and_then(|identity| identity.session_id.clone());
        if let (Some(account), Some(session_id)) = (&self.account, session_id) {
            self.secrets.save(account, session_id);
        }
        Ok(())
    }

    pub(super) fn secrets_answered(&mut self, answer: Answer) -> Result<(), StoreError> {
        match answer {
            Answer::Loaded(id, result) => {
                self.secrets.answered();
                // Somebody may have signed in under another identity meanwhile.
                if self
                    .account
                    .as_ref()
                    .is_some_and(|account| account.id == id)
                {
                    self.step(Input::Loaded(result.map_err(Failure::from)))?;
                }
                Ok(())
            }
            Answer::Saved(id, result) => {
                self.secrets.answered();
                let kept = result.is_ok() && self.secrets.backend != SecretsBackend::Memory;
                self.store.set_has_session(id, kept)?;
                // The notice is about whoever is here now.
                if self
                    .account
                    .as_ref()
                    .is_some_and(|account| account.id == id)
                {
                    self.save_failed(result.err().map(Failure::from));
                }
                Ok(())
            }
            Answer::Deleted(id, result) => {
                self.secrets.answered();
                // A save before it may have been answered after the sign-out.
                self.store.set_has_session(id, false)?;
                if let Err(error) = result {
                    tracing::warn!(%error, "the session could not be deleted from the secret store");
                }
                Ok(())
            }
        }
    }

    pub(super) fn secrets_overdue(&mut self) -> Result<(), StoreError> {
        let Some((awaited, deadline)) = self.secrets.awaited else {
            return Ok(());
        };
        if tokio::time::Instant::now().into_std() < deadline {
            return Ok(());
        }
        self.secrets.awaited = None;
        let failure = Failure {
            code: FailureCode::KeyringTimedOut,
            detail: None,
        };
        match awaited {
            Awaited::Load => self.step(Input::Loaded(Err(failure))),
            Awaited::Save => {
                self.save_failed(Some(failure));
                Ok(())
            }
            Awaited::Delete => {
                tracing::warn!("the secret store did not answer in time");
                Ok(())
            }
        }
    }

    /// Waits for what the store was asked last, before the engine ends: a
    /// session that was given a moment ago is to be there the next time.
    pub(super) async fn secrets_settled(&mut self) -> Result<(), StoreError> {
        while self
            .secrets
            .awaited
            .is_some_and(|(awaited, _)| awaited != Awaited::Load)
        {
            let answer = self.secrets.answer().await;
            self.secrets_answered(answer)?;
        }
        Ok(())
    }

    fn save_failed(&mut self, failure: Option<Failure>) {
        self.secrets.failure = failure;
        self.changes.secrets();
    }
}
