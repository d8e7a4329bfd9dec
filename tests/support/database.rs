//! Looking into a database that no server has open.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, config::DbConfig};

/// Opens a database as it was left, and leaves it so as far as SQLite can.
pub fn open(path: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).expect("a database");
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .expect("set");
    connection
        .pragma_update(None, "synchronous", "OFF")
        .expect("set");
    connection
}

/// SQLite finds nothing wrong, nor a row that points nowhere.
pub fn is_sound(connection: &Connection) {
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a verdict");
    assert_eq!(verdict, "ok");
    let mut statement = connection
        .prepare("PRAGMA foreign_key_check")
        .expect("a statement");
    let dangling = statement.exists([]).expect("an answer");
    assert!(!dangling, "a row that points nowhere");
}

/// All texts, in the order in which they were stored. None where there is not
/// even a table: the first commit had not come.
pub fn texts(connection: &Connection) -> Vec<String> {
    if !has_table(connection, "messages") {
        return Vec::new();
    }
    let mut statement = connection
        .prepare("SELECT content FROM messages ORDER BY rowid")
        .expect("messages");
    let texts = statement.query_map([], |row| row.get(0)).expect("messages");
    texts.collect::<Result<_, _>>().expect("texts")
}

/// Whether there is a table of that name.
pub fn has_table(connection: &Connection, name: &str) -> bool {
    connection
        .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")
        .and_then(|mut statement| statement.exists([name]))
        .expect("a schema")
}

/// The version of the schema.
pub fn version(connection: &Connection) -> i64 {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("a version")
}
