//! The folder that holds the data: private to one user and one process.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::StorageError;

const LOCK: &str = "server.lock";
const DATABASE: &str = "server.db";

/// A data folder, held by this process until dropped.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    // The operating system releases the lock with the file, also after a crash.
    _lock: File,
}

impl DataFolder {
    /// Opens `path`, creating it if need be, and locks it against a second
    /// server: both would keep a roster in memory that the other changes.
    pub(crate) fn open(path: &Path) -> Result<Self, StorageError> {
        let failed = |source| StorageError::Folder {
            path: path.display().to_string(),
            source,
        };
        create_private_folder(path).map_err(failed)?;
        let lock = open_private(&path.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StorageError::InUse(path.display().to_string()));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // SQLite gives its side files the rights of the database file.
        open_private(&path.join(DATABASE)).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }
}

/// Creates a folder that only its owner can enter. One that is already there
/// keeps its rights: it may be shared on purpose, and its files are private anyway.
fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Opens a file for writing that only its owner can read.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
