//! A log file of one piece of work, and programs whose output goes there.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::display;
use crate::process::{self, Group};
use crate::repo::Repo;

const FOLDER: &str = "target/xtask-logs";

/// A program that ran for longer hangs: the whole of a cold run is meant to
/// take less.
const LIMIT: Duration = Duration::from_secs(40 * 60);

/// How often a long program's last line is shown, so that one sees it move
/// and no build service takes it for dead.
const HEARTBEAT: Duration = Duration::from_secs(60);

pub(crate) struct Log {
    path: PathBuf,
    /// The path as a person would type it.
    name: String,
    file: File,
}

impl Log {
    /// An empty log `target/xtask-logs/NAME.log`.
    pub(crate) fn create(repo: &Repo, name: &str) -> Result<Self> {
        fs::create_dir_all(repo.path(FOLDER))?;
        let name = format!("{FOLDER}/{name}.log");
        let path = repo.path(&name);
        File::create(&path).with_context(|| format!("cannot write {path:?}"))?;
        let file = append(&path)?;
        Ok(Self { path, name, file })
    }

    /// Where a person finds it, from the root of the checkout.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn line(&mut self, text: &str) -> Result<()> {
        Ok(writeln!(self.file, "{text}")?)
    }

    pub(crate) fn text(&self) -> String {
        fs::read(&self.path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The last `count` lines.
    pub(crate) fn tail(&self, count: usize) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// Runs a program to its end with its output in this log. An end that is
    /// not a success is an error.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<()> {
        let shown = shown(command);
        self.line(&format!("$ {shown}"))?;
        command
            .env("CARGO_TERM_COLOR", "never")
            .env("CARGO_TERM_PROGRESS_WHEN", "never")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(append(&self.path)?)
            .stderr(append(&self.path)?);
        let program = command.get_program().to_string_lossy().into_owned();
        let mut group =
            Group::spawn(command).with_context(|| format!("cannot start `{program}`"))?;
        let start = Instant::now();
        let mut shown_at = start;
        let status = loop {
            if let Some(status) = group.ended()? {
                break status;
            }
            if process::interrupted() {
                group.stop(Duration::from_secs(5));
                bail!("interrupted");
            }
            if start.elapsed() > LIMIT {
                group.stop(Duration::from_secs(5));
                bail!("ended after {}: it hangs: {shown}", display::span(LIMIT));
            }
            if shown_at.elapsed() > HEARTBEAT {
                shown_at = Instant::now();
                let last = self.last_line();
                display::line(&format!("    {}: {last}", display::span(start.elapsed())));
            }
            thread::sleep(process::POLL);
        };
        if !status.success() {
            bail!("{status}: {shown}");
        }
        Ok(())
    }

    fn last_line(&self) -> String {
        const WINDOW: u64 = 4096;
        let read = || -> std::io::Result<String> {
            let mut file = File::open(&self.path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(WINDOW)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let text = read().unwrap_or_default();
        text.trim_end()
            .lines()
            .next_back()
            .unwrap_or_default()
            .chars()
            .take(100)
            .collect()
    }
}

/// Every writer appends: this tool and several programs share the file.
fn append(path: &Path) -> Result<File> {
    Ok(File::options().append(true).open(path)?)
}

/// A command as one would type it, without the folder of its program.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_log_holds_the_command_and_both_streams() {
        let folder = tempfile::tempdir().unwrap();
        let repo = Repo::at(folder.path());
        let mut log = Log::create(&repo, "both").unwrap();
        log.run(repo.command("sh").args(["-c", "echo out; echo err >&2"]))
            .unwrap();
        assert_eq!(log.text(), "$ sh -c echo out; echo err >&2\nout\nerr\n");
        assert_eq!(log.tail(1), "err");
    }

    #[test]
    fn a_failure_names_the_status_and_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let repo = Repo::at(folder.path());
        let mut log = Log::create(&repo, "failure").unwrap();
        let error = log
            .run(repo.command("sh").args(["-c", "exit 3"]))
            .unwrap_err();
        assert_eq!(error.to_string(), "exit status: 3: sh -c exit 3");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let repo = Repo::at(folder.path());
        let mut log = Log::create(&repo, "absent").unwrap();
        let error = log.run(&mut repo.command("no-such-program")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program`");
    }
}
