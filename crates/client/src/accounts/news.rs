//! What the keeper hears, and what it knows of each account.

use tokio::sync::oneshot;

use super::AccountKey;
use crate::{ClientHandle, Refusal, StartError, store::SecretEntry, view::Failure};

/// An answer to whoever asked. They may have stopped waiting.
pub(super) type Answer<T> = oneshot::Sender<Result<T, Refusal>>;

/// What is asked of the keeper.
pub(super) enum Request {
    Add(Answer<AccountKey>),
    Remove {
        key: AccountKey,
        keep_history: bool,
        answer: Answer<()>,
    },
    Retry {
        key: AccountKey,
        answer: Answer<()>,
    },
    Reorder {
        order: Vec<AccountKey>,
        answer: Answer<()>,
    },
    Stop(oneshot::Sender<()>),
}

/// What was done elsewhere.
pub(super) enum News {
    Started(AccountKey, Result<ClientHandle, StartError>),
    Ended(AccountKey, ClientHandle),
    /// An account that is to be removed has ended.
    Stopped {
        key: AccountKey,
        keep_history: bool,
        /// What it may have left in the secret store.
        strays: Vec<SecretEntry>,
        answer: Answer<()>,
    },
    /// These are no longer in the secret store.
    Swept(Vec<SecretEntry>),
    /// The folder of a removed account is away, or the disk will not have it so.
    Removed(AccountKey, std::io::Result<()>),
}

/// The state of an account.
pub(super) enum Slot {
    Starting(Vec<Answer<AccountKey>>),
    Running(ClientHandle),
    Failed(Failure),
    Leaving,
}
