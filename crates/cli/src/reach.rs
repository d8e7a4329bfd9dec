//! How the server is reached, from the command line.

use std::{fs::File, io::Read, path::PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use parlour_client::{ProxyChoice, ServerOptions, TransportChoice};

/// The most bytes of a file of certificates; the engine takes no more.
const CA_BYTES: u64 = 256 * 1024;

/// How the server is reached; with none of these, as the last time.
#[derive(Args)]
pub(crate) struct Reach {
    /// Where the server's Socket.IO answers, if not at /socket.io/.
    #[arg(long)]
    path: Option<String>,
    /// `direct`, or a proxy such as socks5h://127.0.0.1:1080; else the environment's.
    #[arg(long)]
    proxy: Option<String>,
    /// A PEM file of those who vouch for the server, in place of the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The fingerprint of the server's very key, sha256/….
    #[arg(long)]
    pin: Option<String>,
    /// By which transports.
    #[arg(long, value_enum)]
    transports: Option<Transports>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Transports {
    /// WebSocket, and polling where that is refused.
    WebsocketFirst,
    /// Polling, and then WebSocket where the server offers it.
    PollingFirst,
    /// WebSocket or nothing.
    Websocket,
    /// Polling alone.
    Polling,
}

impl Reach {
    /// What was asked for; `None` where nothing was.
    ///
    /// # Errors
    /// If the file cannot be read, or is no file of certificates by its size.
    pub(crate) fn options(self) -> Result<Option<ServerOptions>> {
        let options = ServerOptions {
            path: self.path,
            ca: self.ca.map(read).transpose()?,
            pin: self.pin,
            proxy: self.proxy.map(|proxy| match proxy.as_str() {
                "direct" => ProxyChoice::Direct,
                _ => ProxyChoice::Via { url: proxy },
            }),
            transports: self.transports.map(|transports| match transports {
                Transports::WebsocketFirst => TransportChoice::WebSocketFirst,
                Transports::PollingFirst => TransportChoice::PollingFirst,
                Transports::Websocket => TransportChoice::WebSocket,
                Transports::Polling => TransportChoice::Polling,
            }),
        };
        Ok(Some(options).filter(|options| *options != ServerOptions::default()))
    }
}

fn read(file: PathBuf) -> Result<String> {
    let name = file.display().to_string();
    let mut text = String::new();
    File::open(&file)
        .and_then(|opened| opened.take(CA_BYTES + 1).read_to_string(&mut text))
        .with_context(|| format!("reading {name}"))?;
    ensure!(
        text.len() as u64 <= CA_BYTES,
        "{name} is too long for a file of certificates"
    );
    Ok(text)
}
