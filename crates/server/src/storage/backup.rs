//! Copies of the database: whole or not at all, private, and made beside a
//! server that goes on.

use std::{
    fs::{self, File},
    path::Path,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{
    StorageError,
    folder::{beside, create_private, remove_database, sync_folder},
    migrations::{MIGRATIONS, check_version},
};

/// How long to wait for a server that is folding in its log.
const BUSY: Duration = Duration::from_secs(10);

/// Copies `database`, served or not, into the new file `to`: the state of one
/// moment. Blocks for as long as that takes; who serves the database does not
/// notice, but that its log grows meanwhile.
///
/// # Errors
/// [`StorageError::Exists`]: `to` is there already.
pub(crate) fn back_up(database: &Path, to: &Path) -> Result<(), StorageError> {
    if to.symlink_metadata().is_ok() {
        return Err(StorageError::Exists(to.display().to_string()));
    }
    let connection = open_existing(database)?;
    check_version(&connection, MIGRATIONS)?;
    let unfinished = beside(to, ".unfinished");
    remove_database(&unfinished).map_err(StorageError::file(&unfinished))?;
    let copied = copy_to(&connection, &unfinished)
        .and_then(|()| fs::rename(&unfinished, to).map_err(StorageError::file(to)));
    if copied.is_err() {
        // What is left is of no use; that it cannot be removed is no news then.
        let _ = remove_database(&unfinished);
        return copied;
    }
    let folder = to.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    sync_folder(folder).map_err(StorageError::file(folder))
}

/// Opens a database that must be there.
pub(super) fn open_existing(path: &Path) -> Result<Connection, StorageError> {
    fs::metadata(path).map_err(StorageError::file(path))?;
    // Writable, since even a reader of a write-ahead log notes where it reads.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// Copies everything into the private file `to`, which is not there, down to
/// the disk.
pub(super) fn copy_to(connection: &Connection, to: &Path) -> Result<(), StorageError> {
    // `VACUUM INTO` takes an empty file as well as none, and keeps its rights.
    create_private(to).map_err(StorageError::file(to))?;
    let target = to
        .to_str()
        .ok_or(StorageError::Damaged("path that is not Unicode"))?;
    connection.execute("VACUUM INTO ?1", [target])?;
    File::options()
        .write(true)
        .open(to)
        .and_then(|file| file.sync_all())
        .map_err(StorageError::file(to))
}
