//! Everything of a database as JSON, message by message: `docs/EXPORT.md` is the
//! format. No session and nothing about how servers are reached is in it.

use std::io::{self, Write};

use parlour_protocol::{UserId, pm::MessageId};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::{AccountId, Marks, StoreError, marks::marks_of, outgoing::delivery_from_code};
use crate::view::Delivery;

/// The number of the format. It changes when a reader of the one before would
/// misunderstand, not when a field is added.
const VERSION: u32 = 1;

/// What is exported.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    /// All accounts of the database.
    Everything,
    /// One conversation of one account.
    Conversation(AccountId, UserId),
}

/// What was exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    /// How many accounts.
    pub accounts: u64,
    /// How many people and conversations; also those with whom nothing was said.
    pub conversations: u64,
    /// How many messages.
    pub messages: u64,
    /// How long the file is.
    pub bytes: u64,
}

/// Why writing ended early.
#[derive(Debug)]
pub(crate) enum Stopped {
    Store(StoreError),
    Io(io::Error),
    /// It is not wanted any more.
    GivenUp,
    /// Nothing was ever said with them.
    NothingThere,
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<serde_json::Error> for Stopped {
    fn from(error: serde_json::Error) -> Self {
        Self::Io(error.into())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    /// The id that both sides know, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    mine: bool,
    text: &'a str,
    at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<Delivery>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    /// How far it got on the other side, of ours, where they say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    /// Whether it was seen here, of theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<bool>,
}

/// What somebody says of a message of ours.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Receipt {
    Received,
    Read,
}

impl Receipt {
    /// What the marks of a conversation say of a message at this position.
    fn of(marks: &Marks, position: i64) -> Option<Self> {
        let is_within = |mark: Option<i64>| mark.is_some_and(|mark| position <= mark);
        if is_within(marks.read_up_to) {
            Some(Self::Read)
        } else {
            is_within(marks.received_up_to).then_some(Self::Received)
        }
    }
}

/// An account, as far as it is told.
struct Owner {
    account: i64,
    server: String,
    user_id: String,
    username: String,
}

/// Writes what is asked for, as one view of the database, until `go_on` says no.
pub(crate) fn export(
    connection: &Connection,
    scope: &Scope,
    now_ms: i64,
    out: impl Write,
    go_on: &dyn Fn() -> bool,
) -> Result<Exported, Stopped> {
    let transaction = connection.unchecked_transaction()?;
    let mut export = Export {
        connection: &transaction,
        scope,
        out: Counted(out, 0),
        go_on,
        exported: Exported::default(),
    };
    export.everything(now_ms)?;
    let mut exported = export.exported;
    exported.bytes = export.out.1;
    match scope {
        Scope::Conversation(..) if exported.conversations == 0 => Err(Stopped::NothingThere),
        _ => Ok(exported),
    }
}

struct Export<'a, W: Write> {
    connection: &'a Connection,
    scope: &'a Scope,
    out: Counted<W>,
    go_on: &'a dyn Fn() -> bool,
    exported: Exported,
}

impl<W: Write> Export<'_, W> {
    fn everything(&mut self, now_ms: i64) -> Result<(), Stopped> {
        write!(
            self.out,
            "{{\"format\":\"parlour-export\",\"version\":{VERSION},\"exportedAt\":{now_ms},\"accounts\":["
        )?;
        let mut statement = self
            .connection
            .prepare("SELECT id, server, user_id, username FROM accounts ORDER BY id")?;
        let owners = statement
            .query_map([], |row| {
                Ok(Owner {
                    account: row.get(0)?,
                    server: row.get(1)?,
                    user_id: row.get(2)?,
                    username: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let asked_for = |owner: &&Owner| match self.scope {
            Scope::Everything => true,
            Scope::Conversation(account, _) => account.0 == owner.account,
        };
        let owners: Vec<&Owner> = owners.iter().filter(asked_for).collect();
        for (number, owner) in owners.into_iter().enumerate() {
            self.out.write_all(comma(number))?;
            self.account(owner)?;
        }
        self.out.write_all(b"\n]}\n")?;
        Ok(self.out.flush()?)
    }

    fn account(&mut self, owner: &Owner) -> Result<(), Stopped> {
        self.exported.accounts += 1;
        let user_id = Some(&owner.user_id).filter(|id| !id.is_empty());
        self.open(serde_json::json!({
            "server": owner.server,
            "userId": user_id,
            "username": owner.username,
        }))?;
        self.out.write_all(b",\"conversations\":[")?;
        let mut statement = self.connection.prepare(
            "SELECT p.peer, u.username, COALESCE(u.read_up_to, 0) FROM
             (SELECT user_id AS peer FROM users WHERE account = ?1
              UNION SELECT peer FROM messages WHERE account = ?1) p
             LEFT JOIN users u ON u.account = ?1 AND u.user_id = p.peer
             WHERE ?2 IS NULL OR p.peer = ?2 ORDER BY p.peer",
        )?;
        let only = match self.scope {
            Scope::Everything => None,
            Scope::Conversation(_, peer) => Some(peer.as_str()),
        };
        let mut rows = statement.query(params![owner.account, only])?;
        let mut number = 0;
        while let Some(row) = rows.next()? {
            self.out.write_all(comma(number))?;
            number += 1;
            self.conversation(owner.account, row)?;
        }
        Ok(self.out.write_all(b"\n]}")?)
    }

    fn conversation(&mut self, account: i64, row: &Row<'_>) -> Result<(), Stopped> {
        self.exported.conversations += 1;
        let peer: String = row.get(0)?;
        let username: Option<String> = row.get(1)?;
        let read_up_to: i64 = row.get(2)?;
        let marks = marks_of(
            self.connection,
            AccountId(account),
            &UserId::new(peer.clone()),
        )
        .map_err(Stopped::Store)?;
        self.open(
            serde_json::json!({ "userId": peer, "username": username, "draft": marks.draft }),
        )?;
        self.out.write_all(b",\"messages\":[")?;
        let mut statement = self.connection.prepare_cached(
            "SELECT id, uid, mine, content, at, delivery, refusal, position FROM messages
             WHERE account = ?1 AND peer = ?2 ORDER BY position, id",
        )?;
        let mut rows = statement.query(params![account, peer])?;
        let mut number = 0;
        while let Some(row) = rows.next()? {
            if !(self.go_on)() {
                return Err(Stopped::GivenUp);
            }
            self.out.write_all(comma(number))?;
            number += 1;
            self.message(row, read_up_to, &marks)?;
        }
        self.exported.messages += number as u64;
        Ok(self.out.write_all(b"]}")?)
    }

    fn message(&mut self, row: &Row<'_>, read_up_to: i64, marks: &Marks) -> Result<(), Stopped> {
        let mine: bool = row.get(2)?;
        let uid: Option<[u8; 16]> = row.get(1)?;
        let text = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        let refusal: Option<String> = row.get(6)?;
        let delivery = row.get::<_, Option<i64>>(5)?.map(delivery_from_code);
        let message = Message {
            id: uid.map(|uid| MessageId::from_bytes(uid).to_string()),
            mine,
            text,
            at: row.get(4)?,
            delivery,
            refusal: refusal.as_deref(),
            receipt: match delivery {
                Some(Delivery::Sent) => Receipt::of(marks, row.get(7)?),
                _ => None,
            },
            seen: (!mine).then_some(row.get::<_, i64>(0)? <= read_up_to),
        };
        Ok(serde_json::to_writer(&mut self.out, &message)?)
    }

    /// An object without its end, so that something long can follow.
    fn open(&mut self, object: serde_json::Value) -> Result<(), Stopped> {
        let text = object.to_string();
        Ok(self
            .out
            .write_all(text.strip_suffix('}').unwrap_or(&text).as_bytes())?)
    }
}

/// What stands before the entry of this number: each is on a line of its own.
fn comma(number: usize) -> &'static [u8] {
    if number == 0 { b"\n" } else { b",\n" }
}

struct Counted<W>(W, u64);

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
