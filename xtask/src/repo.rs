//! Where things are, and commands that start there.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::{display, process};

/// The checkout that this tool works on.
pub(crate) struct Repo {
    root: PathBuf,
}

impl Repo {
    /// The checkout that `cargo xtask` was called in. Asked at run time, so
    /// that a checkout may be moved without building this tool again.
    pub(crate) fn find() -> Result<Self> {
        let member = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(folder) => PathBuf::from(folder).join("."),
            None => std::env::current_dir()?,
        };
        let root = member
            .ancestors()
            .find(|folder| folder.join("tauri.conf.json").is_file() || is_workspace(folder))
            .context("call this inside the checkout, as `cargo xtask …`")?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// What this tool keeps between its runs.
    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.path("target/xtask").join(name)
    }

    /// Held for as long as the answer lives: two runs at once would write over
    /// each other's logs, and count each other's tests.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.state("lock");
        std::fs::create_dir_all(self.state(""))?;
        let file = File::create(&path).with_context(|| format!("cannot write {path:?}"))?;
        let mut said = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if process::interrupted() => bail!("interrupted"),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            if !said {
                said = true;
                display::line("waiting for another `cargo xtask` in this checkout");
            }
            thread::sleep(process::POLL);
        }
    }

    /// A program of the debug build.
    pub(crate) fn built(&self, program: &str) -> PathBuf {
        let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
        self.path("target/debug").join(name)
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// The cargo that started this tool.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        self.command(&cargo)
    }

    /// npm in a folder of the checkout.
    pub(crate) fn npm(&self, folder: &str) -> Command {
        let mut command = self.command(if cfg!(windows) { "npm.cmd" } else { "npm" });
        command.current_dir(self.path(folder));
        command
    }
}

fn is_workspace(folder: &Path) -> bool {
    std::fs::read_to_string(folder.join("Cargo.toml"))
        .is_ok_and(|text| text.lines().any(|line| line == "[workspace]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_held_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let repo = Repo::at(folder.path());
        let held = repo.lock().unwrap();
        let other = File::open(repo.state("lock")).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
        other.try_lock().unwrap();
    }
}
