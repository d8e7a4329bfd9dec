//! The schema and its history: one step a version, each in a transaction of its own.
//!
//! ```text
//! version found      0 ──────────► newest        a new database: no copy
//!                    n < newest ─► newest        a copy first: server.db.v<n>
//!                    newest ─────► as it is
//!                    n > newest ─► refused, the file untouched
//! ```

use std::{fs, path::Path, time::Duration};

use rusqlite::{Batch, Connection, config::DbConfig, fallible_iterator::FallibleIterator};

use super::{
    StorageError,
    backup::copy_to,
    folder::{beside, open_private, remove_database, sync_folder},
};

/// The step from version `i` to `i + 1` is at index `i`. A released step never changes.
pub(super) const MIGRATIONS: &[&str] =
    &[include_str!("schema/v1.sql"), include_str!("schema/v2.sql")];

/// Pages of the log after which a commit folds it into the database: 64 MiB.
/// Mostly the same pages are written again and again, so folding takes some
/// milliseconds however long the log is: the longer, the fewer commits wait
/// for it. Storage.
const FOLD_AT_PAGES: u32 = 16 * 1024;

/// Bytes that the log keeps on disk once it was folded in: writing over them is
/// faster than making room anew. Storage.
const LOG_BYTES: i64 = 80 * 1024 * 1024;

/// KiB of pages held in memory: the ends of the conversations that are going on. Storage.
const CACHE_KIB: i32 = 32 * 1024;

/// Prepared statements kept: all that there are. Storage.
const STATEMENTS: usize = 64;

/// How long to wait for another connection to the same file: a copy being
/// made, which locks only in passing. Storage.
const BUSY: Duration = Duration::from_millis(250);

/// Opens the database at `path` and brings it to the newest of `steps`.
pub(super) fn open(path: &Path, steps: &[&str]) -> Result<Connection, StorageError> {
    // SQLite gives its side files the rights of the database file.
    open_private(path).map_err(StorageError::file(path))?;
    let mut connection = Connection::open(path)?;
    // A version that is not ours to touch must not even be checkpointed on closing.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let found = check_version(&connection, steps)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    prepare(&connection)?;
    if found > 0 && (found as usize) < steps.len() {
        keep_a_copy(&connection, path, found)?;
    }
    migrate(&mut connection, steps, &mut || {})?;
    Ok(connection)
}

/// The settings of every connection. FULL is what makes a commit survive a
/// power cut; NORMAL lost acknowledged rows.
pub(super) fn prepare(connection: &Connection) -> Result<(), StorageError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", FOLD_AT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // What is sorted is nobody's business in a folder for everybody.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(BUSY)?;
    Ok(())
}

/// Runs the steps that `connection` lacks; `before` is called before each
/// statement and each commit.
pub(super) fn migrate(
    connection: &mut Connection,
    steps: &[&str],
    before: &mut dyn FnMut(),
) -> Result<(), StorageError> {
    let found = version(connection)?;
    for (step, to) in steps.iter().zip(1_u32..).skip(found as usize) {
        let transaction = connection.transaction()?;
        let mut statements = Batch::new(&transaction, step);
        while let Some(mut statement) = statements.next()? {
            before();
            statement.execute([])?;
        }
        transaction.pragma_update(None, "user_version", to)?;
        before();
        transaction.commit()?;
    }
    Ok(())
}

/// The version of the schema; 0 in an empty file.
pub(super) fn check_version(connection: &Connection, steps: &[&str]) -> Result<u32, StorageError> {
    let found = version(connection)?;
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StorageError::Newer { found, known });
    }
    Ok(found)
}

fn version(connection: &Connection) -> Result<u32, StorageError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    u32::try_from(version).map_err(|_| StorageError::Damaged("schema version"))
}

/// Writes a copy next to the database, whole or not at all. One that is there
/// already is of an attempt that did not come to its end, and is replaced.
fn keep_a_copy(connection: &Connection, path: &Path, version: u32) -> Result<(), StorageError> {
    let copy = beside(path, &format!(".v{version}"));
    let unfinished = beside(&copy, ".unfinished");
    remove_database(&unfinished).map_err(StorageError::file(&unfinished))?;
    copy_to(connection, &unfinished)?;
    fs::rename(&unfinished, &copy).map_err(StorageError::file(&copy))?;
    let folder = path.parent().unwrap_or(path);
    sync_folder(folder).map_err(StorageError::file(folder))
}
