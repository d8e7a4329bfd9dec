//! A host of the chat engine without a window: one JSON [`Command`] a line in,
//! one JSON [`ClientEvent`] a line out, the same types that cross the boundary
//! of the desktop app.

mod input;
mod reach;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use parlour_client::{
    ClientConfig, ClientEvent, ClientHandle, Command, Query, ServerOptions, SessionView, Snapshot,
    ports::SecretStore,
    secrets::{FileSecrets, KeyringSecrets, MemorySecrets, SecretPlaces},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, Stdout};

use crate::{
    input::{Input, Line},
    reach::Reach,
};

/// Chats over a server that speaks Socket.IO's private messaging protocol.
///
/// Reads one JSON command a line, for example
/// {"type":"sendMessage","to":"…","content":"hello"}, and writes one JSON event a
/// line. What is refused is answered with {"type":"refused","line":…,"code":…}. A
/// question is put as {"type":"query","query":{"type":"timeline","user":"…","before":null,
/// "limit":50}} and answered with {"type":"answer","line":…,"answer":{…}}.
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
    #[command(flatten)]
    reach: Reach,
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
    let reach = options.reach.options()?;
    let secrets: Arc<dyn SecretStore> = match options.secrets {
        Secrets::Keyring => Arc::new(
            SecretPlaces::new(KeyringSecrets::new())
                .or(FileSecrets::new(options.data.join("secrets.json"))),
        ),
        Secrets::Memory => Arc::new(MemorySecrets::default()),
        Secrets::File => Arc::new(FileSecrets::new(options.data.join("secrets.json"))),
    };
    let client = ClientHandle::start(ClientConfig::new(options.data, &options.profile, secrets))?;
    let ended = host(&client, options.server.zip(options.username), reach).await;
    client.stop().await;
    ended
}

/// Passes commands in and events out until either side ends.
async fn host(
    client: &ClientHandle,
    account: Option<(String, String)>,
    mut reach: Option<ServerOptions>,
) -> Result<()> {
    let mut events = client.subscribe().await?;
    let mut output = tokio::io::stdout();
    let mut input = Input::start();
    let mut sign_in = account;
    loop {
        tokio::select! {
            event = events.next() => {
                let Some(event) = event else { return Ok(()) };
                write_line(&mut output, &event).await?;
                if let ClientEvent::Snapshot { snapshot } = &event
                    && let Some(command) = opening(snapshot, &mut sign_in, &mut reach)
                {
                    client.dispatch(command).await.context("signing in")?;
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

/// What the command line asks for at the start. A session that is resumed comes
/// first; the name is for when there is none.
fn opening(
    snapshot: &Snapshot,
    sign_in: &mut Option<(String, String)>,
    reach: &mut Option<ServerOptions>,
) -> Option<Command> {
    let options = reach.take();
    match (sign_in.take(), &snapshot.session) {
        (Some((server, username)), SessionView::SignedOut { .. }) => Some(Command::SignIn {
            server,
            username,
            options,
        }),
        (_, SessionView::SignedOut { server: None, .. }) => None,
        _ => options.map(|options| Command::SetServerOptions { options }),
    }
}

/// A line of input: a question, or else a command.
enum Asked {
    Question(Query),
    Command(Command),
}

impl Asked {
    fn read(text: &str) -> serde_json::Result<Self> {
        let Kind { kind } = serde_json::from_str(text)?;
        if kind == "query" {
            serde_json::from_str(text).map(|Question { query }| Self::Question(query))
        } else {
            serde_json::from_str(text).map(Self::Command)
        }
    }
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

/// `{"type":"query","query":{…}}`, answered with `{"type":"answer","line":…,"answer":{…}}`.
#[derive(Deserialize)]
struct Question {
    query: Query,
}

/// Carries out one line of input; what comes back is the answer, or why there is none.
async fn obey(client: &ClientHandle, line: Line) -> Option<Value> {
    let number = line.number;
    let refused = |code: Value, detail: Option<String>| json!({"type": "refused", "line": number, "code": code, "detail": detail});
    let asked = line
        .text
        .and_then(|text| Asked::read(&text).map_err(|error| error.to_string()));
    let outcome = match asked {
        Ok(Asked::Command(command)) => client.dispatch(command).await.map(|()| None),
        Ok(Asked::Question(query)) => {
            let answer = client.query(query).await;
            answer.map(|answer| Some(json!({"type": "answer", "line": number, "answer": answer})))
        }
        Err(detail) => return Some(refused(json!("badCommand"), Some(detail))),
    };
    outcome.unwrap_or_else(|refusal| Some(refused(json!(refusal.code), None)))
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
