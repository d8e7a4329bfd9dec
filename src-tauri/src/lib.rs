//! The shell: it makes a window, the accounts and the three commands between
//! them. It wires and does not decide: whatever concerns chatting is in the
//! engine, whatever people read about it is in the page.
//!
//! ```text
//! page ── dispatch, query ──→ ipc ──→ Accounts
//! page ←── batches of AccountsEvent ── forward ←── Listener
//! ```

mod args;
mod contract;
mod forward;
mod ipc;
mod profile;
mod settings;
mod webkit;
mod window;

use std::{
    error::Error,
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use parlour_client::{
    Accounts, AccountsConfig, Failure, FailureCode, logs_frames,
    secrets::{FileSecrets, KeyringSecrets, SecretPlaces},
};
use tauri::{AppHandle, Manager, RunEvent, async_runtime};
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{args::Args, ipc::Host, settings::Settings};

/// How long the server is given to hear our goodbye when the app closes.
const GOODBYE: Duration = Duration::from_secs(2);

/// Runs the app until its window closes.
pub fn run() -> ExitCode {
    tracing_subscriber::registry()
        .with(filter_fn(|event| !logs_frames(event.target())))
        .with(EnvFilter::try_from_env("PARLOUR_LOG").unwrap_or_else(|_| EnvFilter::new("warn")))
        .with(
            tracing_subscriber::fmt::layer()
                .with_ansi(std::io::stderr().is_terminal())
                .with_writer(std::io::stderr),
        )
        .init();
    let given = std::env::args_os().skip(1);
    let args = match args::parse(given.map(|arg| arg.to_string_lossy().into_owned())) {
        Ok(args) => args,
        Err(stop) => return say(&stop.text, stop.code),
    };
    webkit::choose_renderer();
    match open(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => say(&format!("Parlour cannot start: {error}"), 1),
    }
}

fn open(args: Args) -> Result<(), Box<dyn Error>> {
    let builder = tauri::Builder::default();
    // First of all plugins: a second start ends here.
    let builder = match args.profile.single_instance(window::focus) {
        Some(plugin) => builder.plugin(plugin),
        None => builder,
    };
    let app = builder
        .plugin(tauri_plugin_store::Builder::new().build())
        .invoke_handler(tauri::generate_handler![
            ipc::dispatch,
            ipc::query,
            ipc::subscribe
        ])
        .build(tauri::generate_context!())?;

    let folder = args
        .profile
        .make_folder(&app.path().app_local_data_dir()?)?;
    let file = FileSecrets::new(folder.join("secrets.json"));
    let secrets = Arc::new(SecretPlaces::new(KeyringSecrets::new()).or(file));
    let config = AccountsConfig::new(folder.clone(), args.profile.name(), secrets);
    // Without accounts the window still opens: it says what is the matter.
    let accounts = Accounts::start(config).map_err(|error| {
        tracing::error!(%error, "no accounts");
        Failure {
            code: FailureCode::StorageFailed,
            detail: Some(error.to_string()),
        }
    });
    let settings = Settings::open(&app, &folder, &args)?;
    settings.apply(app.handle());
    app.manage(Host::new(accounts, settings));
    window::open(&app, &args.profile, &folder)?;
    app.run(|app, event| {
        if let RunEvent::Exit = event {
            end(app);
        }
    });
    Ok(())
}

/// Lets the accounts say goodbye, but never keeps a person waiting for it.
fn end(app: &AppHandle) {
    if let Ok(accounts) = app.state::<Host>().accounts() {
        async_runtime::block_on(async {
            if tokio::time::timeout(GOODBYE, accounts.stop())
                .await
                .is_err()
            {
                tracing::warn!("the accounts did not end in time");
            }
        });
    }
}

fn say(text: &str, code: u8) -> ExitCode {
    // With no stderr there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(code)
}
