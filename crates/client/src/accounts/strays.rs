//! What removed accounts have left in the secret store. Their databases, which
//! knew of it, are gone; so the list of accounts knows, until it is deleted.

use std::{collections::HashSet, path::PathBuf, sync::Arc, thread};

use tokio::sync::mpsc;

use super::{AccountKey, news::News};
use crate::{
    ports::{SecretStore, place},
    store::{self, SecretEntry},
};

/// What is known of them in this run.
#[derive(Debug, Default)]
pub(super) struct Strays {
    /// They were tried: once in a run is enough, as each may be a prompt.
    tried: HashSet<SecretEntry>,
    /// They were left in this run. A thread of their engine may still be about to
    /// write one, so they stay on the list for the next run.
    fresh: HashSet<SecretEntry>,
    /// A thread is at work.
    busy: bool,
}

impl Strays {
    /// An account is gone, and these are left.
    pub(super) fn left(&mut self, entries: Vec<SecretEntry>) {
        self.fresh.extend(entries);
    }

    /// Deletes those on the list that were not tried yet, on a thread of its own,
    /// for as long as the store lets it wait.
    pub(super) fn sweep(
        &mut self,
        list: &[SecretEntry],
        secrets: Arc<dyn SecretStore>,
        news: mpsc::Sender<News>,
    ) {
        if self.busy {
            return;
        }
        let untried = list.iter().filter(|entry| !self.tried.contains(*entry));
        let untried: Vec<SecretEntry> = untried.cloned().collect();
        if untried.is_empty() {
            return;
        }
        self.tried.extend(untried.iter().cloned());
        let spawned = thread::Builder::new()
            .name("parlour-strays".into())
            .spawn(move || {
                let gone = delete(secrets.as_ref(), untried);
                // An error means that all of it ends; the next run tries again.
                let _ = news.blocking_send(News::Swept(gone));
            });
        match spawned {
            Ok(_) => self.busy = true,
            Err(error) => tracing::warn!(%error, "the next run deletes old sessions"),
        }
    }

    /// These are not in the store any more. Whether the list has changed.
    pub(super) fn swept(&mut self, gone: &[SecretEntry], list: &mut Vec<SecretEntry>) -> bool {
        self.busy = false;
        let before = list.len();
        list.retain(|entry| !gone.contains(entry) || self.fresh.contains(entry));
        list.len() != before
    }
}

fn delete(secrets: &dyn SecretStore, entries: Vec<SecretEntry>) -> Vec<SecretEntry> {
    let mut gone = Vec::new();
    for entry in entries {
        let Some(place) = place(secrets, entry.backend) else {
            continue;
        };
        match place.delete(&entry.name) {
            Ok(()) => gone.push(entry),
            Err(error) => {
                tracing::warn!(%error, "a removed account’s session is still in the secret store; the next run tries again");
            }
        }
    }
    gone
}

/// What the database of an account that has ended knows to be in the secret store.
pub(super) async fn left_by(key: AccountKey, folder: PathBuf) -> Vec<SecretEntry> {
    let read = tokio::task::spawn_blocking(move || store::secrets_in(&folder));
    match read.await {
        Ok(Ok(entries)) => entries,
        Ok(Err(error)) => {
            tracing::warn!(%key, %error, "what a removed account has in the secret store cannot be known");
            Vec::new()
        }
        // Only where all of it ends.
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
#[path = "strays_tests.rs"]
mod tests;
