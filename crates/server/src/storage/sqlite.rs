//! [`Storage`] on SQLite.

use parlour_protocol::{UserId, Username};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{
    DataFolder, NewSession, Storage, StorageError, StoredMessage, StoredUser,
    migrations::{self, MIGRATIONS},
};
use crate::identity::SessionHash;

const HISTORY: &str = "
    SELECT sender.public_id, recipient.public_id, message.content, message.at_ms
    FROM users me
    JOIN messages message ON message.sender = me.id OR message.recipient = me.id
    JOIN users sender ON sender.id = message.sender
    JOIN users recipient ON recipient.id = message.recipient
    WHERE me.public_id = ?1
    ORDER BY message.id";

/// One connection to one database, with the folder it lies in.
#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: Connection,
    // Held for its lock.
    _folder: Option<DataFolder>,
}

impl Sqlite {
    /// Opens the database in `folder`, creating or migrating it.
    pub(crate) fn open(folder: DataFolder) -> Result<Self, StorageError> {
        Ok(Self {
            connection: migrations::open(&folder.database(), MIGRATIONS)?,
            _folder: Some(folder),
        })
    }

    /// A database that ends with the process.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Result<Self, StorageError> {
        let mut connection = Connection::open_in_memory()?;
        migrations::prepare(&connection)?;
        migrations::migrate(&mut connection, MIGRATIONS)?;
        Ok(Self {
            connection,
            _folder: None,
        })
    }
}

impl Storage for Sqlite {
    fn users(&mut self) -> Result<Vec<StoredUser>, StorageError> {
        let mut statement = self
            .connection
            .prepare("SELECT public_id, username FROM users ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        rows.map(|row| {
            let (id, username) = row?;
            Ok(StoredUser {
                id: UserId::new(id),
                username: Username::parse(&username)
                    .map_err(|_| StorageError::Damaged("username"))?,
            })
        })
        .collect()
    }

    fn user_of_session(&mut self, hash: &SessionHash) -> Result<Option<UserId>, StorageError> {
        let found: Option<String> = self
            .connection
            .prepare_cached(
                "SELECT users.public_id FROM sessions JOIN users ON users.id = sessions.user
                 WHERE sessions.hash = ?1",
            )?
            .query_row([hash.as_bytes()], |row| row.get(0))
            .optional()?;
        Ok(found.map(UserId::new))
    }

    fn create_sessions(&mut self, sessions: &[NewSession]) -> Result<(), StorageError> {
        let transaction = self.connection.transaction()?;
        for NewSession { user, hash, at_ms } in sessions {
            transaction
                .prepare_cached(
                    "INSERT INTO users (public_id, username, created_ms) VALUES (?1, ?2, ?3)",
                )?
                .execute((user.id.as_str(), user.username.as_str(), at_ms))?;
            let user = transaction.last_insert_rowid();
            transaction
                .prepare_cached(
                    "INSERT INTO sessions (hash, user, created_ms) VALUES (?1, ?2, ?3)",
                )?
                .execute((hash.as_bytes(), user, at_ms))?;
        }
        Ok(transaction.commit()?)
    }

    fn append(&mut self, messages: &[StoredMessage]) -> Result<(), StorageError> {
        let transaction = self.connection.transaction()?;
        for message in messages {
            let stored = transaction
                .prepare_cached(
                    "INSERT INTO messages (sender, recipient, content, at_ms)
                     SELECT sender.id, recipient.id, ?3, ?4 FROM users sender, users recipient
                     WHERE sender.public_id = ?1 AND recipient.public_id = ?2",
                )?
                .execute((
                    message.from.as_str(),
                    message.to.as_str(),
                    &message.content,
                    message.at_ms,
                ))?;
            if stored != 1 {
                return Err(StorageError::UnknownUser);
            }
        }
        Ok(transaction.commit()?)
    }

    fn history(&mut self, user: &UserId) -> Result<Vec<StoredMessage>, StorageError> {
        let mut statement = self.connection.prepare_cached(HISTORY)?;
        let rows = statement.query_map([user.as_str()], stored_message)?;
        rows.map(|row| Ok(row?)).collect()
    }

    fn close(&mut self) -> Result<(), StorageError> {
        // Answers a row, which `execute` would take for an error.
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

fn stored_message(row: &Row<'_>) -> rusqlite::Result<StoredMessage> {
    Ok(StoredMessage {
        from: UserId::new(row.get::<_, String>(0)?),
        to: UserId::new(row.get::<_, String>(1)?),
        content: row.get(2)?,
        at_ms: row.get(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_found_by_its_indexes() {
        let storage = Sqlite::in_memory().expect("storage");
        let plan: Vec<String> = storage
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {HISTORY}"))
            .expect("plan")
            .query_map(["a"], |row| row.get(3))
            .expect("plan")
            .collect::<Result<_, _>>()
            .expect("plan");
        let plan = plan.join("\n");
        assert!(plan.contains("messages_by_sender"), "{plan}");
        assert!(plan.contains("messages_by_recipient"), "{plan}");
        assert!(!plan.contains("SCAN"), "{plan}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_data() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().expect("folder");
        let path = home.path().join("new/data");
        let storage = Sqlite::open(DataFolder::open(&path).expect("folder")).expect("storage");
        let mode = |path: &std::path::Path| {
            let metadata = std::fs::metadata(path).expect("metadata");
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode(&path), 0o700);
        let files: Vec<_> = std::fs::read_dir(&path)
            .expect("folder")
            .map(|file| file.expect("file").path())
            .collect();
        assert!(files.iter().any(|file| file.ends_with("server.db-wal")));
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
        drop(storage);
    }
}
