//! The session in the secret store. A keyring may block for as long as a
//! person looks at its prompt, so it is asked on a thread of its own; after a
//! time we go on without it, and take its answer whenever it comes, if it is
//! still right by then.
//!
//! Every session that is to be kept gets an entry of its own name, which is noted
//! in the database before it is made. So an answer that comes late cannot put an
//! old session in place of a new one, and an entry that nobody wants any more is
//! deleted as soon as the store allows it: then, or in a later run.

mod answers;
mod choice;
mod desk;
mod worker;

use std::{collections::HashSet, sync::Arc, time::Instant};

use parlour_protocol::SessionId;
use tokio::sync::mpsc;

pub(super) use self::worker::Answer;
use self::{
    desk::{ABANDONED, Desk, Job, Question, Said},
    worker::Worker,
};
use super::Engine;
use crate::{
    ports::{SecretError, SecretStore, place},
    session::Input,
    store::{SecretEntry, StoreError},
    view::{Failure, SecretsBackend, SecretsView},
};

/// What is asked of the store, and what we know of it.
pub(super) struct SecretsTask {
    profile: String,
    store: Arc<dyn SecretStore>,
    /// Tells the entries of this database from those of others.
    database: String,
    desk: Desk,
    /// `None` until there is something to ask, and after a thread was let go.
    worker: Option<Worker>,
    answer: mpsc::Sender<Answer>,
    answers: mpsc::Receiver<Answer>,
    /// The place that was used or chosen last.
    recorded: Option<SecretsBackend>,
    /// A choice that holds once the place has shown that it works.
    choosing: Option<SecretsBackend>,
    /// The places that have worked in this run.
    proven: HashSet<SecretsBackend>,
    /// Where nothing can be deleted now.
    unswept: HashSet<SecretsBackend>,
    /// The session that is kept, and where.
    kept: Option<(SessionId, SecretsBackend)>,
    failure: Option<Failure>,
}

impl SecretsTask {
    pub(super) fn start(profile: String, store: Arc<dyn SecretStore>) -> Self {
        // One answer for each thread that any place can have in its hands.
        let (answer, answers) = mpsc::channel(3 * (ABANDONED + 1));
        Self {
            profile,
            store,
            database: String::new(),
            desk: Desk::default(),
            worker: None,
            answer,
            answers,
            recorded: None,
            choosing: None,
            proven: HashSet::new(),
            unswept: HashSet::new(),
            kept: None,
            failure: None,
        }
    }

    /// What a person may choose.
    fn choices(&self) -> Vec<SecretsBackend> {
        let others = self.store.others().iter().map(|other| other.backend());
        let mut choices = vec![self.store.backend()];
        choices.extend(others);
        choices.retain(|backend| *backend != SecretsBackend::Memory);
        choices.push(SecretsBackend::Memory);
        choices
    }

    /// Whether a person may choose this.
    pub(super) fn offers(&self, backend: SecretsBackend) -> bool {
        self.choices().contains(&backend)
    }

    /// Where a session is to be kept. A place that is not offered any more gives
    /// way to the host's own, as hosts decide what they offer.
    fn wanted(&self) -> SecretsBackend {
        let recorded = self.recorded.filter(|backend| self.offers(*backend));
        self.choosing
            .or(recorded)
            .unwrap_or_else(|| self.store.backend())
    }

    /// The next answer.
    pub(super) async fn answer(&mut self) -> Answer {
        match self.answers.recv().await {
            Some(answer) => answer,
            // Never: a sender is kept for the threads to come.
            None => std::future::pending().await,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.desk.deadline()
    }

    /// Queues a job and gives the thread what it can take. What fails at once is
    /// given back.
    fn ask(&mut self, backend: SecretsBackend, job: Job, now: Instant) -> Vec<Said> {
        let mut said: Vec<Said> = self.desk.ask(backend, job).into_iter().collect();
        said.extend(self.work(now));
        said
    }

    /// Gives the thread the next question, if it is free.
    fn work(&mut self, now: Instant) -> Vec<Said> {
        let mut said = Vec::new();
        while let Some(question) = self.desk.next(now) {
            let ticket = question.ticket;
            if let Err(error) = self.give(question) {
                said.extend(self.desk.answered(ticket, Err(error)));
            }
        }
        said
    }

    fn give(&mut self, question: Question) -> Result<(), SecretError> {
        if place(self.store.as_ref(), question.backend).is_none() {
            return Err(SecretError::Missing);
        }
        if let Some(worker) = &self.worker
            && worker.ask(question.clone())
        {
            return Ok(());
        }
        let started = Worker::start(self.store.clone(), self.answer.clone());
        let worker = started.map_err(|error| SecretError::Failed(error.to_string()))?;
        let taken = worker.ask(question);
        self.worker = Some(worker);
        match taken {
            true => Ok(()),
            false => Err(SecretError::Failed("its thread has ended".into())),
        }
    }
}

impl Engine {
    /// At the start: what was decided in earlier runs.
    pub(super) fn open_secrets(&mut self) -> Result<(), StoreError> {
        self.secrets.recorded = self.store.secrets_choice()?;
        // Not from the engine's own chance: two engines of the same seed must not
        // give the same names.
        self.secrets.database = self.store.secrets_database(rand::random())?;
        match self.secrets.wanted() {
            SecretsBackend::Memory => Ok(()),
            backend => self.store.name_old_sessions(&self.secrets.profile, backend),
        }
    }

    /// Whether sessions could be kept, where there is none to be loaded, which
    /// would tell as well. Nothing waits for the answer.
    pub(super) fn probe_secrets(&mut self) -> Result<(), StoreError> {
        let wanted = self.secrets.wanted();
        if !self.secrets.desk.is_idle() || wanted == SecretsBackend::Memory {
            return Ok(());
        }
        self.ask_secrets(wanted, self.probe())
    }

    /// A question that tells whether a place works. The name is the same in every
    /// run, so that one which is killed leaves nothing for good.
    fn probe(&self) -> Job {
        let SecretsTask {
            profile, database, ..
        } = &self.secrets;
        Job::Probe {
            name: format!("{profile} probe {database}"),
            value: SessionId::new(format!("{:032x}", rand::random::<u128>())),
        }
    }

    /// Reads the session of the account in use.
    pub(super) fn load_session(&mut self) -> Result<(), StoreError> {
        let Some(account) = self.account.as_ref().map(|account| account.id) else {
            return Ok(());
        };
        match self.store.session_entry(account)? {
            Some(SecretEntry { backend, name }) => {
                self.ask_secrets(backend, Job::Load { account, name })
            }
            None => self.step(Input::Loaded(Ok(None))),
        }
    }

    /// Keeps the present session where it is to be kept, and nowhere else.
    pub(super) fn save_session(&mut self) -> Result<(), StoreError> {
        let (Some(account), Some(session_id)) = (&self.account, self.present_session()) else {
            return Ok(());
        };
        let id = account.id;
        let user_id = account.user_id.as_ref().map_or("", |id| id.as_str());
        let identity = format!("{} {} {user_id}", self.secrets.profile, account.server);
        self.store.retire_others(id)?;
        self.secrets.desk.drop_saves();
        self.changes.secrets();
        let backend = self.secrets.wanted();
        if self.is_kept_in(backend) {
            self.secrets.failure = None;
            return Ok(());
        }
        if backend == SecretsBackend::Memory {
            self.store.retire_session(id)?;
            self.secrets.kept = None;
            self.secrets.failure = None;
            return self.sweep();
        }
        let database = &self.secrets.database;
        let entry = self.store.atomically(|store| {
            let name = format!("{identity} {database}-{}", store.next_secret()?);
            let entry = SecretEntry { backend, name };
            store.add_stray(&entry)?;
            Ok(entry)
        })?;
        if !self.secrets.proven.contains(&backend) {
            self.ask_secrets(backend, self.probe())?;
        }
        let save = Job::Save {
            account: id,
            name: entry.name,
            session_id,
        };
        self.ask_secrets(backend, save)
    }

    /// The session is not to be kept any more, nor is the account in use.
    pub(super) fn forget_session(&mut self) -> Result<(), StoreError> {
        let account = self.account.take();
        self.leave();
        self.secrets.kept = None;
        self.secrets.desk.drop_saves();
        self.secrets.unswept.clear();
        self.changes.secrets();
        let Some(account) = account else {
            return Ok(());
        };
        let entry = self.store.session_entry(account.id)?;
        let retired = self.store.retire_session(account.id);
        if let Some(SecretEntry { backend, name }) = entry {
            // First of all the secret goes, whatever the disk says to the rest.
            self.ask_secrets(backend, Job::Delete { name })?;
        }
        retired?;
        self.sweep()
    }

    /// Deletes one of the entries that nobody wants any more; its answer leads to
    /// the next one.
    fn sweep(&mut self) -> Result<(), StoreError> {
        let secrets = &self.secrets;
        if secrets.desk.is_deleting() {
            return Ok(());
        }
        let stray = self.store.strays()?.into_iter().find(|entry| {
            secrets.offers(entry.backend)
                && !secrets.unswept.contains(&entry.backend)
                && !secrets.desk.may_write(entry)
        });
        match stray {
            Some(SecretEntry { backend, name }) => self.ask_secrets(backend, Job::Delete { name }),
            None => Ok(()),
        }
    }

    fn ask_secrets(&mut self, backend: SecretsBackend, job: Job) -> Result<(), StoreError> {
        let said = self.secrets.ask(backend, job, self.clock.now());
        said.into_iter()
            .try_for_each(|said| self.secrets_said(said))
    }

    /// What people see of this.
    pub(super) fn secrets_view(&self) -> SecretsView {
        let secrets = &self.secrets;
        let (wanted, present) = (secrets.wanted(), self.present_session());
        let kept = secrets.kept.as_ref();
        let kept = kept.filter(|(session_id, _)| Some(session_id) == present.as_ref());
        let meanwhile = match (&present, &secrets.failure) {
            (None, None) => wanted,
            _ => SecretsBackend::Memory,
        };
        SecretsView {
            backend: kept.map_or(meanwhile, |(_, backend)| *backend),
            wanted,
            failure: secrets.failure.clone(),
            undecided: secrets.failure.is_some() && kept.is_none(),
            choices: secrets.choices(),
        }
    }

    fn present_session(&self) -> Option<SessionId> {
        self.session.identity()?.session_id.clone()
    }

    fn is_kept_in(&self, backend: SecretsBackend) -> bool {
        let kept = self.secrets.kept.as_ref();
        kept.is_some_and(|(session_id, place)| {
            *place == backend && Some(session_id) == self.present_session().as_ref()
        })
    }

    /// Waits for what was asked last, before the engine ends: a session that was
    /// given a moment ago is to be there the next time.
    pub(super) async fn secrets_settled(&mut self) -> Result<(), StoreError> {
        while self.secrets.desk.is_writing() {
            let answer = self.secrets.answer().await;
            self.secrets_answered(answer)?;
        }
        Ok(())
    }
}
