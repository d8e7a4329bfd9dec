//! What is known of servers, whoever is signed in there.

use rusqlite::OptionalExtension;

use super::{Result, Store};

impl Store {
    /// Whether a server answers fences, if it was ever asked.
    pub(crate) fn fences_at(&self, server: &str) -> Result<Option<bool>> {
        let answer: Option<String> = self
            .connection
            .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
            .query_row([fences_key(server)], |row| row.get(0))
            .optional()?;
        Ok(answer.map(|answer| answer == ANSWERED))
    }

    /// Notes whether a server answers fences.
    pub(crate) fn set_fences_at(&self, server: &str, answered: bool) -> Result<()> {
        let answer = if answered { ANSWERED } else { UNANSWERED };
        self.connection
            .prepare_cached(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute([fences_key(server).as_str(), answer])?;
        Ok(())
    }
}

const ANSWERED: &str = "answered";
const UNANSWERED: &str = "unanswered";

fn fences_key(server: &str) -> String {
    format!("fences {server}")
}
