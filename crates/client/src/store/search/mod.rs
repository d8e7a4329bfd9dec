//! The index of everything that was said, for searching.
//!
//! An FTS5 table with the trigram tokenizer holds the folded texts ([`fold`]),
//! without their places in the text (`detail=none`): it says which messages have
//! all trigrams of what is searched for, and those are looked at ([`find`]). That
//! makes it half as large, and nothing that a person types is ever taken for
//! syntax. A second column is a token of the conversation, so that a search in
//! one of them costs what that one holds.
//!
//! Triggers keep it in the transaction that changes a message. What was there
//! before the index is entered in the background, newest first and in small steps
//! ([`Store::index_more`]); `search_state.unindexed` is the newest id that is still
//! to be done, and a search looks at those itself. So an index can be thrown away
//! at any time, and that is what is done to one that is broken, or that was made
//! by other rules of folding: nothing is in it that is not in `messages`.

mod find;
mod fold;
mod snippet;

use parlour_protocol::UserId;
use rusqlite::{Connection, ErrorCode, OptionalExtension, functions::FunctionFlags, params};

#[cfg(test)]
pub(super) use find::{FIND, SCAN};
pub(crate) use find::{Question, Wanted, find};
pub use find::{SearchHit, SearchPage};
pub use snippet::SnippetPart;

use super::{Result, Store, StoreError};

/// How many messages are entered in one step, at most.
const STEP_ROWS: usize = 500;

/// How many bytes of text are entered in one step, about.
const STEP_BYTES: usize = 128 * 1024;

/// Everything but the state, which a migration has made.
const INDEX: &str = "
    CREATE VIEW search_source (id, text, peer) AS
        SELECT id, search_text(content), search_peer(peer) FROM messages
        WHERE id > (SELECT unindexed FROM search_state);
    CREATE VIRTUAL TABLE search USING fts5 (
        text, peer, content = 'search_source', content_rowid = 'id',
        tokenize = 'trigram case_sensitive 1', detail = 'none', columnsize = 0
    );
    CREATE TRIGGER search_insert AFTER INSERT ON messages
    WHEN new.id > (SELECT unindexed FROM search_state) BEGIN
        INSERT INTO search (rowid, text, peer)
        VALUES (new.id, search_text(new.content), search_peer(new.peer));
    END;
    CREATE TRIGGER search_delete AFTER DELETE ON messages
    WHEN old.id > (SELECT unindexed FROM search_state) BEGIN
        INSERT INTO search (search, rowid, text, peer)
        VALUES ('delete', old.id, search_text(old.content), search_peer(old.peer));
    END;
    CREATE TRIGGER search_update AFTER UPDATE OF content, peer ON messages
    WHEN old.id > (SELECT unindexed FROM search_state)
        AND (old.content <> new.content OR old.peer <> new.peer) BEGIN
        INSERT INTO search (search, rowid, text, peer)
        VALUES ('delete', old.id, search_text(old.content), search_peer(old.peer));
        INSERT INTO search (rowid, text, peer)
        VALUES (new.id, search_text(new.content), search_peer(new.peer));
    END;
";

/// The tables of the index itself go, whatever is in them; the first of these
/// does it where the index can still be opened.
const NO_INDEX: &str = "
    DROP TRIGGER IF EXISTS search_insert;
    DROP TRIGGER IF EXISTS search_delete;
    DROP TRIGGER IF EXISTS search_update;
    DROP VIEW IF EXISTS search_source;
";

/// What the triggers call. A connection without these can read messages, and
/// not write any.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("search_text", 1, flags, |call| {
        Ok(fold::fold(call.get_raw(0).as_str()?))
    })?;
    connection.create_scalar_function("search_peer", 1, flags, |call| {
        Ok(peer_token(call.get_raw(0).as_str()?))
    })
}

/// A conversation as one trigram: three characters that nobody writes, from a
/// hash of its id (FNV-1a). Where two have the same, or somebody does write
/// them, a search looks at more messages than it has to.
fn peer_token(peer: &str) -> String {
    let hash = peer.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    [0, 15, 30]
        .into_iter()
        .filter_map(|shift| {
            let bits = u32::try_from((hash >> shift) & 0x7fff).ok()?;
            char::from_u32(0xF_0000 + bits)
        })
        .collect()
}

impl StoreError {
    /// Whether this may come from the index: SQLite says so, or cannot tell.
    pub(crate) fn is_corruption(&self) -> bool {
        let Self::Sqlite(error) = self else {
            return false;
        };
        matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::Unknown)
        )
    }
}

impl Store {
    /// Makes the index where there is none, or one by other rules.
    pub(super) fn prepare_search(&self) -> Result<()> {
        let made: String =
            self.connection
                .query_row("SELECT fold FROM search_state", [], |row| row.get(0))?;
        if made != fold::version() || !self.search_answers() {
            self.reset_search()?;
        }
        Ok(())
    }

    /// Whether the index can be asked at all.
    fn search_answers(&self) -> bool {
        self.connection
            .prepare("SELECT rowid FROM search WHERE search MATCH '\"abc\"' LIMIT 1")
            .and_then(|mut probe| probe.query_row([], |_| Ok(())).optional())
            .is_ok()
    }

    /// Throws the index away. Everything is to be entered again, in the background.
    pub(crate) fn reset_search(&self) -> Result<()> {
        self.atomically(|store| {
            store.connection.execute_batch(NO_INDEX)?;
            store.drop_index()?;
            store.connection.execute(
                "UPDATE search_state SET unindexed = (SELECT COALESCE(MAX(id), 0) FROM messages), fold = ?1",
                [fold::version()],
            )?;
            Ok(store.connection.execute_batch(INDEX)?)
        })
    }

    fn drop_index(&self) -> Result<()> {
        let dropped = self.connection.execute_batch("DROP TABLE IF EXISTS search");
        let Err(error) = dropped else { return Ok(()) };
        tracing::warn!(%error, "the search index cannot even be opened");
        // SQLite asks a virtual table before it lets it go. One that cannot be
        // asked is given the least that it needs to be.
        self.connection.execute_batch(
            "DROP TABLE IF EXISTS search_data; DROP TABLE IF EXISTS search_idx;
             DROP TABLE IF EXISTS search_config;
             CREATE TABLE search_data (id INTEGER PRIMARY KEY, block BLOB);
             CREATE TABLE search_idx (segid, term, pgno, PRIMARY KEY (segid, term)) WITHOUT ROWID;
             CREATE TABLE search_config (k PRIMARY KEY, v) WITHOUT ROWID;
             INSERT INTO search_config VALUES ('version', 4);
             DROP TABLE search;",
        )?;
        Ok(())
    }

    /// Where an error may come from the index and the index does not stand a look
    /// at it, it is thrown away, so that whatever failed can be tried again.
    pub(crate) fn recover_search(&self, error: &StoreError) -> Result<bool> {
        if !error.is_corruption() || self.search_is_sound() {
            return Ok(false);
        }
        tracing::warn!("the search index is broken; it is made anew");
        self.reset_search()?;
        Ok(true)
    }

    /// Whether the index holds together and has what `messages` has. That reads
    /// all of it.
    pub(crate) fn search_is_sound(&self) -> bool {
        self.connection
            .execute(
                "INSERT INTO search (search, rank) VALUES ('integrity-check', 1)",
                [],
            )
            .is_ok()
    }

    /// Whether messages are still to be entered.
    pub(crate) fn search_is_behind(&self) -> Result<bool> {
        Ok(unindexed(&self.connection)? > 0)
    }

    /// Enters some more of what was there before the index. Whether there is still more.
    pub(crate) fn index_more(&self) -> Result<bool> {
        self.atomically(|store| {
            let last = unindexed(&store.connection)?;
            let (rows, more) = store.newest_unindexed(last)?;
            // The border first: the triggers' view of the index is what is above it.
            let border = match (more, rows.last()) {
                (true, Some((lowest, _, _))) => lowest - 1,
                _ => 0,
            };
            store
                .connection
                .execute("UPDATE search_state SET unindexed = ?1", [border])?;
            let mut insert = store
                .connection
                .prepare_cached("INSERT INTO search (rowid, text, peer) VALUES (?1, ?2, ?3)")?;
            // By rising ids: an index that goes back writes itself out each time.
            for (id, content, peer) in rows.iter().rev() {
                insert.execute(params![id, fold::fold(content), peer_token(peer.as_str())])?;
            }
            Ok(more)
        })
    }

    #[expect(clippy::type_complexity, reason = "a row, for one caller")]
    fn newest_unindexed(&self, last: i64) -> Result<(Vec<(i64, String, UserId)>, bool)> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, content, peer FROM messages WHERE id <= ?1 ORDER BY id DESC",
        )?;
        let mut rows = statement.query([last])?;
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            if taken.len() == STEP_ROWS || bytes > STEP_BYTES {
                return Ok((taken, true));
            }
            let content: String = row.get(1)?;
            bytes += content.len();
            taken.push((row.get(0)?, content, UserId::new(row.get::<_, String>(2)?)));
        }
        Ok((taken, false))
    }
}

/// The newest message that is not in the index, and whatever is older is not
/// either; 0 once all are.
fn unindexed(connection: &Connection) -> Result<i64> {
    Ok(connection
        .prepare_cached("SELECT unindexed FROM search_state")?
        .query_row([], |row| row.get(0))?)
}

#[cfg(test)]
mod tests;
