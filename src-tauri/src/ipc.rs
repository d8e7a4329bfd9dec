//! The three commands of the page. There are no others.

use parlour_client::{
    AccountEntry, AccountKey, AccountState, Accounts, AccountsEvent, Failure, Refusal, RefusalCode,
};
use tauri::{AppHandle, State, WebviewWindow, ipc::Channel};

use crate::{
    contract::{HostAnswer, HostCommand, HostQuery, ShellAnswer, ShellCommand, ShellQuery},
    forward::{Forwarder, forward},
    settings::Settings,
};

/// What the commands work on.
pub(crate) struct Host {
    accounts: Result<Accounts, Failure>,
    settings: Settings,
    forwarder: Forwarder,
}

impl Host {
    pub(crate) fn new(accounts: Result<Accounts, Failure>, settings: Settings) -> Self {
        Self {
            accounts,
            settings,
            forwarder: Forwarder::default(),
        }
    }

    /// The accounts, or why there are none.
    pub(crate) fn accounts(&self) -> Result<&Accounts, Refusal> {
        let refusal = |_| RefusalCode::StorageFailed.into();
        self.accounts.as_ref().map_err(refusal)
    }
}

/// Asks for something to be done: accepted, or refused with a code. What is for
/// one account names it; the key of one that was asked for comes back.
#[tauri::command]
pub(crate) async fn dispatch(
    app: AppHandle,
    host: State<'_, Host>,
    account: Option<AccountKey>,
    command: HostCommand,
) -> Result<Option<AccountKey>, Refusal> {
    match command {
        HostCommand::Engine(command) => {
            let key = account.ok_or(RefusalCode::UnknownAccount)?;
            host.accounts()?.dispatch(key, command).await?;
        }
        HostCommand::Accounts(command) => return host.accounts()?.manage(command).await,
        HostCommand::Shell(ShellCommand::SetTheme { theme }) => {
            host.settings.set_theme(&app, theme).map_err(|error| {
                tracing::warn!(%error, "the settings could not be written");
                Refusal::from(RefusalCode::StorageFailed)
            })?;
        }
    }
    Ok(None)
}

/// Asks for something to be told; by an account, where one is named.
#[tauri::command]
pub(crate) async fn query(
    host: State<'_, Host>,
    account: Option<AccountKey>,
    query: HostQuery,
) -> Result<HostAnswer, Refusal> {
    match query {
        HostQuery::Engine(query) => {
            let key = account.ok_or(RefusalCode::UnknownAccount)?;
            let answer = host.accounts()?.query(key, query).await;
            answer.map(HostAnswer::Engine)
        }
        HostQuery::Shell(ShellQuery::Settings) => Ok(HostAnswer::Shell(ShellAnswer::Settings(
            host.settings.view(),
        ))),
    }
}

/// Listens: the accounts and their snapshots first, then what happens, in batches.
/// A page that was loaded again takes the place of the one before.
#[tauri::command]
pub(crate) async fn subscribe(
    window: WebviewWindow,
    host: State<'_, Host>,
    channel: Channel<Vec<AccountsEvent>>,
) -> Result<(), Refusal> {
    match &host.accounts {
        Ok(accounts) => {
            let listener = accounts.subscribe();
            host.forwarder.replace(forward(window, listener, channel));
        }
        Err(failure) => {
            // The page that asked is gone if this fails.
            let _ = channel.send(vec![without_accounts(failure)]);
        }
    }
    Ok(())
}

/// What there is to see when no account could start.
fn without_accounts(reason: &Failure) -> AccountsEvent {
    AccountsEvent::Accounts {
        accounts: vec![AccountEntry {
            key: AccountKey(0),
            who: None,
            state: AccountState::Failed {
                reason: reason.clone(),
            },
            twin: None,
        }],
    }
}
