//! The servers that are compared, each a process of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::FOLDER;
use super::options::Options;
use super::place::Places;
use crate::npm::INTEROP;
use crate::process::{self, Group};
use crate::repo::Repo;

/// How a server says that it is ready, before its address.
const READY: &str = "server listening at ";

/// How long it may take to say so.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it may take to end.
const FAREWELL: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// The guide's part 3 on npm's `socket.io`, in memory.
    Official,
    /// This server, in memory.
    Memory,
    /// This server, every message on the disk before it is answered.
    Sqlite,
    /// The program of `--peer-binary`.
    Other,
    /// A server that only passes messages on: the most that can be measured.
    Relay,
}

impl Peer {
    /// Those that people can chat on.
    pub(crate) const SERVERS: [Self; 4] = [Self::Official, Self::Memory, Self::Sqlite, Self::Other];

    /// Those that messages can be sent through.
    pub(crate) const ALL: [Self; 5] = [
        Self::Official,
        Self::Memory,
        Self::Sqlite,
        Self::Other,
        Self::Relay,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Other => "other",
            Self::Relay => "relay",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut nameable = Self::ALL.into_iter().filter(|peer| *peer != Self::Other);
        nameable.find(|peer| peer.name() == name)
    }
}

/// Those that take part, and how they are started.
pub(crate) struct Peers<'a> {
    repo: &'a Repo,
    options: &'a Options,
    places: &'a Places,
}

impl<'a> Peers<'a> {
    pub(crate) fn new(repo: &'a Repo, options: &'a Options, places: &'a Places) -> Self {
        Self {
            repo,
            options,
            places,
        }
    }

    /// Those of `wanted` that take part in this run.
    pub(crate) fn chosen(&self, wanted: &[Peer]) -> Vec<Peer> {
        let wanted = wanted.iter().copied();
        wanted.filter(|peer| self.options.has(*peer)).collect()
    }

    /// Starts a server that knows nobody, or knows `known` people: some can be
    /// told at their start, for the others see [`Running::to_be_known`].
    pub(crate) fn start(&self, peer: Peer, known: usize) -> Result<Running> {
        let data = Data::create(&self.repo.path(FOLDER), peer)?;
        let folder = data.path.to_string_lossy().into_owned();
        let ours = released(self.repo, "parlour-server");
        let listen = ["--listen", "127.0.0.1:0"];
        let mut words: Vec<String> = self.places.server.clone();
        let mut to_be_known = Some(known).filter(|known| *known > 0);
        match peer {
            Peer::Official => {
                let script = self.repo.path(INTEROP).join("guide_server.mjs");
                words.extend(["node".to_owned(), script.to_string_lossy().into_owned()]);
                if let Some(known) = to_be_known.take() {
                    words.extend(["--sessions".to_owned(), known.to_string()]);
                }
            }
            Peer::Memory => {
                words.push(ours);
                words.extend(listen.map(str::to_owned));
                words.extend(["--storage", "memory", "--no-rate-limits"].map(str::to_owned));
            }
            Peer::Sqlite => {
                words.push(ours);
                words.extend(listen.map(str::to_owned));
                words.extend(["--data", &folder, "--no-rate-limits"].map(str::to_owned));
            }
            Peer::Relay => {
                words.extend([released(self.repo, "parlour-bench"), "relay".to_owned()]);
                // It knows nobody, whoever signs up.
                to_be_known = None;
            }
            Peer::Other => {
                let program = self.options.other.as_ref().context("no --peer-binary")?;
                words.push(program.to_string_lossy().into_owned());
                words.extend(listen.map(str::to_owned));
                words.extend(["--data", &folder].map(str::to_owned));
            }
        }
        let mut running = self.wait(peer, &words, data)?;
        running.to_be_known = to_be_known;
        Ok(running)
    }

    fn wait(&self, peer: Peer, words: &[String], data: Data) -> Result<Running> {
        let (program, rest) = words.split_first().context("no program")?;
        let log = self.repo.path(FOLDER).join(format!("{}.log", peer.name()));
        let mut command: Command = self.repo.command(program);
        command
            .args(rest)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?);
        let mut group =
            Group::spawn(&mut command).with_context(|| format!("cannot start {program}"))?;
        let pid = group.child().id();
        let output = group.child().stdout.take().context("no output")?;
        let (found, address) = mpsc::sync_channel(1);
        thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            if let Some(url) = lines.find_map(|line| Some(line.strip_prefix(READY)?.to_owned())) {
                // Nobody waits for it any more: then it is not needed.
                let _ = found.send(url);
            }
            // What else it says is read, or it would wait for a reader.
            lines.for_each(drop);
        });
        let deadline = Instant::now() + PATIENCE;
        loop {
            match address.recv_timeout(process::POLL) {
                Ok(url) => {
                    return Ok(Running {
                        group,
                        url: url.trim().trim_end_matches('/').to_owned(),
                        pid,
                        to_be_known: None,
                        _data: data,
                    });
                }
                Err(RecvTimeoutError::Timeout) if process::interrupted() => bail!("interrupted"),
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(_) => bail!(
                    "the server `{}` did not start; it said:\n{}",
                    peer.name(),
                    std::fs::read_to_string(&log).unwrap_or_default()
                ),
            }
        }
    }
}

/// A program of the release build.
pub(super) fn released(repo: &Repo, program: &str) -> String {
    let path = repo.path("target/release").join(program);
    format!("{}{}", path.display(), std::env::consts::EXE_SUFFIX)
}

/// A server that is ready.
pub(crate) struct Running {
    group: Group,
    pub(crate) url: String,
    pub(crate) pid: u32,
    /// How many people have to sign up before anything is measured.
    pub(crate) to_be_known: Option<usize>,
    /// Removed after the process has ended: fields go in their order.
    _data: Data,
}

impl Running {
    /// Whether it ended by itself.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.group.ended()?.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.group.stop(FAREWELL);
    }
}

/// A folder for one server, removed with it.
struct Data {
    path: PathBuf,
}

impl Data {
    fn create(folder: &Path, peer: Peer) -> Result<Self> {
        let path = folder.join(format!("data-{}", peer.name()));
        let data = Self { path };
        data.remove();
        std::fs::create_dir_all(&data.path)
            .with_context(|| format!("cannot create {}", data.path.display()))?;
        Ok(data)
    }

    fn remove(&self) {
        // It may not be there; what cannot be removed now is removed when the
        // next server wants the place.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        self.remove();
    }
}
