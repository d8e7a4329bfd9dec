//! What a case is played on.

use std::{sync::Arc, time::Duration};

use parlour_protocol::SessionId;
use tokio::sync::broadcast;

use super::{super::stage::Stage, steps::Kind};
use crate::{
    ports::{SecretError, SecretStore},
    task::secrets::SecretsTask,
    view::SecretsBackend,
};

/// What a case is played on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    pub(super) kind: Kind,
    /// How many events a listener may be behind.
    pub(super) behind: usize,
    pub(super) keyring_works: bool,
}

/// A keyring that works, or does not: all the time, so that nothing hangs on when it
/// is asked.
struct Keyring(bool);

impl SecretStore for Keyring {
    fn backend(&self) -> SecretsBackend {
        SecretsBackend::Keyring
    }

    fn load(&self, _: &str) -> Result<Option<SessionId>, SecretError> {
        // Its session is given by the stage.
        self.answer().map(|()| None)
    }

    fn save(&self, _: &str, _: &SessionId) -> Result<(), SecretError> {
        self.answer()
    }

    fn delete(&self, _: &str) -> Result<(), SecretError> {
        self.answer()
    }

    fn keep(&self, _: &str, _: &SessionId) -> Result<(), SecretError> {
        self.answer()
    }
}

impl Keyring {
    fn answer(&self) -> Result<(), SecretError> {
        self.0.then_some(()).ok_or(SecretError::Locked)
    }
}

/// The engine of a stage, as this scene has it.
pub(super) fn set(stage: &mut Stage, scene: Scene) {
    stage.engine.events = broadcast::channel(scene.behind).0;
    let keyring = Arc::new(Keyring(scene.keyring_works));
    stage.engine.secrets = SecretsTask::start("test".into(), keyring);
    stage.engine.open_secrets().expect("read");
    stage.passes(Duration::ZERO);
}
