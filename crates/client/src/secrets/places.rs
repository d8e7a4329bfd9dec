//! Several places, of which a person chooses.

use std::sync::Arc;

use parlour_protocol::SessionId;

use crate::{
    ports::{SecretError, SecretStore},
    view::SecretsBackend,
};

/// A place that is used by itself, and others that a person may choose instead.
///
/// It answers as the first; the engine looks into [`SecretStore::others`] only
/// after a choice, so nothing moves from one place to another in silence.
pub struct SecretPlaces {
    first: Arc<dyn SecretStore>,
    others: Vec<Arc<dyn SecretStore>>,
}

impl SecretPlaces {
    /// This place, and no other yet.
    pub fn new(first: impl SecretStore) -> Self {
        Self {
            first: Arc::new(first),
            others: Vec::new(),
        }
    }

    /// And this one, for those who choose it.
    #[must_use]
    pub fn or(mut self, other: impl SecretStore) -> Self {
        self.others.push(Arc::new(other));
        self
    }
}

impl SecretStore for SecretPlaces {
    fn backend(&self) -> SecretsBackend {
        self.first.backend()
    }

    fn others(&self) -> &[Arc<dyn SecretStore>] {
        &self.others
    }

    fn load(&self, name: &str) -> Result<Option<SessionId>, SecretError> {
        self.first.load(name)
    }

    fn save(&self, name: &str, session_id: &SessionId) -> Result<(), SecretError> {
        self.first.save(name, session_id)
    }

    fn delete(&self, name: &str) -> Result<(), SecretError> {
        self.first.delete(name)
    }

    fn probe(&self, name: &str, value: &SessionId) -> Result<(), SecretError> {
        self.first.probe(name, value)
    }
}
