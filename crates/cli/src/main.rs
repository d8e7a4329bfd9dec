//! A host of the chat engine without a window: one JSON [`Command`] a line in,
//! one JSON [`ClientEvent`] a line out, the same types that cross the boundary
//! of the desktop app.

mod input;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use parlour_client::{
    ClientConfig, ClientEvent, ClientHandle, Command, SessionView,
    ports::SecretStore,
    secrets::{FileSecrets, KeyringSecrets, MemorySecrets, SecretPlaces},
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, Stdout};

use crate::input::{Input, Line};

/// Chats over a server that speaks Socket.IO's private messaging protocol.
///
/// Reads one JSON command a line, for example
/// {"type":"sendMessage","to":"…","content":"hello"}, and writes one JSON event a
/// line. What is refused is answered with {"type":"refused","line":…,"code":…}.
/// The end of the input ends the program; what is not sent by then stays queued
/// in the data folder and goes out the next time.
#[derive(Parser)]
#[command(name = "parlour-cli", version)]
struct Options {
    /// Sign in to this server, unless a session is resumed.
    #[arg(long, requires = "username")]
    server: Option<String>,
    /// Sign in by this name.
    #[arg(long, requires = "server")]
    username: Option<String>,
    /// The folder of the local database.
    #[arg(long)]
    data: PathBuf,
    /// Keeps the entries of this profile in the keyring apart from others'.
    #[arg(long, default_value = "cli")]
    profile: String,
    /// Where the session is kept.
    #[arg(long, value_enum, default_value_t = Secrets::Keyring)]
    secrets: Secrets,
}

/// The places for a session.
#[derive(Clone, Copy, ValueEnum)]
enum Secrets {
    /// The operating system's keyring.
    Keyring,
    /// Nowhere: it ends with the process.
    Memory,
    /// A file in the data folder that only this user can read.
    File,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = tokio::io::stderr()
                .write_all(format!("parlour-cli: {error:#}\n").as_bytes())
                .await;
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<()> {
    let secrets: Arc<dyn SecretStore> = match options.secrets {
        Secrets::Keyring => Arc::new(
            SecretPlaces::new(KeyringSecrets::new())
                .or(FileSecrets::new(options.data.join("secrets.json"))),
        ),
        Secrets::Memory => Arc::new(MemorySecrets::default()),
        Secrets::File => Arc::new(FileSecrets::new(options.data.join("secrets.json"))),
    };
    let client = ClientHandle::start(ClientConfig::new(options.data, &options.profile, secrets))?;
    let ended = host(&client, options.server.zip(options.username)).await;
    client.stop().await;
    ended
}

/// Passes commands in and events out until either side ends.
async fn host(client: &ClientHandle, account: Option<(String, String)>) -> Result<()> {
    let mut events = client.subscribe().await?;
    let mut output = tokio::io::stdout();
    let mut input = Input::start();
    let mut sign_in = account;
    loop {
        tokio::select! {
            event = events.next() => {
                let Some(event) = event else { return Ok(()) };
                write_line(&mut output, &event).await?;
                // A session that is resumed comes first; the name is for when there is none.
                if let Some((server, username)) = sign_in.take()
                    && is_signed_out(&event)
                {
                    client.dispatch(Command::SignIn { server, username, options: None }).await.context("signing in")?;
                }
            }
            line = input.next() => match line {
                Some(line) => {
                    if let Some(refusal) = obey(client, line).await {
                        write_line(&mut output, &refusal).await?;
                    }
                }
                None => return Ok(()),
            },
            () = stopped() => return Ok(()),
        }
    }
}

fn is_signed_out(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::Snapshot { snapshot } if matches!(snapshot.session, SessionView::SignedOut { .. }))
}

/// Carries out one line of input; what comes back is why it was not.
async fn obey(client: &ClientHandle, line: Line) -> Option<Value> {
    let refused = |code: Value, detail: Option<String>| json!({"type": "refused", "line": line.number, "code": code, "detail": detail});
    let command: Command = match line
        .text
        .and_then(|text| serde_json::from_str(&text).map_err(|e| e.to_string()))
    {
        Ok(command) => command,
        Err(detail) => return Some(refused(json!("badCommand"), Some(detail))),
    };
    let refusal = client.dispatch(command).await.err()?;
    Some(refused(json!(refusal.code), None))
}

async fn write_line(output: &mut Stdout, value: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    output
        .write_all(&line)
        .await
        .context("writing to the output")?;
    output.flush().await.context("writing to the output")
}

/// Until somebody asks the program to end.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Without signals there is nothing to wait for.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
