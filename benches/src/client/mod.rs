//! What is measured of the client: its history, its connectors, its queue.

pub mod connectors;
pub mod history;
pub mod queue;

use std::sync::Arc;

use parlour_client::{
    SecretsBackend,
    ports::{SecretError, SecretStore},
};
use parlour_protocol::SessionId;

/// A place that has a session for everybody, and keeps none.
struct Pretended;

impl SecretStore for Pretended {
    fn backend(&self) -> SecretsBackend {
        SecretsBackend::File
    }

    fn load(&self, _: &str) -> Result<Option<SessionId>, SecretError> {
        Ok(Some(SessionId::new("measured")))
    }

    fn save(&self, _: &str, _: &SessionId) -> Result<(), SecretError> {
        Ok(())
    }

    fn delete(&self, _: &str) -> Result<(), SecretError> {
        Ok(())
    }
}

fn pretended() -> Arc<dyn SecretStore> {
    Arc::new(Pretended)
}
