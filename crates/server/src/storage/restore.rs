//! A copy in the place of the data.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use super::{
    DataFolder, StorageError,
    backup::{copy_to, open_existing},
    folder::{SIDE_FILES, beside, remove_database, sync_folder},
    migrations::{MIGRATIONS, check_version},
};

/// Puts the copy `file` in the place of the data in `folder`, which no server
/// may hold. The copy is checked first. What was there is kept, and its new
/// name is the answer. Sessions of the copy hold; the epoch is another one, so
/// that clients know that the server may have forgotten something.
///
/// At every moment there is one whole database in the folder: the one before or the copy.
///
/// # Errors
/// [`StorageError::NotACopy`], [`StorageError::Newer`]: nothing was changed.
pub(crate) fn restore(folder: &Path, file: &Path) -> Result<Option<PathBuf>, StorageError> {
    let held = DataFolder::open(folder)?;
    let database = held.database();
    let restored = beside(&database, ".restored");
    remove_database(&restored).map_err(StorageError::file(&restored))?;
    let prepared = open_copy(file).and_then(|copy| {
        copy_to(&copy, &restored)?;
        begin_epoch(&restored)
    });
    if let Err(error) = prepared {
        // What is left is of no use; that it cannot be removed is no news then.
        let _ = remove_database(&restored);
        return Err(error);
    }
    let kept = if database.exists() {
        Some(set_aside(&database)?)
    } else {
        // A log whose database is gone is of no use, and would be taken for the copy's.
        remove_database(&database).map_err(StorageError::file(&database))?;
        None
    };
    fs::rename(&restored, &database).map_err(StorageError::file(&database))?;
    sync_folder(held.path()).map_err(StorageError::file(held.path()))?;
    Ok(kept)
}

/// Opens a copy, checked down to the last row.
fn open_copy(file: &Path) -> Result<Connection, StorageError> {
    fs::metadata(file).map_err(StorageError::file(file))?;
    let unusable = |what: String| StorageError::NotACopy {
        path: file.display().to_string(),
        what,
    };
    // It may lie on something that cannot be written.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copy = Connection::open_with_flags(file, flags)?;
    let version = match check_version(&copy, MIGRATIONS) {
        Err(StorageError::Database(error)) => return Err(unusable(error.to_string())),
        checked => checked?,
    };
    if version == 0 {
        return Err(unusable("it has no schema of this program".to_owned()));
    }
    let damaged = |error: rusqlite::Error| unusable(error.to_string());
    for table in ["users", "sessions", "messages"] {
        if !copy.table_exists(None, table).map_err(damaged)? {
            return Err(unusable(format!("it has no table {table}")));
        }
    }
    let verdict: String = copy
        .query_row("PRAGMA integrity_check(1)", [], |columns| columns.get(0))
        .map_err(damaged)?;
    if verdict != "ok" {
        return Err(unusable(verdict));
    }
    let mut references = copy.prepare("PRAGMA foreign_key_check").map_err(damaged)?;
    if references.exists([]).map_err(damaged)? {
        return Err(unusable("a row refers to one that is not there".to_owned()));
    }
    drop(references);
    Ok(copy)
}

/// Numbers were given that the copy knows nothing of: they belong to another epoch.
fn begin_epoch(database: &Path) -> Result<(), StorageError> {
    let connection = open_existing(database)?;
    // A schema without epochs gets its first one from its migration.
    if connection.table_exists(None, "server")? {
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute("UPDATE server SET epoch = randomblob(16)", [])?;
    }
    Ok(())
}

/// Gives the database a second name, and leaves no log beside the first: it
/// would be taken for that of the copy.
fn set_aside(database: &Path) -> Result<PathBuf, StorageError> {
    let kept = (1_u32..)
        .map(|number| beside(database, &format!(".before-restore-{number}")))
        .find(|path| !path.exists())
        .ok_or(StorageError::Exhausted("databases from before"))?;
    if let Err(error) = fold(database) {
        // A damaged one is kept as well, with its log.
        tracing::warn!(%error, "the database from before could not be put in order");
    }
    link(database, &kept).map_err(StorageError::file(&kept))?;
    for side in SIDE_FILES {
        let log = beside(database, side);
        if log.exists() {
            let kept_log = beside(&kept, side);
            fs::rename(&log, &kept_log).map_err(StorageError::file(&kept_log))?;
        }
    }
    Ok(kept)
}

/// Everything into the one file.
fn fold(database: &Path) -> Result<(), StorageError> {
    let connection = open_existing(database)?;
    Ok(connection.pragma_update(None, "journal_mode", "DELETE")?)
}

/// A second name, or a copy where there are no second names.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(_) => {
            fs::copy(from, to)?;
            fs::File::options().write(true).open(to)?.sync_all()
        }
    }
}
