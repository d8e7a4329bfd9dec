//! `cargo xtask bench client`: the client with a long history beside the same
//! with a short one, its connector beside the one on `rust_socketio`, and its
//! queue; all in one run, so that the ratios mean something.
//!
//! It measures, and is no test: nothing fails because a machine was slow.

mod tables;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::load::{Generator, Outcome};
use super::options::Options;
use super::peers::{Peer, Peers};
use super::place::Places;
use super::{FOLDER, build, report};
use crate::display;
use crate::log::Log;
use crate::process;
use crate::repo::Repo;

/// The history that the long one is compared with.
const SHORT: u64 = 10_000;

/// The servers that connectors and queue are measured against.
const SERVERS: [Peer; 2] = [Peer::Official, Peer::Sqlite];

/// What was measured, as the generator says it, or why it could not be.
pub(super) struct Figures {
    pub(super) short: Outcome,
    pub(super) long: Outcome,
    pub(super) connectors: Vec<(Peer, Outcome)>,
    pub(super) queue: Vec<(Peer, Outcome)>,
}

pub(crate) fn bench(repo: &Repo, quick: bool) -> Result<ExitCode> {
    let _lock = repo.lock()?;
    let options = Options::default();
    let mut log = Log::create(repo, "bench")?;
    build(repo, &mut log, &options).with_context(|| log.tail(20))?;
    let folder = repo.path(FOLDER);
    fs::create_dir_all(&folder)?;

    let start = Instant::now();
    // One program with threads of its own: it has the machine as people have it.
    let places = Places {
        said: "not pinned: client and server share the machine, as they do at work".to_owned(),
        ..Places::default()
    };
    let generator = Generator::new(repo, &places);
    let machine = report::machine(&places, &generator.disk(&folder)?);
    display::line(&machine.text());

    let long = if quick { 100_000 } else { 1_000_000 };
    let peers = Peers::new(repo, &options, &places);
    let mut figures = Figures {
        short: history(&generator, &folder, SHORT)?,
        long: history(&generator, &folder, long)?,
        connectors: Vec::new(),
        queue: Vec::new(),
    };
    display::line(&tables::history(&figures));
    for peer in SERVERS {
        let words = connector_words(quick, peer);
        let outcome = against(&generator, &peers, peer, &words)?;
        figures.connectors.push((peer, outcome));
    }
    display::line(&tables::connectors(&figures));
    for peer in SERVERS {
        let data = Data::create(&folder)?;
        let words = [
            "client-queue",
            "--messages",
            "2000",
            "--folder",
            &data.path(),
        ];
        let outcome = against(&generator, &peers, peer, &words.map(str::to_owned))?;
        figures.queue.push((peer, outcome));
    }
    display::line(&tables::queue(&figures));
    let aims = tables::aims(&figures);
    display::line(&tables::aims_text(&aims));

    let path = folder.join("client.json");
    let json = figures.json(machine.json(), quick, &aims);
    fs::write(&path, serde_json::to_string_pretty(&json)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    display::line(&format!(
        "took {}; everything is in {FOLDER}/client.json",
        display::span(start.elapsed())
    ));
    Ok(ExitCode::SUCCESS)
}

fn history(generator: &Generator<'_>, folder: &Path, messages: u64) -> Result<Outcome> {
    said(&format!("a history of {messages} messages"))?;
    let data = Data::create(folder)?;
    let messages = messages.to_string();
    generator.run(&[
        "client-history",
        "--messages",
        &messages,
        "--folder",
        &data.path(),
    ])
}

fn connector_words(quick: bool, peer: Peer) -> Vec<String> {
    let mut words = vec!["client-connectors".to_owned()];
    if quick {
        words.extend(["--messages", "5000", "--rounds", "300"].map(str::to_owned));
    } else if peer == Peer::Official {
        // A minute is longer than a default server needs to notice.
        words.extend(["--dead", "60"].map(str::to_owned));
    }
    words
}

fn against(
    generator: &Generator<'_>,
    peers: &Peers<'_>,
    peer: Peer,
    words: &[String],
) -> Result<Outcome> {
    said(&format!(
        "{} against {}",
        words.first().map_or("", String::as_str),
        peer.name()
    ))?;
    let mut server = peers.start(peer, 0)?;
    let url = server.url.clone();
    let mut all: Vec<&str> = words.iter().map(String::as_str).collect();
    all.extend(["--url", &url]);
    let outcome = generator.run(&all)?;
    if outcome.is_err() && server.has_ended()? {
        return Ok(Err("the server ended".to_owned()));
    }
    Ok(outcome)
}

fn said(what: &str) -> Result<()> {
    if process::interrupted() {
        bail!("interrupted");
    }
    display::line(&format!("    {what}"));
    Ok(())
}

impl Figures {
    fn json(&self, machine: Value, quick: bool, aims: &[tables::Aim]) -> Value {
        let one = |outcome: &Outcome| match outcome {
            Ok(value) => value.clone(),
            Err(why) => json!({ "failed": why }),
        };
        let all = |outcomes: &[(Peer, Outcome)]| -> Value {
            let each = outcomes.iter();
            each.map(|(peer, outcome)| (peer.name().to_owned(), one(outcome)))
                .collect()
        };
        json!({
            "machine": machine,
            "quick": quick,
            "history": { "short": one(&self.short), "long": one(&self.long) },
            "connectors": all(&self.connectors),
            "queue": all(&self.queue),
            "aims": aims.iter().map(tables::Aim::json).collect::<Vec<_>>(),
        })
    }
}

/// A folder for one database, removed with it.
struct Data(PathBuf);

impl Data {
    fn create(folder: &Path) -> Result<Self> {
        let data = Self(folder.join("data-client"));
        // It may not be there.
        let _ = fs::remove_dir_all(&data.0);
        fs::create_dir_all(&data.0)
            .with_context(|| format!("cannot create {}", data.0.display()))?;
        Ok(data)
    }

    fn path(&self) -> String {
        self.0.to_string_lossy().into_owned()
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        // What cannot be removed now is removed when the next wants the place.
        let _ = fs::remove_dir_all(&self.0);
    }
}
