//! What crosses to a host: which accounts there are, and what is asked of them.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    ClientEvent,
    view::{AccountView, Failure},
};

/// An account of this profile. A key is never used for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(export)]
pub struct AccountKey(pub u32);

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An account as the others see it. What happens within it comes as its own events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct AccountEntry {
    /// Which one.
    pub key: AccountKey,
    /// Who is signed in, or was last; `None` where nobody ever was.
    pub who: Option<AccountView>,
    /// Whether it can be used.
    pub state: AccountState,
    /// The account that is already signed in as who was last tried here.
    pub twin: Option<AccountKey>,
}

/// Whether an account can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "state",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum AccountState {
    /// Its database is being opened.
    Starting,
    /// It takes commands, and tells what happens.
    Running,
    /// It could not be started, or has ended; [`AccountsCommand::RetryAccount`] tries again.
    Failed {
        /// Why.
        reason: Failure,
    },
    /// It is being removed.
    Leaving,
}

/// What a host may ask of all accounts together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum AccountsCommand {
    /// An account to sign in with. One that nobody has used yet is taken again.
    AddAccount,
    /// Sign out, forget the session, and take the account's data away.
    RemoveAccount {
        /// Which one.
        account: AccountKey,
        /// Whether the database is put aside instead of deleted.
        keep_history: bool,
    },
    /// Start an account again that could not be started.
    RetryAccount {
        /// Which one.
        account: AccountKey,
    },
    /// Put the accounts into another order.
    ReorderAccounts {
        /// All of them.
        accounts: Vec<AccountKey>,
    },
}

/// What all accounts together tell their hosts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum AccountsEvent {
    /// The accounts there are, in order: first of all, and after every change. An
    /// account that runs tells its snapshot next, and then what happens in it.
    Accounts {
        /// All of them.
        accounts: Vec<AccountEntry>,
    },
    /// Something about one account.
    Account {
        /// Which one.
        account: AccountKey,
        /// What happened. After a [`Lagged`](ClientEvent::Lagged) only this account's
        /// snapshot follows.
        event: ClientEvent,
    },
}
