//! The tables, and how an older file becomes a newer one.

use super::{Result, Store, StoreError};

/// Every change of the format, in order. A file's `user_version` counts those
/// that it has been through.
pub(super) const MIGRATIONS: &[&str] = &["
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

    -- One identity on one server. user_id is empty where a server gives none that lasts.
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY,
        server TEXT NOT NULL,
        user_id TEXT NOT NULL,
        username TEXT NOT NULL,
        has_session INTEGER NOT NULL DEFAULT 0,
        forgotten INTEGER NOT NULL DEFAULT 0,
        UNIQUE (server, user_id, username)
    ) STRICT;

    CREATE TABLE users (
        account INTEGER NOT NULL REFERENCES accounts (id),
        user_id TEXT NOT NULL,
        username TEXT NOT NULL,
        read_up_to INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (account, user_id)
    ) STRICT, WITHOUT ROWID;

    -- id rises in the order in which we learned of messages; position is the
    -- order in which a conversation is read.
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account INTEGER NOT NULL REFERENCES accounts (id),
        peer TEXT NOT NULL,
        position INTEGER NOT NULL,
        mine INTEGER NOT NULL,
        content TEXT NOT NULL,
        at INTEGER,
        delivery INTEGER,
        evidence INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX messages_by_position ON messages (account, peer, position);
    CREATE INDEX messages_unread ON messages (account, peer, id) WHERE mine = 0;
    CREATE INDEX messages_pending ON messages (account, id) WHERE delivery IN (0, 1);
",
"
    -- How far our copy of the inbox on a server that speaks pm goes: the last
    -- number that we have, of which epoch; NULL where pm was never spoken. While
    -- claiming is 1, what the server has is matched with what was there before.
    ALTER TABLE accounts ADD COLUMN epoch TEXT;
    ALTER TABLE accounts ADD COLUMN cursor INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE accounts ADD COLUMN claiming INTEGER NOT NULL DEFAULT 0;

    -- uid is the id on such a server, 16 bytes. A message of ours has one unless
    -- it was given to a server that keeps none; one of theirs, if it came with one.
    -- seq is its number in the inbox, in this epoch; refusal a final code.
    ALTER TABLE messages ADD COLUMN uid BLOB;
    ALTER TABLE messages ADD COLUMN seq INTEGER;
    ALTER TABLE messages ADD COLUMN refusal TEXT;
    CREATE UNIQUE INDEX messages_by_uid ON messages (account, peer, mine, uid) WHERE uid IS NOT NULL;
    CREATE INDEX messages_by_seq ON messages (account, peer, seq) WHERE seq IS NOT NULL;
",
"
    -- How the server is reached: JSON, {} where nothing was chosen.
    ALTER TABLE accounts ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
",
"
    -- In which entry of which secret store the session is. Other entries that may
    -- be there are to be deleted.
    ALTER TABLE accounts ADD COLUMN session_in TEXT;
    ALTER TABLE accounts ADD COLUMN session_name TEXT;
    CREATE TABLE stray_secrets (
        backend TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (backend, name)
    ) STRICT, WITHOUT ROWID;
",
"
    -- The search index is made by search/mod.rs. fold says by which rules, and is
    -- empty while there is none; messages up to the id unindexed are not in it.
    CREATE TABLE search_state (unindexed INTEGER NOT NULL, fold TEXT NOT NULL) STRICT;
    INSERT INTO search_state VALUES (0, '');
",
"
    -- How far the other side got with our messages: numbers of our inbox, in this
    -- epoch, and messages from before it.
    ALTER TABLE users ADD COLUMN received_seq INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE users ADD COLUMN read_seq INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE users ADD COLUMN received_item INTEGER;
    ALTER TABLE users ADD COLUMN read_item INTEGER;

    -- What was typed and not sent.
    CREATE TABLE drafts (
        account INTEGER NOT NULL REFERENCES accounts (id),
        peer TEXT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (account, peer)
    ) STRICT, WITHOUT ROWID;

    -- How often a connection broke by a message of ours, as far as one can tell.
    ALTER TABLE messages ADD COLUMN strikes INTEGER NOT NULL DEFAULT 0;
",
"
    -- The order in which messages that are on their way were given to a connection:
    -- not that of their ids, where a person tried an old one again.
    ALTER TABLE messages ADD COLUMN written INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX messages_on_their_way ON messages (account, written) WHERE delivery = 1;
"];

/// Refuses a file of a newer Parlour before anything is written to it.
pub(super) fn check_version(connection: &rusqlite::Connection) -> Result<()> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        Err(StoreError::Newer { found, known })
    } else {
        Ok(())
    }
}

pub(super) fn migrate(store: &Store) -> Result<()> {
    let done: i64 = store
        .connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for (version, migration) in (1i64..)
        .zip(MIGRATIONS)
        .filter(|(version, _)| *version > done)
    {
        store.atomically(|store| {
            store.connection.execute_batch(migration)?;
            store
                .connection
                .pragma_update(None, "user_version", version)?;
            Ok(())
        })?;
    }
    Ok(())
}
