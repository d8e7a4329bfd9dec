//! The local database of one profile: who we are, whom we know, what was said
//! and what is still to be sent. It is the truth of the engine; what a server
//! sends is reconciled with it and never overwrites it.

mod accounts;
pub(crate) mod export;
mod files;
mod inbox;
mod marks;
mod messages;
mod order;
mod outgoing;
mod pages;
mod schema;
pub(crate) mod search;
mod secrets;
mod servers;
mod summaries;
mod users;

use std::{cell::Cell, fs, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

pub(crate) use accounts::{Account, AccountId};
pub(crate) use files::{database_in, fold_log, make_private_file, make_private_folder};
pub(crate) use inbox::{Claims, InboxState};
pub(crate) use marks::{Marks, Reached};
pub(crate) use messages::{NewMessage, StoredMessage};
pub(crate) use outgoing::{Evidence, Pending};
pub(crate) use pages::Place;
pub(crate) use secrets::{SecretEntry, secrets_in};
pub(crate) use summaries::Summary;
pub(crate) use users::StoredUser;

/// The file in the profile's data folder.
const FILE: &str = "parlour.db";

/// How long a lock of another process is waited for.
const BUSY: Duration = Duration::from_secs(2);

/// Why the database failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite, or the disk below it.
    #[error("the local database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The folder cannot be made or protected.
    #[error("the data folder cannot be used: {0}")]
    Folder(#[from] std::io::Error),
    /// The database was written by a newer Parlour. It was not touched.
    #[error(
        "the local database is from a newer version of Parlour (its format is {found}, this version knows {known})"
    )]
    Newer {
        /// The format of the file.
        found: i64,
        /// The newest format that this version knows.
        known: i64,
    },
}

type Result<T> = std::result::Result<T, StoreError>;

/// An open database.
pub(crate) struct Store {
    connection: Connection,
    /// How many transactions within each other are open. Only the outermost is
    /// one for SQLite; an error in an inner one has to end all of them.
    depth: Cell<u32>,
}

impl Store {
    /// Opens or makes the database in `folder`, which only this user may enter.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        protect(folder)?;
        let file = folder.join(FILE);
        make_private(&file)?;
        Self::with(Connection::open(file)?)
    }

    /// A database that ends with the process, for tests.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        Self::with(Connection::open_in_memory().expect("a database")).expect("a schema")
    }

    /// Lets the file grow no more, as a full disk would.
    #[cfg(test)]
    pub(crate) fn fill_up(&self) {
        let pages: i64 = self
            .connection
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .expect("a count");
        self.connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .expect("a limit");
    }

    /// Fails every write.
    #[cfg(test)]
    pub(crate) fn break_writes(&self) {
        self.connection
            .pragma_update(None, "query_only", true)
            .expect("a setting");
    }

    /// Ends what the two above began.
    #[cfg(test)]
    pub(crate) fn make_room(&self) {
        self.connection
            .query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(()))
            .expect("a limit");
        self.connection
            .pragma_update(None, "query_only", false)
            .expect("a setting");
    }

    fn with(connection: Connection) -> Result<Self> {
        connection.busy_timeout(BUSY)?;
        schema::check_version(&connection)?;
        search::register(&connection)?;
        // FULL: "queued" is shown only once it survives a power cut.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
        )?;
        connection.set_prepared_statement_cache_capacity(64);
        let store = Self {
            connection,
            depth: Cell::new(0),
        };
        schema::migrate(&store)?;
        store.prepare_search()?;
        Ok(store)
    }

    /// A second connection to the database in `folder`, for reading only.
    pub(crate) fn reader(folder: &Path) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(folder.join(FILE), flags)?;
        connection.busy_timeout(BUSY)?;
        schema::check_version(&connection)?;
        search::register(&connection)?;
        Ok(connection)
    }

    /// Runs `work` in one transaction: all of it, or nothing.
    pub(crate) fn atomically<T>(&self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        self.begin()?;
        let result = work(self);
        self.end(result)
    }

    /// Begins a transaction for work that is not only the store's. [`Store::end`] ends it.
    /// Within another it is a part of that one.
    pub(crate) fn begin(&self) -> Result<()> {
        if self.depth.get() == 0 {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
        }
        self.depth.set(self.depth.get() + 1);
        Ok(())
    }

    /// Commits what was begun if all of it was done, else takes it back.
    pub(crate) fn end<T>(&self, work: Result<T>) -> Result<T> {
        self.depth.set(self.depth.get().saturating_sub(1));
        if self.depth.get() > 0 {
            return work;
        }
        let committed = work.and_then(|done| {
            self.connection.execute_batch("COMMIT")?;
            Ok(done)
        });
        if committed.is_err() && !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        committed
    }

    /// Moves the write-ahead log into the file, before the process ends.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        self.connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize;")?;
        Ok(())
    }
}

#[cfg(unix)]
fn protect(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// Makes the file if it is not there, for this user alone. SQLite gives its
/// other files the same permissions.
#[cfg(unix)]
fn make_private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(file)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn make_private(_file: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn protect(_folder: &Path) -> std::io::Result<()> {
    // The user's own application folder is closed to others already.
    Ok(())
}

#[cfg(test)]
mod plans_tests;
#[cfg(test)]
mod tests;
