//! Storing what belongs together in one transaction.

use std::{collections::HashSet, time::Instant};

use super::{
    Hub,
    pending::{NotStored, Step},
};
use crate::storage::{StorageError, Write, Written};

impl Hub {
    /// One transaction for all; if it fails, one for each.
    pub(super) fn commit(
        &mut self,
        writes: &[Write],
        steps: &[Step],
    ) -> Vec<Result<Written, NotStored>> {
        if writes.is_empty() {
            return Vec::new();
        }
        let begun = Instant::now();
        match self.storage.commit(writes) {
            Ok(written) => {
                self.committed(&written, begun);
                written.into_iter().map(Ok).collect()
            }
            Err(error) => {
                self.storage_failed(&error);
                self.commit_each(writes, steps, error.is_full())
            }
        }
    }

    /// After a failed commit each write stands alone, so that one that cannot
    /// be stored costs only its sender. What that connection said behind it is
    /// not stored either: of each connection a prefix is. Without room on the disk
    /// no message is tried again, but the small things that end something are.
    fn commit_each(
        &mut self,
        writes: &[Write],
        steps: &[Step],
        is_full: bool,
    ) -> Vec<Result<Written, NotStored>> {
        let mut failed = HashSet::new();
        let steps = steps.iter().filter(|step| step.has_write());
        let each = writes.iter().zip(steps).map(|(write, step)| {
            let sender = match step {
                Step::Sent(sent) => Some(sent.connection),
                _ => None,
            };
            let is_lost = sender.is_some_and(|sender| is_full || failed.contains(&sender));
            if is_lost || writes.len() == 1 {
                return Err(NotStored);
            }
            let begun = Instant::now();
            match self.storage.commit(std::slice::from_ref(write)) {
                Ok(mut written) => {
                    self.committed(&written, begun);
                    written.pop().ok_or(NotStored)
                }
                Err(error) => {
                    failed.extend(sender);
                    self.metrics.storage_failure();
                    tracing::debug!(%error, "a write failed by itself too");
                    Err(NotStored)
                }
            }
        });
        each.collect()
    }

    fn committed(&self, written: &[Written], begun: Instant) {
        let messages = written
            .iter()
            .filter(|written| matches!(written, Written::Message(placed) if !placed.dup));
        self.metrics.commit(messages.count(), begun.elapsed());
    }

    /// Stores something that stands by itself, behind all that is pending.
    pub(super) fn store_now(&mut self, writes: &[Write]) -> Result<Vec<Written>, StorageError> {
        let begun = Instant::now();
        let written = self
            .storage
            .commit(writes)
            .inspect_err(|error| self.storage_failed(error))?;
        self.metrics.commit(0, begun.elapsed());
        Ok(written)
    }

    pub(super) fn storage_failed(&self, error: &StorageError) {
        self.metrics.storage_failure();
        tracing::error!(%error, "the storage failed");
    }
}
