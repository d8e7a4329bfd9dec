//! Several accounts at once, each an engine of its own.
//!
//! ```text
//! host ── dispatch(key, command) ──→ the engine of that account: thread, runtime, database
//! host ── add, remove, … ──→ Keeper: a thread that starts and ends engines, keeps the index
//! host ←── Listener: the list of accounts, and the events of each, one after the other
//! ```
//!
//! So nothing that happens to one account holds up another: not a slow disk, not a
//! flood, not a database that cannot be opened. What they share is the profile's
//! folder, the secret store, and the rule that nobody is signed in twice.

mod folders;
mod index;
mod keeper;
mod listen;
mod neighbours;
mod news;
mod strays;
mod view;

use std::{path::PathBuf, sync::Arc, thread};

use tokio::sync::{mpsc, oneshot, watch};

use self::{folders::Folders, index::Index, keeper::Keeper, news::Request};
pub use self::{
    index::IndexError,
    listen::Listener,
    view::{AccountEntry, AccountKey, AccountState, AccountsCommand, AccountsEvent},
};
use crate::{
    Answer, ClientHandle, Command, Query, Refusal, RefusalCode, SocketIoConnector,
    ports::{Clock, Connector, SecretStore, SystemClock},
};

/// How many accounts there may be: each takes a thread, a connection and a database.
pub const ACCOUNTS: usize = 16;

/// How many requests may wait for the keeper.
const REQUESTS: usize = 32;

/// What the accounts of a profile are made of.
pub struct AccountsConfig {
    /// The profile's folder; made if missing.
    pub data: PathBuf,
    /// The profile's name: keeps its entries in the secret store apart.
    pub profile: String,
    /// How connections are made.
    pub connector: Arc<dyn Connector>,
    /// Where the sessions are kept.
    pub secrets: Arc<dyn SecretStore>,
    /// Makes each engine's clock.
    pub clock: fn() -> Box<dyn Clock>,
    /// What chance begins with; the same seed gives the same waits.
    pub seed: u64,
}

impl AccountsConfig {
    /// The ordinary one: our own connector, the system's clock.
    pub fn new(data: PathBuf, profile: &str, secrets: Arc<dyn SecretStore>) -> Self {
        Self {
            data,
            profile: profile.to_owned(),
            connector: Arc::new(SocketIoConnector),
            secrets,
            clock: || Box::new(SystemClock),
            seed: rand::random(),
        }
    }
}

/// Why no account could be started.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The profile's folder cannot be made, protected or locked; or there is no thread.
    #[error("the data folder cannot be used: {0}")]
    Folder(#[from] std::io::Error),
    /// The list of accounts cannot be used.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Another process is at work in the folder.
    #[error("Parlour runs already with this profile")]
    InUse,
}

/// An account, and its engine while it runs.
#[derive(Clone)]
struct Listed {
    entry: AccountEntry,
    engine: Option<ClientHandle>,
}

/// All accounts, as they were last published.
type Listing = Arc<[Listed]>;

/// The accounts of a profile. Clones speak of the same ones; they end with
/// [`Accounts::stop`] or with the last of these.
#[derive(Clone)]
pub struct Accounts {
    requests: mpsc::Sender<Request>,
    list: watch::Receiver<Listing>,
}

impl Accounts {
    /// Takes the profile's folder and starts an engine for each account in it, at
    /// the same time, without waiting for any. There is always at least one.
    ///
    /// # Errors
    /// If the folder, or the list in it, cannot be used at all. What keeps a single
    /// account from starting is said in its [`AccountEntry`].
    pub fn start(config: AccountsConfig) -> Result<Self, AccountsError> {
        let folders = Folders::open(&config.data)?.ok_or(AccountsError::InUse)?;
        let index = Index::read(&folders)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let (publisher, list) = watch::channel(Listing::from([]));
        let (opened, first_list) = std::sync::mpsc::sync_channel(1);
        thread::Builder::new()
            .name("parlour-accounts".into())
            .spawn(move || {
                runtime.block_on(async {
                    let mut keeper = Keeper::new(config, folders, index, publisher);
                    keeper.open();
                    // Whoever starts it waits for that.
                    let _ = opened.send(());
                    keeper.run(inbox).await;
                });
                runtime.shutdown_background();
            })?;
        // An error means that the thread has ended, as the first request will tell.
        let _ = first_list.recv();
        Ok(Self { requests, list })
    }

    /// The accounts there are, in order.
    #[must_use]
    pub fn entries(&self) -> Vec<AccountEntry> {
        entries(&self.list.borrow())
    }

    /// The engine of an account, for what only hosts may ask.
    ///
    /// # Errors
    /// If there is no such account, or it does not run.
    pub fn engine(&self, key: AccountKey) -> Result<ClientHandle, Refusal> {
        let list = self.list.borrow();
        let listed = list
            .iter()
            .find(|listed| listed.entry.key == key)
            .ok_or(RefusalCode::UnknownAccount)?;
        let missing = match listed.entry.state {
            AccountState::Starting | AccountState::Running => RefusalCode::Busy,
            AccountState::Failed { .. } => RefusalCode::StorageFailed,
            AccountState::Leaving => RefusalCode::UnknownAccount,
        };
        Ok(listed.engine.clone().ok_or(missing)?)
    }

    /// Asks an account for something to be done.
    ///
    /// # Errors
    /// If the account does not run, or refuses.
    pub async fn dispatch(&self, key: AccountKey, command: Command) -> Result<(), Refusal> {
        self.engine(key)?.dispatch(command).await
    }

    /// Asks an account for something to be told.
    ///
    /// # Errors
    /// If the account does not run, or refuses.
    pub async fn query(&self, key: AccountKey, query: Query) -> Result<Answer, Refusal> {
        self.engine(key)?.query(query).await
    }

    /// Does what a host asks of all accounts together. The key is that of an account
    /// that was asked for.
    ///
    /// # Errors
    /// As the method of the same name.
    pub async fn manage(&self, command: AccountsCommand) -> Result<Option<AccountKey>, Refusal> {
        match command {
            AccountsCommand::AddAccount => self.add().await.map(Some),
            AccountsCommand::RemoveAccount {
                account,
                keep_history,
            } => self.remove(account, keep_history).await.map(|()| None),
            AccountsCommand::RetryAccount { account } => self.retry(account).await.map(|()| None),
            AccountsCommand::ReorderAccounts { accounts } => {
                self.reorder(accounts).await.map(|()| None)
            }
        }
    }

    /// An account to sign in with: one that nobody has used yet, or a new one.
    ///
    /// # Errors
    /// If there are [`ACCOUNTS`] already, or the list of accounts cannot be written.
    pub async fn add(&self) -> Result<AccountKey, Refusal> {
        self.ask(Request::Add).await
    }

    /// Signs out, where it can be, forgets the session, and takes the account's data
    /// away: for good, or into the folder `removed`.
    ///
    /// # Errors
    /// If there is no such account, or the list of accounts cannot be written.
    pub async fn remove(&self, key: AccountKey, keep_history: bool) -> Result<(), Refusal> {
        self.ask(|answer| Request::Remove {
            key,
            keep_history,
            answer,
        })
        .await
    }

    /// Starts an account again that could not be started, or has ended.
    ///
    /// # Errors
    /// If there is no such account. One that runs is left alone.
    pub async fn retry(&self, key: AccountKey) -> Result<(), Refusal> {
        self.ask(|answer| Request::Retry { key, answer }).await
    }

    /// Puts the accounts into this order.
    ///
    /// # Errors
    /// If it does not name each of them once, or the list cannot be written.
    pub async fn reorder(&self, order: Vec<AccountKey>) -> Result<(), Refusal> {
        self.ask(|answer| Request::Reorder { order, answer }).await
    }

    /// Listens: the list of accounts, each one's snapshot, then what happens.
    #[must_use]
    pub fn subscribe(&self) -> Listener {
        Listener::new(self.list.clone())
    }

    /// Ends all engines: says goodbye to the servers and closes the databases.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.requests.send(Request::Stop(done)).await.is_ok() {
            // An error means that they have ended, which is what was asked for.
            let _ = stopped.await;
        }
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, Refusal>>) -> Request,
    ) -> Result<T, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.requests
            .try_send(request(answer))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Refusal::from(RefusalCode::Busy),
                mpsc::error::TrySendError::Closed(_) => RefusalCode::Closed.into(),
            })?;
        answered
            .await
            .map_err(|_| Refusal::from(RefusalCode::Closed))?
    }
}

fn entries(list: &[Listed]) -> Vec<AccountEntry> {
    list.iter().map(|listed| listed.entry.clone()).collect()
}

#[cfg(test)]
mod tests;
