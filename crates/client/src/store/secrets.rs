//! Where sessions are kept, by name; never a session itself.
//!
//! An entry of a secret store is noted as stray before it is made, and is so
//! again from the moment it is to be deleted. So whatever ends the process, and
//! whatever the store does in the meantime, none is forgotten there.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{AccountId, BUSY, Result, Store, database_in};
use crate::view::SecretsBackend;

/// One entry of a secret store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretEntry {
    pub(crate) backend: SecretsBackend,
    pub(crate) name: String,
}

const CHOICE: &str = "secrets_backend";
const DATABASE: &str = "secrets_database";
const SERIAL: &str = "secrets_serial";

/// The most entries that are read of a database that is given up: far more than
/// any comes to have.
const LEFT: u32 = 256;

/// Every entry that the database in this folder knows of, kept or stray, without
/// making the database what this version wants: it is about to go.
pub(crate) fn secrets_in(folder: &Path) -> Result<Vec<SecretEntry>> {
    let file = database_in(folder);
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(BUSY)?;
    let mut statement = connection.prepare(
        "SELECT backend, name FROM stray_secrets
         UNION SELECT session_in, session_name FROM accounts
         WHERE has_session = 1 AND session_in IS NOT NULL AND session_name IS NOT NULL
         LIMIT ?1",
    )?;
    let rows = statement
        .query_map([LEFT], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let known = rows.into_iter();
    Ok(known
        .filter_map(|(backend, name)| entry(backend, name))
        .collect())
}

impl Store {
    /// The place that was used, or chosen, last; `None` before the first.
    pub(crate) fn secrets_choice(&self) -> Result<Option<SecretsBackend>> {
        Ok(self.meta(CHOICE)?.as_deref().and_then(from_text))
    }

    /// Notes the place that is used from now on.
    pub(crate) fn set_secrets_choice(&self, backend: SecretsBackend) -> Result<()> {
        self.set_meta(CHOICE, to_text(backend))
    }

    /// What tells this database from all others in the names of its entries:
    /// `chance`, if it has nothing yet.
    pub(crate) fn secrets_database(&self, chance: u32) -> Result<String> {
        if let Some(known) = self.meta(DATABASE)? {
            return Ok(known);
        }
        let made = format!("{chance:08x}");
        self.set_meta(DATABASE, &made)?;
        Ok(made)
    }

    /// A number that no entry of this database has had.
    pub(crate) fn next_secret(&self) -> Result<u64> {
        let last = self.meta(SERIAL)?.and_then(|serial| serial.parse().ok());
        let next = last.unwrap_or(0u64) + 1;
        self.set_meta(SERIAL, &next.to_string())?;
        Ok(next)
    }

    /// The release before had one name for each identity of a profile, and one place.
    pub(crate) fn name_old_sessions(&self, profile: &str, backend: SecretsBackend) -> Result<()> {
        self.connection.execute(
            "UPDATE accounts SET session_in = ?1, session_name = ?2 || ' ' || server || ' ' || user_id
             WHERE has_session = 1 AND session_name IS NULL",
            params![to_text(backend), profile],
        )?;
        Ok(())
    }

    /// Where the session of an account is kept.
    pub(crate) fn session_entry(&self, account: AccountId) -> Result<Option<SecretEntry>> {
        let row: Option<(Option<String>, Option<String>)> = self
            .connection
            .query_row(
                "SELECT session_in, session_name FROM accounts WHERE id = ?1 AND has_session = 1",
                [account.0],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        Ok(row.and_then(|(backend, name)| entry(backend?, name?)))
    }

    /// An entry is about to be made: until it is kept it is stray.
    pub(crate) fn add_stray(&self, entry: &SecretEntry) -> Result<()> {
        self.connection.execute(
            "INSERT OR IGNORE INTO stray_secrets (backend, name) VALUES (?1, ?2)",
            params![to_text(entry.backend), entry.name],
        )?;
        Ok(())
    }

    /// The account's session is in this entry. The one before is stray.
    pub(crate) fn keep_session(&self, account: AccountId, entry: &SecretEntry) -> Result<()> {
        self.atomically(|store| {
            store.retire_session(account)?;
            store.remove_stray(entry)?;
            store.connection.execute(
                "UPDATE accounts SET has_session = 1, session_in = ?2, session_name = ?3 WHERE id = ?1",
                params![account.0, to_text(entry.backend), entry.name],
            )?;
            store.set_secrets_choice(entry.backend)
        })
    }

    /// The account's session is not to be kept any more: its entry is stray.
    pub(crate) fn retire_session(&self, account: AccountId) -> Result<()> {
        self.retire("id = ?1", account)
    }

    /// No other account's session is to be kept: there is one at a time.
    pub(crate) fn retire_others(&self, account: AccountId) -> Result<()> {
        self.retire("id <> ?1", account)
    }

    fn retire(&self, whose: &str, account: AccountId) -> Result<()> {
        self.atomically(|store| {
            store.connection.execute(
                &format!(
                    "INSERT OR IGNORE INTO stray_secrets (backend, name)
                     SELECT session_in, session_name FROM accounts
                     WHERE {whose} AND has_session = 1 AND session_in IS NOT NULL AND session_name IS NOT NULL"
                ),
                [account.0],
            )?;
            store.connection.execute(
                &format!(
                    "UPDATE accounts SET has_session = 0, session_in = NULL, session_name = NULL
                     WHERE {whose} AND has_session = 1"
                ),
                [account.0],
            )?;
            Ok(())
        })
    }

    /// The entries that are to be deleted.
    pub(crate) fn strays(&self) -> Result<Vec<SecretEntry>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT backend, name FROM stray_secrets ORDER BY backend, name")?;
        let rows = statement
            .query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let known = rows.into_iter();
        Ok(known
            .filter_map(|(backend, name)| entry(backend, name))
            .collect())
    }

    /// An entry is gone, or kept.
    pub(crate) fn remove_stray(&self, entry: &SecretEntry) -> Result<()> {
        self.connection.execute(
            "DELETE FROM stray_secrets WHERE backend = ?1 AND name = ?2",
            params![to_text(entry.backend), entry.name],
        )?;
        Ok(())
    }

    fn meta(&self, key: &str) -> Result<Option<String>> {
        Ok(self
            .connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                row.get(0)
            })
            .optional()?)
    }

    fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        self.connection.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![key, value],
        )?;
        Ok(())
    }
}

// The words are the file's format: they never change their meaning.

fn to_text(backend: SecretsBackend) -> &'static str {
    match backend {
        SecretsBackend::Keyring => "keyring",
        SecretsBackend::Memory => "memory",
        SecretsBackend::File => "file",
    }
}

fn from_text(text: &str) -> Option<SecretsBackend> {
    [
        SecretsBackend::Keyring,
        SecretsBackend::Memory,
        SecretsBackend::File,
    ]
    .into_iter()
    .find(|backend| to_text(*backend) == text)
}

fn entry(backend: String, name: String) -> Option<SecretEntry> {
    from_text(&backend).map(|backend| SecretEntry { backend, name })
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    fn entry(backend: SecretsBackend, name: &str) -> SecretEntry {
        SecretEntry {
            backend,
            name: name.into(),
        }
    }

    fn account(store: &Store, user_id: &str) -> AccountId {
        store
            .enter_account("http://s", Some(&user_id.into()), "Alice")
            .expect("an account")
            .id
    }

    #[test]
    fn an_entry_is_stray_or_kept_at_any_moment() {
        let store = Store::in_memory();
        let (one, two) = (account(&store, "1"), account(&store, "2"));
        let (first, second) = (
            entry(SecretsBackend::Keyring, "first"),
            entry(SecretsBackend::File, "second"),
        );
        store.add_stray(&first).expect("noted");
        assert_eq!(store.strays().expect("strays"), from_ref(&first));
        store.keep_session(one, &first).expect("kept");
        assert_eq!(store.strays().expect("strays"), []);
        assert_eq!(
            store.session_entry(one).expect("an entry"),
            Some(first.clone())
        );
        assert_eq!(
            store.secrets_choice().expect("a choice"),
            Some(SecretsBackend::Keyring)
        );

        store.add_stray(&second).expect("noted");
        store.keep_session(one, &second).expect("kept elsewhere");
        assert_eq!(store.strays().expect("strays"), from_ref(&first));
        assert_eq!(
            store.session_entry(one).expect("an entry"),
            Some(second.clone())
        );

        store.retire_others(one).expect("nobody else");
        assert_eq!(store.strays().expect("strays"), from_ref(&first));
        store.retire_others(two).expect("retired");
        assert_eq!(
            store.strays().expect("strays"),
            [second.clone(), first.clone()]
        );
        assert_eq!(store.session_entry(one).expect("none"), None);
        store.remove_stray(&first).expect("gone");
        store.remove_stray(&second).expect("gone");
        assert_eq!(store.strays().expect("strays"), []);
    }

    #[test]
    fn sessions_of_the_release_before_keep_their_names() {
        let store = Store::in_memory();
        let (one, two) = (account(&store, "1"), account(&store, "2"));
        store
            .connection
            .execute("UPDATE accounts SET has_session = 1 WHERE id = ?1", [one.0])
            .expect("as it was");
        store
            .name_old_sessions("default", SecretsBackend::Keyring)
            .expect("named");
        assert_eq!(
            store.session_entry(one).expect("an entry"),
            Some(entry(SecretsBackend::Keyring, "default http://s 1"))
        );
        assert_eq!(store.session_entry(two).expect("none"), None);
    }

    #[test]
    fn no_name_is_given_twice() {
        let store = Store::in_memory();
        assert_eq!(store.secrets_database(7).expect("made"), "00000007");
        assert_eq!(store.secrets_database(8).expect("known"), "00000007");
        assert_eq!(store.next_secret().expect("a number"), 1);
        assert_eq!(store.next_secret().expect("a number"), 2);
    }
}
