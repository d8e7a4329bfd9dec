//! The schema and its history: one step a version, each in a transaction of its own.
//!
//! ```text
//! version found      0 ──────────► newest        a new database: no copy
//!                    n < newest ─► newest        a copy first: server.db.v<n>
//!                    newest ─────► as it is
//!                    n > newest ─► refused, the file untouched
//! ```

use std::{fs, path::Path};

use rusqlite::{Connection, config::DbConfig};

use super::{StorageError, folder::open_private};

/// The step from version `i` to `i + 1` is at index `i`. A released step never changes.
pub(super) const MIGRATIONS: &[&str] = &["
    CREATE TABLE users (
        id          INTEGER PRIMARY KEY,
        public_id   TEXT NOT NULL UNIQUE,
        username    TEXT NOT NULL,
        created_ms  INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE sessions (
        hash        BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
        user        INTEGER NOT NULL REFERENCES users (id),
        created_ms  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE messages (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        sender      INTEGER NOT NULL REFERENCES users (id),
        recipient   INTEGER NOT NULL REFERENCES users (id),
        content     TEXT NOT NULL,
        at_ms       INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX messages_by_sender ON messages (sender);
    CREATE INDEX messages_by_recipient ON messages (recipient);
"];

/// Opens the database at `path` and brings it to the newest of `migrations`.
pub(super) fn open(path: &Path, migrations: &[&str]) -> Result<Connection, StorageError> {
    let mut connection = Connection::open(path)?;
    // A version that is not ours to touch must not even be checkpointed on closing.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let found = version(&connection)?;
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StorageError::Newer { found, known });
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    prepare(&connection)?;
    if found > 0 && found < known {
        back_up(&connection, path, found)?;
    }
    migrate(&mut connection, migrations)?;
    Ok(connection)
}

/// The settings of every connection. FULL is what makes a commit survive a
/// power cut; NORMAL lost acknowledged rows.
pub(super) fn prepare(connection: &Connection) -> Result<(), StorageError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

/// Runs the steps that `connection` lacks.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), StorageError> {
    let found = version(connection)?;
    for (step, to) in steps.iter().zip(1_u32..).skip(found as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", to)?;
        transaction.commit()?;
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<u32, StorageError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    u32::try_from(version).map_err(|_| StorageError::Damaged("schema version"))
}

/// Writes a copy next to the database, whole or not at all: it gets its name last.
fn back_up(connection: &Connection, path: &Path, version: u32) -> Result<(), StorageError> {
    let failed = |source| StorageError::Folder {
        path: path.display().to_string(),
        source,
    };
    let backup = path.with_extension(format!("db.v{version}"));
    let unfinished = path.with_extension(format!("db.v{version}.unfinished"));
    // `VACUUM INTO` takes an empty file as well as none, and keeps its rights;
    // what an interrupted copy left behind goes first.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => open_private(&unfinished).map_err(failed)?,
    };
    let target = unfinished
        .to_str()
        .ok_or(StorageError::Damaged("path that is not Unicode"))?;
    connection.execute("VACUUM INTO ?1", [target])?;
    fs::rename(&unfinished, &backup).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXT: &[&str] = &[MIGRATIONS[0], "CREATE TABLE next (a INTEGER) STRICT;"];

    #[test]
    fn an_older_database_is_copied_and_then_migrated() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("server.db");
        drop(open(&path, MIGRATIONS).expect("version 1"));
        let connection = open(&path, NEXT).expect("version 2");
        assert_eq!(version(&connection).expect("version"), 2);
        let copy = Connection::open(path.with_extension("db.v1")).expect("copy");
        assert_eq!(version(&copy).expect("version"), 1);
    }

    #[test]
    fn a_newer_database_is_refused_untouched() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("server.db");
        drop(open(&path, NEXT).expect("version 2"));
        let before = fs::read(&path).expect("file");
        assert!(matches!(
            open(&path, MIGRATIONS),
            Err(StorageError::Newer { found: 2, known: 1 })
        ));
        assert!(before == fs::read(&path).expect("file"));
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("server.db");
        let broken = &[MIGRATIONS[0], "CREATE TABLE next (a INTEGER); NOT SQL;"];
        drop(open(&path, MIGRATIONS).expect("version 1"));
        assert!(open(&path, broken).is_err());
        let connection = open(&path, MIGRATIONS).expect("still version 1");
        let tables: i64 = connection
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'next'",
                [],
                |row| row.get(0),
            )
            .expect("count");
        assert_eq!(tables, 0);
    }
}
