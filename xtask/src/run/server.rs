//! The server that `run` starts.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::display;
use crate::process::{self, Group};
use crate::repo::Repo;

/// How the server says that it is ready, before its address.
const READY: &str = "server listening at ";

/// How long it may take to open its database, which may be a large one.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    group: Group,
    /// Where it answers.
    pub(crate) url: String,
}

impl Server {
    /// Starts the server, and waits until it says that it is ready.
    pub(crate) fn start(repo: &Repo, listen: SocketAddr, data: &Path) -> Result<Self> {
        let program = repo.built("parlour-server");
        let mut command = repo.command(&program.to_string_lossy());
        command
            .args(["--listen", &listen.to_string(), "--data"])
            .arg(data);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command)
            .with_context(|| format!("cannot start {}", program.display()))?;
        let output = group
            .child()
            .stdout
            .take()
            .context("the server has no output")?;

        // One address is all that this channel ever holds.
        let (found, address) = mpsc::sync_channel(1);
        thread::spawn(move || {
            let mut found = Some(found);
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                match (line.strip_prefix(READY), found.take()) {
                    (Some(url), Some(found)) => {
                        let _ = found.send(url.trim().to_owned());
                    }
                    (_, waiting) => {
                        found = waiting;
                        display::line(&line);
                    }
                }
            }
        });

        let deadline = Instant::now() + PATIENCE;
        loop {
            match address.recv_timeout(process::POLL) {
                Ok(url) => return Ok(Self { group, url }),
                Err(RecvTimeoutError::Timeout) if process::interrupted() => bail!("interrupted"),
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the server was not ready after {}", display::span(PATIENCE))
                }
                // It has said why on its standard error, which is in sight.
                Err(RecvTimeoutError::Disconnected) => bail!("the server did not start"),
            }
        }
    }

    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.group.ended()?)
    }

    pub(crate) fn stop(&mut self, patience: Duration) {
        self.group.stop(patience);
    }
}
