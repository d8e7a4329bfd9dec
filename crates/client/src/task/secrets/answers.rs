//! What the secret store said, and what follows.

use parlour_protocol::SessionId;

use super::{Answer, Job, Question, Said};
use crate::{
    ports::SecretError,
    session::Input,
    store::{AccountId, SecretEntry, StoreError},
    task::Engine,
    view::SecretsBackend,
};

impl Engine {
    pub(in crate::task) fn secrets_answered(&mut self, answer: Answer) -> Result<(), StoreError> {
        let said = self.secrets.desk.answered(answer.ticket, answer.result);
        self.all_said(said)
    }

    /// Goes on without a store that does not answer.
    pub(in crate::task) fn secrets_overdue(&mut self) -> Result<(), StoreError> {
        let said = self.secrets.desk.overdue(self.clock.now());
        if said.is_empty() {
            return Ok(());
        }
        tracing::warn!("the secret store does not answer; its thread is let go");
        self.secrets.worker = None;
        self.all_said(said)
    }

    fn all_said(&mut self, said: Vec<Said>) -> Result<(), StoreError> {
        let handled = said
            .into_iter()
            .try_for_each(|said| self.secrets_said(said));
        let more = self.secrets.work(self.clock.now());
        let handled_more = more
            .into_iter()
            .try_for_each(|said| self.secrets_said(said));
        handled.and(handled_more)
    }

    pub(super) fn secrets_said(&mut self, said: Said) -> Result<(), StoreError> {
        let Said {
            question: Question { backend, job, .. },
            result,
            late,
        } = said;
        if result.is_ok() {
            self.secrets.proven.insert(backend);
            self.secrets.unswept.remove(&backend);
        }
        match job {
            Job::Probe { .. } => self.probed(backend, result.map(drop), late),
            Job::Load { account, .. } => self.session_loaded(backend, account, result, late),
            Job::Save {
                account,
                name,
                session_id,
            } => {
                let entry = SecretEntry { backend, name };
                self.saved(account, entry, session_id, result.map(drop), late)
            }
            Job::Delete { name } => self.deleted(SecretEntry { backend, name }, result.map(drop)),
        }
    }

    fn probed(
        &mut self,
        backend: SecretsBackend,
        result: Result<(), SecretError>,
        late: bool,
    ) -> Result<(), StoreError> {
        match result {
            Ok(()) => {
                self.works_again(backend)?;
                self.sweep()
            }
            Err(error) if !late => {
                self.keeping_failed(backend, error);
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    fn session_loaded(
        &mut self,
        backend: SecretsBackend,
        account: AccountId,
        result: Result<Option<SessionId>, SecretError>,
        late: bool,
    ) -> Result<(), StoreError> {
        // Somebody may have signed in under another identity meanwhile.
        let is_ours = self.account.as_ref().is_some_and(|a| a.id == account);
        match result {
            Ok(session_id) => {
                if is_ours {
                    self.step(Input::Loaded(Ok(session_id.clone())))?;
                    if session_id.is_some() && session_id == self.present_session() {
                        self.secrets.kept = session_id.map(|session_id| (session_id, backend));
                        self.changes.secrets();
                    }
                }
                self.works_again(backend)?;
                self.sweep()
            }
            // It was said before that there is no answer, and this is no better.
            Err(_) if late || !is_ours => Ok(()),
            Err(error) => {
                self.keeping_failed(backend, error.clone());
                self.step(Input::Loaded(Err(error.failure(backend))))
            }
        }
    }

    fn saved(
        &mut self,
        account: AccountId,
        entry: SecretEntry,
        session_id: SessionId,
        result: Result<(), SecretError>,
        late: bool,
    ) -> Result<(), StoreError> {
        let backend = entry.backend;
        let is_right = self.account.as_ref().is_some_and(|a| a.id == account)
            && self.present_session().as_ref() == Some(&session_id)
            && self.secrets.wanted() == backend
            && !self.is_kept_in(backend);
        match result {
            Ok(()) if is_right => {
                self.store.keep_session(account, &entry)?;
                self.secrets.recorded = Some(backend);
                self.secrets.choosing = None;
                self.secrets.failure = None;
                self.secrets.kept = Some((session_id, backend));
                self.changes.secrets();
                self.sweep()
            }
            // Nobody wants it any more.
            Ok(()) => self.sweep(),
            Err(error) if is_right && !late => {
                self.keeping_failed(backend, error);
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    fn deleted(
        &mut self,
        entry: SecretEntry,
        result: Result<(), SecretError>,
    ) -> Result<(), StoreError> {
        match result {
            // A save of it that has not been answered may still put it there.
            Ok(()) if self.secrets.desk.may_write(&entry) => Ok(()),
            Ok(()) => {
                self.store.remove_stray(&entry)?;
                self.sweep()
            }
            Err(error) => {
                tracing::warn!(%error, "an old session could not be deleted from the secret store; it will be tried again");
                self.secrets.unswept.insert(entry.backend);
                Ok(())
            }
        }
    }

    /// A place has shown that it works, maybe after it had failed.
    fn works_again(&mut self, backend: SecretsBackend) -> Result<(), StoreError> {
        if self.secrets.choosing == Some(backend) && self.present_session().is_none() {
            self.store.set_secrets_choice(backend)?;
            self.secrets.recorded = Some(backend);
            self.secrets.choosing = None;
            self.secrets.failure = None;
            self.changes.secrets();
        }
        if self.secrets.wanted() == backend && self.secrets.failure.take().is_some() {
            self.changes.secrets();
        }
        let wanted = self.secrets.wanted();
        let moves = wanted != SecretsBackend::Memory || self.secrets.kept.is_some();
        if self.present_session().is_some()
            && !self.is_kept_in(wanted)
            && !self.secrets.desk.is_saving(wanted)
            && moves
        {
            return self.save_session();
        }
        Ok(())
    }

    /// Nothing can be kept there now: a choice of it is void, and people are told.
    fn keeping_failed(&mut self, backend: SecretsBackend, error: SecretError) {
        if self.secrets.wanted() != backend {
            return;
        }
        tracing::warn!(%error, ?backend, "the secret store failed");
        self.secrets.choosing = None;
        self.secrets.failure = Some(error.failure(backend));
        self.changes.secrets();
    }
}
