//! The program around the library: arguments, logs, signals.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use parlour_server::{Config, Running, Server};
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};
use url::Url;

/// A private-messaging server that speaks Socket.IO. Whoever runs it can read
/// the messages on it.
#[derive(Debug, Parser)]
#[command(name = "parlour-server", version)]
struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// The folder for sessions and messages; created if it is not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// A web page's origin that may connect; may be given more than once
    #[arg(
        long = "cors-origin",
        value_name = "URL",
        default_value = "http://localhost:8080"
    )]
    cors_origins: Vec<Url>,
    /// Listen beyond this machine, where anybody can then sign in as a guest
    #[arg(long)]
    public: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // Standard output has one line, which others wait for; the rest goes here.
    tracing_subscriber::registry()
        .with(filter_fn(|event| {
            !parlour_socketio::logs_frames(event.target())
        }))
        .with(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(io::stderr)
                .with_ansi(false),
        )
        .init();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(args)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this fails.
            let _ = writeln!(io::stderr(), "parlour-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    let mut end = Signals::listen()?;
    let mut config = Config::new(args.listen, args.data);
    config.cors_origins = args.cors_origins;
    config.public = args.public;
    let server = Server::start(config).await?;
    announce(&server)?;
    tokio::select! {
        () = end.wait() => {
            tracing::info!("ending");
            server.stop().await;
            Ok(())
        }
        () = server.failed() => anyhow::bail!("the server ended by a fault; see the log above"),
    }
}

fn announce(server: &Running) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "server listening at {}", server.url())?;
    stdout.flush()
}

/// The signals that mean "end in order".
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// From here on they do not kill the process.
    fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }

    #[cfg(not(unix))]
    async fn wait(&mut self) {
        // An error means that it cannot be waited for: then the end is now.
        let _ = tokio::signal::ctrl_c().await;
    }
}
