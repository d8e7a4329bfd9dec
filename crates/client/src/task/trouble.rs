//! What to do when the local database fails.

use super::Engine;
use crate::{
    Refusal, RefusalCode,
    session::Input,
    store::StoreError,
    view::{Failure, FailureCode},
};

impl Engine {
    /// An attempt to connect came to nothing before it was made: another follows.
    pub(super) fn no_attempt(&mut self, error: StoreError) -> Result<(), StoreError> {
        self.connecting = None;
        let reason = Failure {
            code: FailureCode::StorageFailed,
            detail: Some(error.to_string()),
        };
        self.step(Input::Failed(reason.into()))?;
        Err(error)
    }

    /// What came cannot be stored: leave the connection and try again later,
    /// when the server tells it once more.
    pub(super) fn storage_failed(&mut self, error: &StoreError) {
        tracing::error!(%error, "the local database failed");
        // Then the next connection fares better.
        self.recovers(error);
        self.drop_link(None);
        let reason = Failure {
            code: FailureCode::StorageFailed,
            detail: Some(error.to_string()),
        };
        let left = self.step(Input::Lost(reason));
        // What was taken back in the store must not stay in memory, nor be told.
        if let Err(error) = left.and_then(|()| self.reload_roster()) {
            tracing::error!(%error, "the local database failed again");
        }
    }
}

/// A storage error as an answer.
pub(super) fn storage_refusal(error: &StoreError) -> Refusal {
    tracing::error!(%error, "the local database failed");
    RefusalCode::StorageFailed.into()
}
