//! Starts and ends the engines, and keeps the index.
//!
//! ```text
//!               ┌──────── retry ────────┐
//!               ↓                       │
//! add ──→ Starting ──opened──→ Running ─┼─ended→ Failed
//!               │                 │     │          │
//!               └──cannot be──────┼─────┘          │
//!                                 ↓                ↓
//!                              Leaving ←──remove───┘   then out of the list,
//!                                                      and its folder away
//! ```
//!
//! What takes long is done elsewhere and comes back as [`News`]: opening a database,
//! an engine's goodbye, deleting a folder.

use std::{collections::BTreeMap, sync::Arc, thread, time::Duration};

use futures_util::future::join_all;
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use super::{
    ACCOUNTS, AccountEntry, AccountKey, AccountState, AccountsConfig, Listed, Listing,
    folders::Folders,
    index::{Entry, Index},
    neighbours::Table,
    news::{Answer, News, Request, Slot},
    strays::{self, Strays},
};
use crate::{
    ClientHandle, Command, Refusal, RefusalCode, StartError,
    handle::ClientConfig,
    store::SecretEntry,
    view::{Failure, FailureCode},
};

/// How long an account that is removed may take to sign out and to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

/// How much news may wait; whoever brings more waits.
const NEWS: usize = 32;

/// The task that owns the accounts.
pub(super) struct Keeper {
    config: AccountsConfig,
    folders: Arc<Folders>,
    index: Index,
    /// The account that the database of an older release becomes.
    single: Option<AccountKey>,
    table: Arc<Table>,
    strays: Strays,
    slots: BTreeMap<AccountKey, Slot>,
    list: watch::Sender<Listing>,
    news: (mpsc::Sender<News>, mpsc::Receiver<News>),
}

impl Keeper {
    pub(super) fn new(
        config: AccountsConfig,
        folders: Folders,
        index: Index,
        list: watch::Sender<Listing>,
    ) -> Self {
        Self {
            config,
            folders: Arc::new(folders),
            index,
            single: None,
            table: Arc::default(),
            strays: Strays::default(),
            slots: BTreeMap::new(),
            list,
            news: mpsc::channel(NEWS),
        }
    }

    /// Starts everything there is, and goes on with what was not ended last time.
    pub(super) fn open(&mut self) {
        if self.folders.has_single() {
            self.single = Some(self.index.place_of_single(&self.folders));
        }
        if self.index.accounts.is_empty() {
            self.index.add();
        }
        self.save_or_warn();
        // All of them, before any engine asks.
        for entry in &self.index.accounts {
            self.table
                .remember(entry.key, entry.who.clone(), entry.signed_in);
        }
        for Entry { key, .. } in self.index.accounts.clone() {
            self.start(key, Vec::new());
        }
        for leaving in self.index.leaving.clone() {
            self.take_away(leaving.key, leaving.keep_history);
        }
        self.sweep();
        self.publish();
    }

    /// Runs until it is stopped or nobody holds a handle any more.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let stopped = loop {
            tokio::select! {
                request = requests.recv() => match request {
                    None => break None,
                    Some(Request::Stop(done)) => break Some(done),
                    Some(request) => self.request(request),
                },
                // Never `None`: the keeper holds a sender itself.
                Some(news) = self.news.1.recv() => self.hear(news),
                () = self.table.changed() => self.remember(),
            }
            self.publish();
        };
        join_all(self.engines().map(ClientHandle::stop)).await;
        // The lock goes before the answer: the next app may wait for it.
        drop(self);
        if let Some(done) = stopped {
            // Whoever asked may have stopped waiting.
            let _ = done.send(());
        }
    }

    fn engines(&self) -> impl Iterator<Item = &ClientHandle> {
        self.slots.values().filter_map(|slot| match slot {
            Slot::Running(engine) => Some(engine),
            _ => None,
        })
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Add(answer) => self.add(answer),
            Request::Remove {
                key,
                keep_history,
                answer,
            } => self.remove(key, keep_history, answer),
            Request::Retry { key, answer } => {
                let done = self.retry(key);
                self.say(answer, done);
            }
            Request::Reorder { order, answer } => {
                let done = self.reorder(&order);
                self.say(answer, done);
            }
            Request::Stop(_) => {}
        }
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Started(key, outcome) => self.started(key, outcome),
            News::Ended(key, engine) => {
                if let Some(Slot::Running(running)) = self.slots.get(&key)
                    && running.is_same(&engine)
                {
                    tracing::error!(%key, "the engine of an account has ended");
                    let reason = Failure {
                        code: FailureCode::EngineEnded,
                        detail: None,
                    };
                    self.slots.insert(key, Slot::Failed(reason));
                }
            }
            News::Stopped {
                key,
                keep_history,
                strays,
                answer,
            } => {
                let done = self.forget(key, keep_history, strays);
                self.say(answer, done);
            }
            News::Swept(gone) => {
                if self.strays.swept(&gone, &mut self.index.strays) {
                    self.save_or_warn();
                }
                self.sweep();
            }
            News::Removed(key, Ok(())) => {
                self.index.left(key);
                self.save_or_warn();
            }
            // It is tried again at the next start.
            News::Removed(key, Err(error)) => {
                tracing::warn!(%key, %error, "a removed account’s folder is still there");
            }
        }
    }

    /// Answers, and not before the list says the same.
    fn say<T>(&self, answer: Answer<T>, done: Result<T, Refusal>) {
        self.publish();
        // Whoever asked may have stopped waiting.
        let _ = answer.send(done);
    }

    fn add(&mut self, answer: Answer<AccountKey>) {
        for Entry { key, .. } in self.index.accounts.clone() {
            let seat = self.table.seat(key);
            match self.slots.get_mut(&key) {
                Some(Slot::Running(_)) if !seat.used => return self.say(answer, Ok(key)),
                // It will tell whether anybody has used it.
                Some(Slot::Starting(waiting)) if seat.who.is_none() => {
                    return waiting.push(answer);
                }
                _ => {}
            }
        }
        if self.index.accounts.len() >= ACCOUNTS {
            let _ = answer.send(Err(RefusalCode::TooManyAccounts.into()));
            return;
        }
        let before = self.index.clone();
        let key = self.index.add();
        if let Err(refusal) = self.save() {
            self.index = before;
            let _ = answer.send(Err(refusal));
            return;
        }
        self.start(key, vec![answer]);
    }

    fn start(&mut self, key: AccountKey, waiting: Vec<Answer<AccountKey>>) {
        // The first has the entries in the secret store of the release with one.
        let profile = match key {
            AccountKey(1) => self.config.profile.clone(),
            key => format!("{}/{key}", self.config.profile),
        };
        let config = ClientConfig {
            data: self.folders.of(key),
            profile,
            connector: self.config.connector.clone(),
            secrets: self.config.secrets.clone(),
            neighbours: self.table.place(key),
            clock: (self.config.clock)(),
            seed: self.config.seed.wrapping_add(u64::from(key.0)),
        };
        let folders = self.folders.clone();
        let moves_in = self.single == Some(key);
        let news = self.news.0.clone();
        self.slots.insert(key, Slot::Starting(waiting));
        // A thread each, so that a slow disk or a long migration is theirs alone.
        let spawned = thread::Builder::new()
            .name("parlour-opening".into())
            .spawn(move || {
                let moved = if moves_in && folders.has_single() {
                    folders.move_single(key).map_err(StartError::from)
                } else {
                    Ok(())
                };
                let outcome = moved
                    .and_then(|()| ClientHandle::start(config))
                    .inspect(ClientHandle::wait_until_ready);
                // An error means that all of it ends, and the engine with its handle.
                let _ = news.blocking_send(News::Started(key, outcome));
            });
        if let Err(error) = spawned {
            self.started(key, Err(error.into()));
        }
    }

    fn started(&mut self, key: AccountKey, outcome: Result<ClientHandle, StartError>) {
        self.table.has_started(key);
        let slot = match outcome {
            Ok(engine) => {
                let (watched, news) = (engine.clone(), self.news.0.clone());
                tokio::spawn(async move {
                    watched.ended().await;
                    // An error means that all of it ends.
                    let _ = news.send(News::Ended(key, watched)).await;
                });
                Slot::Running(engine)
            }
            Err(error) => {
                tracing::error!(%key, %error, "an account could not be started");
                Slot::Failed(Failure {
                    code: FailureCode::StorageFailed,
                    detail: Some(error.to_string()),
                })
            }
        };
        if let Some(Slot::Starting(waiting)) = self.slots.insert(key, slot) {
            for answer in waiting {
                if self.table.seat(key).used {
                    self.add(answer);
                } else {
                    self.say(answer, Ok(key));
                }
            }
        }
    }

    fn retry(&mut self, key: AccountKey) -> Result<(), Refusal> {
        match self.slots.get(&key) {
            Some(Slot::Failed(_)) => {
                self.start(key, Vec::new());
                Ok(())
            }
            Some(Slot::Starting(_) | Slot::Running(_)) => Ok(()),
            Some(Slot::Leaving) | None => Err(RefusalCode::UnknownAccount.into()),
        }
    }

    fn reorder(&mut self, order: &[AccountKey]) -> Result<(), Refusal> {
        let before = self.index.clone();
        if !self.index.reorder(order) {
            return Err(RefusalCode::UnknownAccount.into());
        }
        self.save().inspect_err(|_| self.index = before)
    }

    fn remove(&mut self, key: AccountKey, keep_history: bool, answer: Answer<()>) {
        let engine = match self.slots.get(&key) {
            Some(Slot::Running(engine)) => Some(engine.clone()),
            Some(Slot::Failed(_)) => None,
            // Until it is open, nobody knows what there is to sign out of.
            Some(Slot::Starting(_)) => {
                let _ = answer.send(Err(RefusalCode::Busy.into()));
                return;
            }
            Some(Slot::Leaving) | None => {
                let _ = answer.send(Err(RefusalCode::UnknownAccount.into()));
                return;
            }
        };
        self.slots.insert(key, Slot::Leaving);
        let (news, folder) = (self.news.0.clone(), self.folders.of(key));
        tokio::spawn(async move {
            if let Some(engine) = engine
                && timeout(GOODBYE, sign_out(&engine)).await.is_err()
            {
                tracing::warn!(%key, "a removed account did not sign out in time");
            }
            let strays = strays::left_by(key, folder).await;
            let stopped = News::Stopped {
                key,
                keep_history,
                strays,
                answer,
            };
            // An error means that all of it ends; the account is then still there.
            let _ = news.send(stopped).await;
        });
    }

    /// Takes an account that has ended out of the index: from then on it is gone,
    /// whatever happens to its folder and when.
    fn forget(
        &mut self,
        key: AccountKey,
        keep_history: bool,
        strays: Vec<SecretEntry>,
    ) -> Result<(), Refusal> {
        let before = self.index.clone();
        self.index.leave(key, keep_history, &strays);
        if self.index.accounts.is_empty() {
            self.index.add();
        }
        if let Err(refusal) = self.save() {
            self.index = before;
            self.start(key, Vec::new());
            return Err(refusal);
        }
        self.slots.remove(&key);
        self.table.forget(key);
        self.take_away(key, keep_history);
        self.strays.left(strays);
        self.sweep();
        for Entry { key, .. } in self.index.accounts.clone() {
            if !self.slots.contains_key(&key) {
                self.start(key, Vec::new());
            }
        }
        Ok(())
    }

    /// Takes the folder of an account that has left away: gigabytes, it may be.
    fn take_away(&self, key: AccountKey, keep_history: bool) {
        let (folders, news) = (self.folders.clone(), self.news.0.clone());
        tokio::task::spawn_blocking(move || {
            let removed = folders.remove(key, keep_history);
            // An error means that all of it ends; the index knows what is left to do.
            let _ = news.blocking_send(News::Removed(key, removed));
        });
    }

    /// Deletes what removed accounts have left in the secret store.
    fn sweep(&mut self) {
        let secrets = self.config.secrets.clone();
        self.strays
            .sweep(&self.index.strays, secrets, self.news.0.clone());
    }

    /// Writes down who is behind each account, where that has changed.
    fn remember(&mut self) {
        let mut changed = false;
        for entry in &mut self.index.accounts {
            let seat = self.table.seat(entry.key);
            changed |= entry.who != seat.who || entry.signed_in != seat.signed_in;
            (entry.who, entry.signed_in) = (seat.who, seat.signed_in);
        }
        if changed {
            self.save_or_warn();
        }
    }

    fn save(&self) -> Result<(), Refusal> {
        self.index.write(self.folders.root()).map_err(|error| {
            tracing::error!(%error, "the list of accounts could not be written");
            RefusalCode::StorageFailed.into()
        })
    }

    /// For what is written again with the next change, and can be told from the
    /// folders until then.
    fn save_or_warn(&self) {
        if let Err(error) = self.index.write(self.folders.root()) {
            tracing::warn!(%error, "the list of accounts could not be written");
        }
    }

    fn publish(&self) {
        let list: Listing = self
            .index
            .accounts
            .iter()
            .map(|entry| self.listed(entry.key))
            .collect();
        let told = |before: &Listing| {
            let same = |(old, new): (&Listed, &Listed)| {
                old.entry == new.entry
                    && match (&old.engine, &new.engine) {
                        (Some(old), Some(new)) => old.is_same(new),
                        (old, new) => old.is_none() && new.is_none(),
                    }
            };
            before.len() == list.len() && before.iter().zip(list.iter()).all(same)
        };
        self.list.send_if_modified(|before| {
            let changed = !told(before);
            if changed {
                *before = list.clone();
            }
            changed
        });
    }

    fn listed(&self, key: AccountKey) -> Listed {
        let (state, engine) = match self.slots.get(&key) {
            Some(Slot::Starting(_)) => (AccountState::Starting, None),
            Some(Slot::Running(engine)) => (AccountState::Running, Some(engine.clone())),
            Some(Slot::Failed(reason)) => {
                let reason = reason.clone();
                (AccountState::Failed { reason }, None)
            }
            Some(Slot::Leaving) | None => (AccountState::Leaving, None),
        };
        let seat = self.table.seat(key);
        let entry = AccountEntry {
            key,
            who: seat.who,
            state,
            twin: seat.twin,
        };
        Listed { entry, engine }
    }
}

/// Signs out, and ends the engine, which waits until the server and the secret store
/// have heard of it, or their time is over.
async fn sign_out(engine: &ClientHandle) {
    if let Err(refusal) = engine.dispatch(Command::SignOut).await {
        tracing::warn!(code = ?refusal.code, "a removed account could not sign out");
    }
    engine.stop().await;
}
