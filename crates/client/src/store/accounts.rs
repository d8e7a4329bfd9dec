//! Who we are, and who we were last.

use parlour_protocol::UserId;
use rusqlite::{OptionalExtension, Row, params, types::Type};

use super::{Result, Store};
use crate::ServerOptions;

/// The row of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccountId(pub(super) i64);

/// One identity on one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) server: String,
    /// `None` where the server gives no id that lasts.
    pub(crate) user_id: Option<UserId>,
    pub(crate) username: String,
    /// Whether its session was put into a secret store that outlives the process.
    pub(crate) has_session: bool,
    /// How the server is reached.
    pub(crate) options: ServerOptions,
}

const CURRENT: &str = "current_account";

impl Store {
    /// The account in use, or used last.
    pub(crate) fn current_account(&self) -> Result<Option<Account>> {
        let account = self
            .connection
            .prepare_cached(
                "SELECT id, server, user_id, username, has_session, options FROM accounts
                 WHERE id = (SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?1)",
            )?
            .query_row([CURRENT], read_account)
            .optional()?;
        Ok(account)
    }

    /// Finds or makes the account of an identity and makes it the current one.
    /// What was waiting or in doubt under an identity that this server has
    /// forgotten comes along: it is never sent under another identity by itself.
    pub(crate) fn enter_account(
        &self,
        server: &str,
        user_id: Option<&UserId>,
        username: &str,
    ) -> Result<Account> {
        let user_id = user_id.map_or("", UserId::as_str);
        // A user may be renamed on the server; the id decides where there is one.
        let known: Option<i64> = self
            .connection
            .query_row(
                "SELECT id FROM accounts WHERE server = ?1 AND user_id = ?2 AND (user_id <> '' OR username = ?3)",
                params![server, user_id, username],
                |row| row.get(0),
            )
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => {
                self.connection.execute(
                    "INSERT INTO accounts (server, user_id, username) VALUES (?1, ?2, ?3)",
                    params![server, user_id, username],
                )?;
                self.connection.last_insert_rowid()
            }
        };
        self.connection.execute(
            "UPDATE accounts SET username = ?2, forgotten = 0 WHERE id = ?1",
            params![id, username],
        )?;
        self.connection.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![CURRENT, id.to_string()],
        )?;
        self.take_over_held(AccountId(id), server)?;
        Ok(self.connection.query_row(
            "SELECT id, server, user_id, username, has_session, options FROM accounts WHERE id = ?1",
            [id],
            read_account,
        )?)
    }

    /// Notes how the account's server is reached, if that is its server.
    pub(crate) fn set_options(
        &self,
        account: AccountId,
        server: &str,
        options: &ServerOptions,
    ) -> Result<()> {
        self.connection.execute(
            "UPDATE accounts SET options = ?3 WHERE id = ?1 AND server = ?2",
            params![account.0, server, json(options)?],
        )?;
        Ok(())
    }

    /// The server has forgotten this identity: what waits under it is held, what
    /// was on its way may have arrived. Both go to whoever signs in there next, to
    /// be decided on.
    pub(crate) fn hold_queue(&self, account: AccountId) -> Result<()> {
        self.connection.execute(
            "UPDATE messages SET delivery = CASE delivery WHEN 0 THEN 4 ELSE 3 END WHERE account = ?1 AND delivery IN (0, 1)",
            [account.0],
        )?;
        self.connection.execute(
            "UPDATE accounts SET forgotten = 1 WHERE id = ?1",
            [account.0],
        )?;
        Ok(())
    }

    fn take_over_held(&self, account: AccountId, server: &str) -> Result<()> {
        const FORGOTTEN: &str =
            "SELECT id FROM accounts WHERE server = ?2 AND forgotten = 1 AND id <> ?1";
        self.connection.execute(
            &format!(
                "INSERT OR IGNORE INTO users (account, user_id, username)
                 SELECT ?1, u.user_id, u.username FROM users u JOIN messages m
                 ON m.account = u.account AND m.peer = u.user_id
                 WHERE m.delivery IN (3, 4) AND u.account IN ({FORGOTTEN})"
            ),
            params![account.0, server],
        )?;
        self.connection.execute(
            &format!(
                "UPDATE messages SET account = ?1, evidence = 0, attempts = 0, strikes = 0, seq = NULL, position = position +
                 COALESCE((SELECT MAX(n.position) FROM messages n WHERE n.account = ?1 AND n.peer = messages.peer), 0)
                 WHERE delivery IN (3, 4) AND account IN ({FORGOTTEN})"
            ),
            params![account.0, server],
        )?;
        self.take_over_drafts(account, server)?;
        self.connection.execute(
            "UPDATE accounts SET forgotten = 0 WHERE server = ?2 AND forgotten = 1 AND id <> ?1",
            params![account.0, server],
        )?;
        Ok(())
    }
}

fn json(options: &ServerOptions) -> rusqlite::Result<String> {
    serde_json::to_string(options)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn read_account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let user_id: String = row.get(2)?;
    let options: String = row.get(5)?;
    Ok(Account {
        id: AccountId(row.get(0)?),
        server: row.get(1)?,
        user_id: Some(user_id).filter(|id| !id.is_empty()).map(UserId::new),
        username: row.get(3)?,
        has_session: row.get(4)?,
        options: serde_json::from_str(&options).map_err(|error| {
            // Not to be left out: there may be a pin in it.
            rusqlite::Error::FromSqlConversionFailure(5, Type::Text, Box::new(error))
        })?,
    })
}
