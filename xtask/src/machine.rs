//! What kind of machine this is, and where a person's files go on it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// A folder for things that can be fetched again: tools of a fixed version.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| home().map(|home| home.join(".cache")))
    };
    Ok(base
        .context("HOME is not set, so there is no place for tools")?
        .join("parlour-xtask"))
}

/// A folder for things that a person would miss: the server's messages.
pub(crate) fn data_folder() -> Result<PathBuf> {
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Application Support"))
    } else {
        variable("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local/share")))
    };
    base.context("HOME is not set: say with --data where the server keeps its messages")
}

/// Where `cargo install` puts programs by default.
pub(crate) fn cargo_bin() -> Option<PathBuf> {
    let home = variable("CARGO_HOME").or_else(|| home().map(|home| home.join(".cargo")))?;
    Some(home.join("bin"))
}

/// Whether a window can be opened here.
pub(crate) fn has_display() -> bool {
    !cfg!(target_os = "linux")
        || variable("DISPLAY").is_some()
        || variable("WAYLAND_DISPLAY").is_some()
}

/// The standard output of a program that ended well, or nothing.
pub(crate) fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn home() -> Option<PathBuf> {
    variable("HOME")
}
