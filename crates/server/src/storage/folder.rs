//! The folder that holds the data: private to one user and one process.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::StorageError;

const LOCK: &str = "server.lock";
const DATABASE: &str = "server.db";
const BALLAST: &str = "server.ballast";

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
        create_private_folder(path).map_err(StorageError::file(path))?;
        let lock_path = path.join(LOCK);
        let lock = open_private(&lock_path).map_err(StorageError::file(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StorageError::InUse(path.display().to_string()));
            }
            Err(TryLockError::Error(error)) => return Err(StorageError::file(path)(error)),
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> PathBuf {
        database_in(&self.path)
    }

    pub(super) fn ballast(&self) -> PathBuf {
        self.path.join(BALLAST)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Where the database of a data folder is, held or not.
pub(crate) fn database_in(folder: &Path) -> PathBuf {
    folder.join(DATABASE)
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

/// Makes a file that only its owner can read, and takes none that somebody else
/// put there.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes a file if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What SQLite may put beside a database, and takes for its own where it finds it:
/// that of another database of the same name would be written into this one.
pub(super) const SIDE_FILES: [&str; 3] = ["-wal", "-journal", "-shm"];

/// Removes what may be left of a database.
pub(super) fn remove_database(path: &Path) -> io::Result<()> {
    SIDE_FILES
        .into_iter()
        .try_for_each(|side| remove(&beside(path, side)))?;
    remove(path)
}

/// Makes what was created, renamed or removed in a folder survive a power cut.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows cannot open a folder as a file, and writes names by itself.
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// A path beside `path`, with `more` after its whole name.
pub(super) fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    PathBuf::from(name)
}
