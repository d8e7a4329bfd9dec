//! `backup` and `restore`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::print;
use crate::{
    audit::{Audit, Entry},
    config::{Config, Settings, StorageKind},
    storage::{self, StorageError},
};

/// Writes a copy. It is taken by a connection of its own, so a server that
/// runs goes on.
pub(super) fn backup(settings: &Settings, file: &Path) -> anyhow::Result<()> {
    let folder = data(&kept(settings)?)?;
    let written = storage::back_up(&storage::database_in(&folder), file);
    record(&folder, "backup", written.is_ok());
    written?;
    print(&format!("wrote {}\n", file.display()))?;
    Ok(())
}

/// Takes the data from a copy. What was there is kept beside it; there may be
/// nothing yet, as on a new machine.
pub(super) fn restore(settings: &Settings, file: &Path) -> anyhow::Result<()> {
    let folder = place(&kept(settings)?)?;
    let restored = storage::restore(&folder, file);
    record(&folder, "restore", restored.is_ok());
    let aside = match restored {
        Err(error @ StorageError::InUse(_)) => {
            return Err(error).context("stop the server before its data is replaced");
        }
        other => other?,
    };
    if let Some(aside) = aside {
        print(&format!("kept what was there as {}\n", aside.display()))?;
    }
    print(&format!("restored {}\n", file.display()))?;
    Ok(())
}

/// Who has a copy has every message. A server that runs may write to the same
/// file: each line is one write at its end.
fn record(folder: &Path, action: &'static str, done: bool) {
    match Audit::open(folder) {
        Ok((audit, thread)) => {
            let user = None;
            audit.record(Entry::Admin { action, user, done });
            drop(audit);
            thread.join();
        }
        Err(error) => tracing::warn!(%error, "the audit log cannot be written"),
    }
}

fn kept(settings: &Settings) -> anyhow::Result<Config> {
    let config = settings.config()?;
    anyhow::ensure!(
        config.storage == StorageKind::Sqlite,
        "a server with --storage memory keeps nothing that could be copied"
    );
    Ok(config)
}

/// The data folder, which belongs to who runs this if it is there.
fn place(config: &Config) -> anyhow::Result<PathBuf> {
    let folder = config.data.clone();
    let folder = folder.context("say where the data is: add --data DIR")?;
    if folder.exists() {
        check_owner(&folder)?;
    }
    Ok(folder)
}

/// As [`place`], and it must be there.
pub(super) fn data(config: &Config) -> anyhow::Result<PathBuf> {
    let folder = place(config)?;
    anyhow::ensure!(folder.is_dir(), "there is no data in {}", folder.display());
    Ok(folder)
}

/// What another user writes into the folder, the server could not read.
#[cfg(unix)]
fn check_owner(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let owner = folder.metadata()?.uid();
    // Where the system does not say who this process is, nothing is known.
    let Ok(me) = Path::new("/proc/self").metadata() else {
        return Ok(());
    };
    anyhow::ensure!(
        owner == me.uid(),
        "{} belongs to another user: run this as that user, for example by sudo -u",
        folder.display()
    );
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "on Unix it may refuse")]
fn check_owner(_folder: &Path) -> anyhow::Result<()> {
    Ok(())
}
