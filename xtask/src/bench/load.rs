//! The load generator, as a process beside the server.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::peers::{Running, released};
use super::place::Places;
use super::plan::Case;
use crate::process::{self, Group};
use crate::repo::Repo;

/// A scenario that takes longer does not end.
const LIMIT: Duration = Duration::from_secs(300);

/// How often its end is looked for.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) struct Generator<'a> {
    repo: &'a Repo,
    places: &'a Places,
}

/// What the generator said, or why it could not.
pub(crate) type Outcome = Result<Value, String>;

impl<'a> Generator<'a> {
    pub(crate) fn new(repo: &'a Repo, places: &'a Places) -> Self {
        Self { repo, places }
    }

    /// Runs one case. An error is one of this tool; a server that does not
    /// stand the case is an outcome.
    pub(crate) fn measure(&self, server: &mut Running, case: &Case) -> Result<Outcome> {
        let (url, pid) = (server.url.clone(), server.pid.to_string());
        let mut words: Vec<&str> = case.words.iter().map(String::as_str).collect();
        words.extend(["--url", &url, "--pid", &pid]);
        let outcome = self.run(&words)?;
        if outcome.is_err() && server.has_ended()? {
            return Ok(Err("the server ended".to_owned()));
        }
        Ok(outcome)
    }

    /// Lets people sign up and leave.
    pub(crate) fn seed(&self, server: &Running, people: usize) -> Result<()> {
        let people = people.to_string();
        match self.run(&["seed", "--people", &people, "--url", &server.url])? {
            Ok(_) => Ok(()),
            Err(why) => bail!("nobody could sign up: {why}"),
        }
    }

    /// What the disk under `folder` can do.
    pub(crate) fn disk(&self, folder: &Path) -> Result<Value> {
        let folder = folder.to_string_lossy();
        match self.run(&["disk", "--folder", &folder])? {
            Ok(value) => Ok(value),
            Err(why) => bail!("{why}"),
        }
    }

    /// Runs the generator with these words.
    pub(crate) fn run(&self, words: &[&str]) -> Result<Outcome> {
        let program = released(self.repo, "parlour-bench");
        let mut all: Vec<&str> = self.places.load.iter().map(String::as_str).collect();
        all.push(&program);
        all.extend(words);
        let (first, rest) = all.split_first().context("no program")?;
        let mut command = self.repo.command(first);
        command
            .args(rest)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut group =
            Group::spawn(&mut command).with_context(|| format!("cannot start {first}"))?;
        let start = Instant::now();
        // It says one line at its end: no pipe is full before that.
        let status = loop {
            if let Some(status) = group.ended()? {
                break status;
            }
            if process::interrupted() {
                bail!("interrupted");
            }
            if start.elapsed() > LIMIT {
                return Ok(Err("took too long".to_owned()));
            }
            thread::sleep(LOOK);
        };
        let mut text = String::new();
        if status.success() {
            group
                .child()
                .stdout
                .take()
                .context("no output")?
                .read_to_string(&mut text)?;
            return Ok(Ok(serde_json::from_str(&text).context("not JSON")?));
        }
        group
            .child()
            .stderr
            .take()
            .context("no errors")?
            .read_to_string(&mut text)?;
        Ok(Err(text
            .trim()
            .trim_start_matches("parlour-bench: ")
            .to_owned()))
    }
}
