//! Where things are, and commands that start there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

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
