//! What is read. Everything is found by a key or an index; a page costs what it holds.

use rusqlite::{Connection, OptionalExtension, Params};

use super::{
    message::{conversation_of, last_spot, spot_at},
    place,
    row::{self, message_columns, spot_columns},
};
use crate::{
    admission::{PasswordHash, Skeleton},
    identity::SessionHash,
    limits::CONVERSATIONS,
    storage::{
        Conversation, ConversationSummary, Page, ServerIdentity, StorageError, StoredSession,
        StoredUser, UserKey,
        budget::Budget,
        pair::{Overview, Pair, last_that},
    },
};

pub(super) const USERS: &str = "
    SELECT key, public_id, username, created_ms, last_seen_ms, banned, max(floor, ifnull(
        (SELECT max(place) FROM inbox WHERE place BETWEEN key << 32 AND (key << 32) | 0xffffffff)
            & 0xffffffff, 0))
    FROM users ORDER BY key";

macro_rules! overviews {
    ($which:literal) => {
        concat!(
            "SELECT conversation.key, low, high, low_received, low_read, low_read_count,
                 high_received, high_read, high_read_count, ",
            spot_columns!(),
            " FROM conversations conversation JOIN messages message ON message.place = (
                 SELECT max(place) FROM messages
                 WHERE place BETWEEN conversation.key << 32
                     AND (conversation.key << 32) | 0xffffffff)
             WHERE ",
            $which
        )
    };
}

pub(super) const OVERVIEWS: &str = concat!(
    overviews!("low = ?1"),
    " UNION ALL ",
    overviews!("high = ?1 AND low <> ?1")
);

pub(super) const OVERVIEW: &str = overviews!("low = ?1 AND high = ?2");

pub(super) const SYNC: &str = concat!(
    "SELECT ",
    message_columns!(),
    " FROM inbox JOIN messages message ON message.place = inbox.message
     WHERE inbox.place > ?1 AND inbox.place <= ?2 ORDER BY inbox.place LIMIT ?3"
);

pub(super) const NEWEST: &str = concat!(
    "SELECT ",
    message_columns!(),
    " FROM messages message WHERE place > ?1 AND place <= ?2 ORDER BY place DESC LIMIT ?3"
);

/// Reads, within a transaction or without.
pub(super) struct Reader<'c>(pub(super) &'c Connection);

impl Reader<'_> {
    pub(super) fn identity(&self) -> Result<ServerIdentity, StorageError> {
        let sql = "SELECT server_id, epoch FROM server";
        let (server_id, epoch) = self
            .0
            .query_row(sql, [], |columns| Ok((columns.get(0)?, columns.get(1)?)))?;
        // The schema makes them of random bytes.
        let uuid = |bytes| uuid::Builder::from_random_bytes(bytes).into_uuid();
        Ok(ServerIdentity {
            server_id: uuid(server_id),
            epoch: uuid(epoch),
        })
    }

    pub(super) fn users(&self) -> Result<Vec<StoredUser>, StorageError> {
        self.all(USERS, [], row::user)
    }

    pub(super) fn owner_of(&self, skeleton: &Skeleton) -> Result<Option<UserKey>, StorageError> {
        let sql = "SELECT min(key) FROM users WHERE skeleton = ?1";
        Ok(self
            .0
            .prepare_cached(sql)?
            .query_row([skeleton.as_str()], |columns| columns.get(0))?)
    }

    pub(super) fn password(&self, user: UserKey) -> Result<Option<PasswordHash>, StorageError> {
        let sql = "SELECT password FROM users WHERE key = ?1";
        let password: Option<Option<String>> = self
            .0
            .prepare_cached(sql)?
            .query_row([user], |columns| columns.get(0))
            .optional()?;
        Ok(password.flatten().map(PasswordHash::stored))
    }

    pub(super) fn session(
        &self,
        hash: &SessionHash,
        used_since_ms: i64,
    ) -> Result<Option<StoredSession>, StorageError> {
        let sql = "SELECT user, created_ms, last_used_ms, client FROM sessions
                   WHERE hash = ?1 AND last_used_ms >= ?2";
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query((hash.as_bytes(), used_since_ms))?;
        rows.next()?
            .map(|columns| row::session(columns, 0))
            .transpose()
    }

    pub(super) fn sessions_of(
        &self,
        user: UserKey,
    ) -> Result<Vec<(SessionHash, StoredSession)>, StorageError> {
        let sql = "SELECT hash, user, created_ms, last_used_ms, client FROM sessions
                   WHERE user = ?1 ORDER BY created_ms, hash";
        self.all(sql, [user], |columns| {
            let hash = SessionHash::from_bytes(columns.get(0)?);
            Ok((hash, row::session(columns, 1)?))
        })
    }

    pub(super) fn recent(
        &self,
        user: UserKey,
        per_peer: usize,
        weight: usize,
    ) -> Result<Vec<Conversation>, StorageError> {
        let mut weight = weight;
        self.overviews(user)?
            .into_iter()
            .take(CONVERSATIONS)
            .map(|(key, overview)| {
                let mut budget = Budget::strict(per_peer, weight);
                let page = self.newest(user, key, u64::MAX, &mut budget)?;
                weight = budget.rest(page.complete);
                Ok(Conversation {
                    peer: overview.peer,
                    rows: page.rows,
                })
            })
            .collect()
    }

    pub(super) fn summaries(
        &self,
        user: UserKey,
        weight: usize,
    ) -> Result<Vec<ConversationSummary>, StorageError> {
        let mut weight = weight;
        self.overviews(user)?
            .into_iter()
            .take(CONVERSATIONS)
            .map(|(key, overview)| {
                let mut budget = Budget::strict(1, weight);
                let summary = self.summarise(user, key, &overview, &mut budget)?;
                weight = budget.rest(summary.last.is_some());
                Ok(summary)
            })
            .collect()
    }

    pub(super) fn summary(
        &self,
        user: UserKey,
        peer: UserKey,
    ) -> Result<Option<ConversationSummary>, StorageError> {
        let pair = Pair::of(user, peer);
        let found = self.all(OVERVIEW, (pair.low, pair.high), |columns| {
            row::overview(columns, user)
        })?;
        found
            .first()
            .map(|(key, overview)| self.summarise(user, *key, overview, &mut Budget::page(1, 0)))
            .transpose()
    }

    pub(super) fn sync(
        &self,
        user: UserKey,
        since: u64,
        budget: &mut Budget,
    ) -> Result<Page, StorageError> {
        let range = (place::bound(user.0, since), place::end(user.0));
        self.page(SYNC, range, user, budget)
    }

    pub(super) fn history(
        &self,
        user: UserKey,
        peer: UserKey,
        before: Option<u64>,
        budget: &mut Budget,
    ) -> Result<Page, StorageError> {
        let nothing = Page {
            rows: Vec::new(),
            complete: true,
        };
        let Some(key) = conversation_of(self.0, Pair::of(user, peer))? else {
            return Ok(nothing);
        };
        let Some(before) = before else {
            return self.newest(user, key, u64::MAX, budget);
        };
        let Some(last) = last_spot(self.0, key)? else {
            return Ok(nothing);
        };
        let up_to = last_that(1, last.number, |number| {
            Ok(spot_at(self.0, key, number)?.seq_of(user) < before)
        })?;
        self.newest(user, key, up_to.unwrap_or(0), budget)
    }

    /// The end of a conversation up to `up_to`, oldest first.
    fn newest(
        &self,
        user: UserKey,
        conversation: u32,
        up_to: u64,
        budget: &mut Budget,
    ) -> Result<Page, StorageError> {
        let range = (
            place::before_all(conversation),
            place::bound(conversation, up_to),
        );
        let mut page = self.page(NEWEST, range, user, budget)?;
        page.rows.reverse();
        Ok(page)
    }

    fn page(
        &self,
        sql: &str,
        (after, up_to): (i64, i64),
        user: UserKey,
        budget: &mut Budget,
    ) -> Result<Page, StorageError> {
        let look_at = i64::try_from(budget.look_at()).unwrap_or(i64::MAX);
        let mut statement = self.0.prepare_cached(sql)?;
        let mut found = statement.query((after, up_to, look_at))?;
        let mut rows = Vec::new();
        while let Some(columns) = found.next()? {
            let row = row::message(columns, user)?;
            if !budget.take(&row) {
                return Ok(Page {
                    rows,
                    complete: false,
                });
            }
            rows.push(row);
        }
        Ok(Page {
            rows,
            complete: true,
        })
    }

    fn summarise(
        &self,
        user: UserKey,
        key: u32,
        overview: &Overview,
        budget: &mut Budget,
    ) -> Result<ConversationSummary, StorageError> {
        let last = self.newest(user, key, u64::MAX, budget)?.rows.pop();
        Ok(overview.summary(user, last))
    }

    /// All conversations, the newest first.
    pub(super) fn overviews(&self, user: UserKey) -> Result<Vec<(u32, Overview)>, StorageError> {
        let mut overviews = self.all(OVERVIEWS, [user], |columns| row::overview(columns, user))?;
        overviews.sort_by_key(|(_, overview)| std::cmp::Reverse(overview.last.seq_of(user)));
        Ok(overviews)
    }

    fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&rusqlite::Row<'_>) -> Result<T, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut all = Vec::new();
        while let Some(columns) = rows.next()? {
            all.push(read(columns)?);
        }
        Ok(all)
    }
}
