//! `backup` and `restore`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::print;
use crate::{
    config::{Settings, StorageKind},
    store::{self, StorageError},
};

/// Writes a copy. It is taken by a connection of its own, so a server that
/// runs goes on.
pub(super) fn backup(settings: &Settings, file: &Path) -> anyhow::Result<()> {
    let folder = folder(settings)?;
    store::back_up(&store::database_in(&folder), file)?;
    print(&format!("wrote {}\n", file.display()))?;
    Ok(())
}

/// Takes the data from a copy. What was there is kept beside it.
pub(super) fn restore(settings: &Settings, file: &Path) -> anyhow::Result<()> {
    let kept = match store::restore(&folder(settings)?, file) {
        Err(error @ StorageError::InUse(_)) => {
            return Err(error).context("stop the server before its data is replaced");
        }
        other => other?,
    };
    if let Some(aside) = kept {
        print(&format!("kept what was there as {}\n", aside.display()))?;
    }
    print(&format!("restored {}\n", file.display()))?;
    Ok(())
}

/// Where the data is.
pub(super) fn folder(settings: &Settings) -> anyhow::Result<PathBuf> {
    let config = settings.config()?;
    anyhow::ensure!(
        config.storage == StorageKind::Sqlite,
        "a server with --storage memory keeps nothing that could be copied or looked after"
    );
    let folder = config
        .data
        .context("say where the data is: add --data DIR")?;
    anyhow::ensure!(folder.is_dir(), "there is no data in {}", folder.display());
    check_owner(&folder)?;
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
