//! What the disk itself can do: the floor under every durable answer.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::samples::{Samples, Summary};

/// A page of SQLite's log.
const PAGE: [u8; 4096] = [7; 4096];

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct DiskReport {
    /// Appending 4 KiB and waiting until they are on the disk.
    pub sync: Option<Summary>,
}

/// Appends a page and syncs, `times` times, in a file of its own in `folder`.
///
/// # Errors
/// When the folder cannot be written to.
pub fn run(folder: &Path, times: usize) -> Result<DiskReport> {
    let path = folder.join("sync-probe");
    let mut file = File::create(&path).with_context(|| format!("cannot write {path:?}"))?;
    let mut samples = Samples::default();
    for _ in 0..times {
        file.write_all(&PAGE)?;
        let start = Instant::now();
        file.sync_data()?;
        samples.add_span(start.elapsed());
    }
    drop(file);
    std::fs::remove_file(&path)?;
    Ok(DiskReport {
        sync: samples.summary(),
    })
}
