//! How far our own messages got, and what is still to be sent.

use parlour_protocol::{
    UserId,
    pm::{Code, MessageId},
};
use rusqlite::params;

use super::{AccountId, Result, Store};
use crate::view::{Delivery, ItemId};

/// What shows that the server has a message of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Nothing.
    None,
    /// A fence behind it was answered.
    Fence,
    /// It came back live, on another connection of the same user.
    Echo,
    /// It stands in the server's history, and counts there.
    History,
    /// It stood in a history that the server has since lost.
    Past,
}

/// A message that waits to be sent, or was being sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) id: ItemId,
    pub(crate) peer: UserId,
    pub(crate) content: String,
    /// How often it was given to a connection.
    pub(crate) attempts: u32,
    /// How many connections broke by it, as far as one can tell.
    pub(crate) strikes: u32,
    pub(crate) delivery: Delivery,
    /// Its id between sides that speak pm; `None` once it was given to a server
    /// that keeps none.
    pub(crate) uid: Option<MessageId>,
    /// When it was written, in milliseconds since 1970.
    pub(crate) at: Option<i64>,
}

impl Store {
    /// What was being sent, in the order in which it was given to a connection, and
    /// then what waits to be sent, in the order it was written.
    pub(crate) fn pending(&self, account: AccountId) -> Result<Vec<Pending>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, peer, content, attempts, delivery, uid, at, strikes, written FROM messages
             WHERE account = ?1 AND delivery IN (0, 1) ORDER BY id",
        )?;
        let mut pending = statement
            .query_map([account.0], |row| {
                let message = Pending {
                    id: ItemId(row.get(0)?),
                    peer: UserId::new(row.get::<_, String>(1)?),
                    content: row.get(2)?,
                    attempts: row.get(3)?,
                    delivery: if row.get::<_, i64>(4)? == 0 {
                        Delivery::Queued
                    } else {
                        Delivery::Sending
                    },
                    uid: row
                        .get::<_, Option<[u8; 16]>>(5)?
                        .map(MessageId::from_bytes),
                    at: row.get(6)?,
                    strikes: row.get(7)?,
                };
                Ok((row.get(8)?, message))
            })?
            .collect::<rusqlite::Result<Vec<(i64, Pending)>>>()?;
        pending.sort_by_key(|(written, message)| match message.delivery {
            Delivery::Sending => (false, *written),
            _ => (true, 0),
        });
        Ok(pending.into_iter().map(|(_, message)| message).collect())
    }

    /// Records how far a message of ours got, and what shows it.
    pub(crate) fn set_delivery(
        &self,
        id: ItemId,
        delivery: Delivery,
        evidence: Evidence,
    ) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE messages SET delivery = ?2, evidence = ?3 WHERE id = ?1")?
            .execute(params![
                id.0,
                delivery_code(delivery),
                evidence_code(evidence)
            ])?;
        Ok(())
    }

    /// A message of theirs stood in a history that the server has lost.
    pub(crate) fn set_past(&self, id: ItemId) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE messages SET evidence = ?2 WHERE id = ?1")?
            .execute(params![id.0, evidence_code(Evidence::Past)])?;
        Ok(())
    }

    /// Counts an attempt before it is made. `uid` is the id that the server is
    /// told; `None` where it is told none: then it is not known by one later.
    pub(crate) fn set_sending(&self, id: ItemId, uid: Option<MessageId>) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE messages SET delivery = 1, evidence = 0, attempts = attempts + 1, uid = ?2, refusal = NULL,
                 written = (SELECT COALESCE(MAX(w.written), 0) + 1 FROM messages w
                            WHERE w.account = messages.account AND w.delivery = 1)
                 WHERE id = ?1",
            )?
            .execute(params![id.0, uid.as_ref().map(MessageId::as_bytes)])?;
        Ok(())
    }

    /// The server refused a message for good.
    pub(crate) fn set_refused(&self, id: ItemId, code: Code) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE messages SET delivery = 5, evidence = 0, refusal = ?2 WHERE id = ?1",
            )?
            .execute(params![id.0, code.as_str()])?;
        Ok(())
    }

    /// Takes back [`Store::set_sending`]: the connection did not take the message.
    pub(crate) fn set_unsent(&self, id: ItemId) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE messages SET delivery = 0, attempts = MAX(attempts - 1, 0) WHERE id = ?1",
            )?
            .execute([id.0])?;
        Ok(())
    }

    /// Takes an attempt back that says nothing of the message: another was before it.
    pub(crate) fn uncount_attempt(&self, id: ItemId) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE messages SET attempts = MAX(attempts - 1, 0) WHERE id = ?1")?
            .execute([id.0])?;
        Ok(())
    }

    /// Starts the count of attempts anew, when a person asks for another try.
    pub(crate) fn requeue(&self, id: ItemId) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE messages SET delivery = 0, evidence = 0, attempts = 0, strikes = 0, refusal = NULL WHERE id = ?1",
            )?
            .execute([id.0])?;
        Ok(())
    }
}

// The codes are the file's format: they never change their meaning.

pub(super) fn delivery_code(delivery: Delivery) -> i64 {
    match delivery {
        Delivery::Queued => 0,
        Delivery::Sending => 1,
        Delivery::Sent => 2,
        Delivery::Unsure => 3,
        Delivery::Held => 4,
        Delivery::Failed => 5,
    }
}

pub(super) fn delivery_from_code(code: i64) -> Delivery {
    match code {
        0 => Delivery::Queued,
        1 => Delivery::Sending,
        2 => Delivery::Sent,
        4 => Delivery::Held,
        5 => Delivery::Failed,
        // What cannot be known is said to be so.
        _ => Delivery::Unsure,
    }
}

pub(super) fn evidence_code(evidence: Evidence) -> i64 {
    match evidence {
        Evidence::None => 0,
        Evidence::Fence => 1,
        Evidence::Echo => 2,
        Evidence::History => 3,
        Evidence::Past => 4,
    }
}

pub(super) fn evidence_from_code(code: i64) -> Evidence {
    match code {
        1 => Evidence::Fence,
        2 => Evidence::Echo,
        3 => Evidence::History,
        4 => Evidence::Past,
        _ => Evidence::None,
    }
}

/// The code as the wire has it.
pub(super) fn refusal_from_code(code: &str) -> Code {
    serde_json::from_value(code.into()).unwrap_or(Code::Unknown)
}
