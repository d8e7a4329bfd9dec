//! Secrets that end with the process.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use parlour_protocol::SessionId;

use crate::{
    ports::{SecretError, SecretStore},
    view::SecretsBackend,
};

/// Keeps sessions in this process's memory: for tests, and for a person who
/// wants to be forgotten when the app closes.
#[derive(Debug, Default)]
pub struct MemorySecrets {
    sessions: Mutex<HashMap<String, SessionId>>,
}

impl MemorySecrets {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// No call below can leave the map half changed, so a panic elsewhere does not spoil it.
    fn sessions(&self) -> MutexGuard<'_, HashMap<String, SessionId>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretStore for MemorySecrets {
    fn backend(&self) -> SecretsBackend {
        SecretsBackend::Memory
    }

    fn load(&self, account: &str) -> Result<Option<SessionId>, SecretError> {
        Ok(self.sessions().get(account).cloned())
    }

    fn save(&self, account: &str, session_id: &SessionId) -> Result<(), SecretError> {
        self.sessions()
            .insert(account.to_owned(), session_id.clone());
        Ok(())
    }

    fn delete(&self, account: &str) -> Result<(), SecretError> {
        self.sessions().remove(account);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_replaces_and_forgets_by_account() {
        let secrets = MemorySecrets::new();
        assert_eq!(secrets.load("bob"), Ok(None));
        secrets.save("bob", &SessionId::new("one")).unwrap();
        secrets.save("eve", &SessionId::new("two")).unwrap();
        secrets.save("bob", &SessionId::new("three")).unwrap();
        assert_eq!(secrets.load("bob"), Ok(Some(SessionId::new("three"))));
        secrets.delete("bob").unwrap();
        secrets.delete("bob").unwrap();
        assert_eq!(secrets.load("bob"), Ok(None));
        assert_eq!(secrets.load("eve"), Ok(Some(SessionId::new("two"))));
    }
}
