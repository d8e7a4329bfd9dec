//! The files of a database, for whoever moves them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{FILE, Result, make_private, protect};

/// The file of the database in this folder.
pub(crate) fn database_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Makes a folder that only this user may enter, if it is not there.
pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    protect(folder)
}

/// Makes an empty file for this user alone, if it is not there.
pub(crate) fn make_private_file(file: &Path) -> io::Result<()> {
    make_private(file)
}

/// Writes the log of a database that nobody has open into its file, so that the
/// file alone is all of it. What is in it is not looked at.
pub(crate) fn fold_log(file: &Path) -> Result<()> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    // Leaving this mode writes the log back and deletes it, or fails where anybody
    // else has the file open. Opening the store enters the mode again.
    let mode: String =
        connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        let busy = io::Error::new(io::ErrorKind::ResourceBusy, "the database is in use");
        return Err(busy.into());
    }
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}
