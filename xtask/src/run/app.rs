//! A window of the app.

use std::process::Stdio;

use anyhow::{Context, Result};

use crate::process::Group;
use crate::repo::Repo;

/// Opens the app with the server's address filled in. A profile keeps data,
/// settings and the keyring's entry apart from those of the others.
pub(crate) fn open(repo: &Repo, url: &str, profile: Option<&str>) -> Result<Group> {
    let program = repo.built("parlour");
    let mut command = repo.command(&program.to_string_lossy());
    command.args(["--server", url]).stdin(Stdio::null());
    if let Some(profile) = profile {
        command.args(["--profile", profile]);
    }
    Group::spawn(&mut command).with_context(|| format!("cannot start {}", program.display()))
}
