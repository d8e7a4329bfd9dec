//! Whom we know.

use parlour_protocol::UserId;
use rusqlite::params;

use super::{AccountId, Result, Store};

/// A user as the last server we heard from named them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredUser {
    pub(crate) user_id: UserId,
    pub(crate) username: String,
}

impl Store {
    /// Everyone that the account knows.
    pub(crate) fn users(&self, account: AccountId) -> Result<Vec<StoredUser>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT user_id, username FROM users WHERE account = ?1")?;
        let users = statement
            .query_map([account.0], |row| {
                Ok(StoredUser {
                    user_id: UserId::new(row.get::<_, String>(0)?),
                    username: row.get(1)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(users)
    }

    /// Adds or renames a user.
    pub(crate) fn put_user(
        &self,
        account: AccountId,
        user_id: &UserId,
        username: &str,
    ) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO users (account, user_id, username) VALUES (?1, ?2, ?3)
                 ON CONFLICT (account, user_id) DO UPDATE SET username = excluded.username",
            )?
            .execute(params![account.0, user_id.as_str(), username])?;
        Ok(())
    }

    /// Forgets a user with whom nothing was ever said.
    pub(crate) fn remove_user(&self, account: AccountId, user_id: &UserId) -> Result<()> {
        self.connection
            .prepare_cached("DELETE FROM users WHERE account = ?1 AND user_id = ?2")?
            .execute(params![account.0, user_id.as_str()])?;
        Ok(())
    }
}
