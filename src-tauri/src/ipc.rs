//! The three commands of the page. There are no others.

use parlour_client::{
    ClientEvent, ClientHandle, Failure, Refusal, RefusalCode, SecretsBackend, SecretsView,
    SessionView, Snapshot,
};
use tauri::{AppHandle, State, WebviewWindow, ipc::Channel};

use crate::{
    contract::{HostAnswer, HostCommand, HostQuery, ShellAnswer, ShellCommand, ShellQuery},
    forward::{Forwarder, forward},
    settings::Settings,
};

/// What the commands work on.
pub(crate) struct Host {
    engine: Result<ClientHandle, Failure>,
    settings: Settings,
    forwarder: Forwarder,
}

impl Host {
    pub(crate) fn new(engine: Result<ClientHandle, Failure>, settings: Settings) -> Self {
        Self {
            engine,
            settings,
            forwarder: Forwarder::default(),
        }
    }

    /// The engine, or why there is none.
    pub(crate) fn engine(&self) -> Result<&ClientHandle, Refusal> {
        let refusal = |_| RefusalCode::StorageFailed.into();
        self.engine.as_ref().map_err(refusal)
    }
}

/// Asks for something to be done: accepted, or refused with a code.
#[tauri::command]
pub(crate) async fn dispatch(
    app: AppHandle,
    host: State<'_, Host>,
    command: HostCommand,
) -> Result<(), Refusal> {
    match command {
        HostCommand::Engine(command) => host.engine()?.dispatch(command).await,
        HostCommand::Shell(ShellCommand::SetTheme { theme }) => {
            host.settings.set_theme(&app, theme).map_err(|error| {
                tracing::warn!(%error, "the settings could not be written");
                RefusalCode::StorageFailed.into()
            })
        }
    }
}

/// Asks for something to be told.
#[tauri::command]
pub(crate) async fn query(host: State<'_, Host>, query: HostQuery) -> Result<HostAnswer, Refusal> {
    match query {
        HostQuery::Engine(query) => host.engine()?.query(query).await.map(HostAnswer::Engine),
        HostQuery::Shell(ShellQuery::Settings) => Ok(HostAnswer::Shell(ShellAnswer::Settings(
            host.settings.view(),
        ))),
    }
}

/// Listens: a snapshot first, then what happens, in batches. A page that was
/// loaded again takes the place of the one before.
#[tauri::command]
pub(crate) async fn subscribe(
    window: WebviewWindow,
    host: State<'_, Host>,
    channel: Channel<Vec<ClientEvent>>,
) -> Result<(), Refusal> {
    match &host.engine {
        Ok(engine) => {
            let subscription = engine.subscribe().await?;
            host.forwarder
                .replace(forward(window, subscription, channel));
        }
        Err(failure) => {
            // The page that asked is gone if this fails.
            let _ = channel.send(vec![without_engine(failure)]);
        }
    }
    Ok(())
}

/// What there is to see when the engine could not start.
fn without_engine(failure: &Failure) -> ClientEvent {
    ClientEvent::Snapshot {
        snapshot: Snapshot {
            session: SessionView::SignedOut {
                server: None,
                username: None,
                reason: Some(failure.clone()),
                resumable: false,
            },
            secrets: SecretsView::unused(SecretsBackend::Keyring),
            compatibility: None,
            roster: Vec::new(),
        },
    }
}
