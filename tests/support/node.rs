//! The official Socket.IO packages, run by Node.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::process::Process;

/// Which of the guide's servers to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Part 1: no sessions, a user is a socket, nothing is kept.
    A,
    /// Part 2: sessions; messages are not kept.
    B,
    /// Parts 3 and 4: messages are kept.
    C,
}

/// A server on the official package, on a port that it keeps across restarts.
/// Its memory does not outlive it.
#[derive(Debug)]
pub struct ReferenceServer {
    dialect: Dialect,
    options: Vec<String>,
    port: u16,
    process: Option<Process>,
}

impl ReferenceServer {
    /// Starts one on a free port.
    #[must_use]
    pub fn start(dialect: Dialect) -> Self {
        Self::start_with(dialect, &[])
    }

    /// Starts one with further options of `server.mjs`.
    #[must_use]
    pub fn start_with(dialect: Dialect, options: &[&str]) -> Self {
        let mut server = Self {
            dialect,
            options: options.iter().map(ToString::to_string).collect(),
            port: 0,
            process: None,
        };
        server.restart();
        server
    }

    /// The address for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills it: connections break, everything is forgotten.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Starts it again on the same port, with an empty memory.
    ///
    /// # Panics
    /// If it runs already, or does not start.
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "the server runs already");
        let mut command = script("server.mjs");
        command
            .args(["--dialect", &format!("{:?}", self.dialect)])
            .args(["--port", &self.port.to_string()])
            .args(&self.options);
        let mut process = Process::start(command);
        let line = process.line();
        self.port = line
            .as_deref()
            .and_then(|line| line.strip_prefix("listening ")?.parse().ok())
            .unwrap_or_else(|| panic!("the reference server did not start: {line:?}"));
        self.process = Some(process);
    }

    /// Makes it forget all sessions and messages; connections stay.
    pub fn forget(&mut self) {
        self.control("forget");
    }

    /// Breaks all connections without a goodbye.
    pub fn drop_connections(&mut self) {
        self.control("drop");
    }

    /// Says goodbye to all connections.
    pub fn kick(&mut self) {
        self.control("kick");
    }

    /// `{"sockets": …, "sessions": …, "messages": […]}`.
    pub fn state(&mut self) -> Value {
        self.control("state")
    }

    fn control(&mut self, what: &str) -> Value {
        let process = self.process.as_mut().expect("the server runs");
        process.tell(&serde_json::json!({ "do": what }).to_string());
        let answer = process.line().expect("an answer");
        serde_json::from_str(&answer).expect("an answer in JSON")
    }
}

/// A script of `tests/interop/node`, to be run.
///
/// # Panics
/// If the packages are not installed.
#[must_use]
pub fn script(name: &str) -> Command {
    let folder = folder();
    assert!(
        folder.join("node_modules/socket.io-client").is_dir(),
        "the official packages are missing: run `npm ci` in {}",
        folder.display()
    );
    let mut command = Command::new("node");
    command.arg(folder.join(name)).current_dir(folder);
    command
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/node")
}
