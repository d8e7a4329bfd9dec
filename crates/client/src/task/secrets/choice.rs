//! A person says where the session is to be kept.

use super::SecretEntry;
use crate::{store::StoreError, task::Engine, view::SecretsBackend};

impl Engine {
    /// Keeps the session there, and only then nowhere else. Where there is none,
    /// the place has to show that it works.
    pub(in crate::task) fn choose_secrets(
        &mut self,
        backend: SecretsBackend,
    ) -> Result<(), StoreError> {
        self.changes.secrets();
        self.secrets.unswept.clear();
        if backend == SecretsBackend::Memory {
            self.store.set_secrets_choice(backend)?;
            self.secrets.recorded = Some(backend);
            self.secrets.choosing = None;
            self.secrets.failure = None;
            return self.save_session();
        }
        self.secrets.choosing = Some(backend);
        self.secrets.failure = None;
        if self.is_kept_in(backend) {
            // It is there already; it may have been on its way to elsewhere.
            self.store.set_secrets_choice(backend)?;
            self.secrets.recorded = Some(backend);
            self.secrets.choosing = None;
            return self.save_session();
        }
        if self.present_session().is_some() {
            return self.save_session();
        }
        if self.session.is_resumable() && self.is_resumed_from(backend)? {
            return self.resume_here();
        }
        self.ask_secrets(backend, self.probe())
    }

    /// Whether the session that could not be read is to be found there.
    fn is_resumed_from(&self, backend: SecretsBackend) -> Result<bool, StoreError> {
        let Some(account) = &self.account else {
            return Ok(false);
        };
        let entry = self.store.session_entry(account.id)?;
        Ok(entry.is_some_and(|SecretEntry { backend: kept, .. }| kept == backend))
    }
}
