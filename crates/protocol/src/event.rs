//! What a server says, in whichever dialect it speaks.
//!
//! [`ServerEvent::decode`] is the client's side: lenient. The `Serialize`
//! implementations are the server's side: exactly the guide's shapes.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::{
    SessionId, UserId,
    pm::{self, Bye, Receipt, ServerHello, Stamp, Summary, TypingFrom},
};

/// The names of the events.
pub mod names {
    /// Server → client: who one is.
    pub const SESSION: &str = "session";
    /// Server → client: everyone who is known.
    pub const USERS: &str = "users";
    /// Server → client: somebody came.
    pub const USER_CONNECTED: &str = "user connected";
    /// Server → client: somebody's last socket left.
    pub const USER_DISCONNECTED: &str = "user disconnected";
    /// Both ways: a message between two users.
    pub const PRIVATE_MESSAGE: &str = "private message";
}

/// One event from a server.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerEvent {
    /// `session`: absent from servers of the guide's part 1.
    Session {
        /// The secret that resumes this session.
        session_id: SessionId,
        /// Oneself.
        user_id: UserId,
        /// Present if the server speaks pm, and was asked.
        pm: Option<Box<ServerHello>>,
    },
    /// `users`, sent once a connection.
    Users(Users),
    /// `user connected`.
    UserConnected(UserEntry),
    /// `user disconnected`: a bare id, or an object on dialect D.
    UserDisconnected(UserId),
    /// `private message`.
    PrivateMessage(LiveMessage),
    /// `pm:receipt`.
    Receipt(Receipt),
    /// `pm:typing`.
    Typing(TypingFrom),
    /// `pm:bye`.
    Bye(Bye),
}

/// `session`, as a server says it.
#[derive(Clone, Debug, Serialize)]
pub struct SessionEvent<'a> {
    /// The secret that resumes this session.
    #[serde(rename = "sessionID")]
    pub session_id: &'a SessionId,
    /// The public id.
    #[serde(rename = "userID")]
    pub user_id: &'a UserId,
    /// For a client that speaks pm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pm: Option<&'a ServerHello>,
}

/// The answer to "who is there": entry by entry, so that a bad one costs only itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Users {
    /// Every entry that could be read.
    pub entries: Vec<UserEntry>,
    /// How many could not.
    pub unreadable: usize,
}

/// One user, as `users` and `user connected` carry it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UserEntry {
    /// The public id.
    #[serde(rename = "userID")]
    pub user_id: UserId,
    /// The name, as the server has it: from others' servers it may be anything.
    pub username: String,
    /// Whether the user is there. The guide's part 1 lists only those who are.
    pub connected: bool,
    /// The conversation with the one who connects; `None` on servers that keep no history.
    pub messages: Option<Vec<HistoryEntry>>,
    /// The conversation in short, on servers that speak pm.
    #[serde(flatten)]
    pub summary: Option<Summary>,
}

/// One stored message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The text.
    pub content: String,
    /// Who wrote it.
    pub from: UserId,
    /// Whom it is for.
    pub to: UserId,
}

/// A message that arrives while one is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveMessage {
    /// The text.
    pub content: String,
    /// Who wrote it.
    pub from: UserId,
    /// Whom it is for; absent on dialect A, where it can only be oneself.
    pub to: Option<UserId>,
    /// Its place, on servers that speak pm.
    pub stamp: Option<Stamp>,
}

/// An event that is known, with a payload that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The event's name.
    pub event: &'static str,
}

impl ServerEvent {
    /// Reads an event by its name and arguments. `Ok(None)` is an event of
    /// another protocol, to be ignored.
    pub fn decode(name: &str, args: &[Box<RawValue>]) -> Result<Option<Self>, DecodeError> {
        let arg = args.first().map(|arg| arg.get());
        let event = match name {
            names::SESSION => parse::<SessionWire>(arg).map(|s| Self::Session {
                session_id: s.session_id,
                user_id: s.user_id,
                pm: s.pm.and_then(|pm| parse(Some(pm.get()))).map(Box::new),
            }),
            names::USERS => {
                parse::<Vec<&RawValue>>(arg).map(|entries| Self::Users(decode_users(&entries)))
            }
            names::USER_CONNECTED => {
                parse::<UserWire>(arg).map(|user| Self::UserConnected(user.into_entry().0))
            }
            names::USER_DISCONNECTED => {
                parse::<LeaverWire>(arg).map(|leaver| Self::UserDisconnected(leaver.user_id()))
            }
            names::PRIVATE_MESSAGE => parse::<MessageWire>(arg).map(|m| {
                Self::PrivateMessage(LiveMessage {
                    stamp: m.stamp(),
                    content: m.content.into_text(),
                    from: m.from,
                    to: m.to,
                })
            }),
            pm::names::RECEIPT => parse(arg).map(Self::Receipt),
            pm::names::TYPING => parse(arg).map(Self::Typing),
            pm::names::BYE => parse(arg).map(Self::Bye),
            _ => return Ok(None),
        };
        match event {
            Some(event) => Ok(Some(event)),
            None => Err(DecodeError {
                event: known_name(name),
            }),
        }
    }
}

fn known_name(name: &str) -> &'static str {
    use names::{PRIVATE_MESSAGE, SESSION, USER_CONNECTED, USER_DISCONNECTED, USERS};
    [
        SESSION,
        USERS,
        USER_CONNECTED,
        USER_DISCONNECTED,
        PRIVATE_MESSAGE,
        pm::names::RECEIPT,
        pm::names::TYPING,
        pm::names::BYE,
    ]
    .into_iter()
    .find(|known| *known == name)
    .unwrap_or("unknown")
}

fn parse<'a, T: Deserialize<'a>>(arg: Option<&'a str>) -> Option<T> {
    serde_json::from_str(arg?).ok()
}

fn decode_users(entries: &[&RawValue]) -> Users {
    let mut users = Users::default();
    for entry in entries {
        match parse::<UserWire>(Some(entry.get())) {
            Some(user) => {
                let (entry, unreadable) = user.into_entry();
                users.entries.push(entry);
                users.unreadable += unreadable;
            }
            None => users.unreadable += 1,
        }
    }
    users
}

impl pm::UsersPage {
    /// Reads a page of `pm:users` as `users` is read: a bad entry costs only itself.
    #[must_use]
    pub fn decode(json: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Wire<'a> {
            #[serde(borrow)]
            users: Vec<&'a RawValue>,
            next: Option<String>,
        }
        let page: Wire<'_> = parse(Some(json))?;
        Some(Self {
            users: decode_users(&page.users).entries,
            next: page.next,
        })
    }
}

#[derive(Deserialize)]
struct SessionWire<'a> {
    #[serde(rename = "sessionID")]
    session_id: SessionId,
    #[serde(rename = "userID")]
    user_id: UserId,
    #[serde(borrow)]
    pm: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct UserWire<'a> {
    #[serde(rename = "userID")]
    user_id: UserId,
    #[serde(borrow)]
    username: &'a RawValue,
    #[serde(borrow)]
    connected: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<Vec<&'a RawValue>>,
    #[serde(rename = "lastSeq", borrow)]
    last_seq: Option<&'a RawValue>,
    #[serde(borrow)]
    unread: Option<&'a RawValue>,
    #[serde(borrow)]
    last: Option<&'a RawValue>,
    #[serde(borrow)]
    received: Option<&'a RawValue>,
    #[serde(borrow)]
    read: Option<&'a RawValue>,
}

impl UserWire<'_> {
    fn into_entry(self) -> (UserEntry, usize) {
        let mut unreadable = 0;
        let messages = self.messages.map(|messages| {
            let read: Vec<HistoryEntry> = messages
                .iter()
                .filter_map(|raw| parse::<MessageWire>(Some(raw.get())))
                .filter_map(MessageWire::into_history)
                .collect();
            unreadable = messages.len() - read.len();
            read
        });
        let number = |raw: Option<&RawValue>| parse::<u64>(raw.map(RawValue::get));
        let summary = number(self.last_seq).map(|last_seq| Summary {
            last_seq,
            unread: number(self.unread)
                .and_then(|unread| u32::try_from(unread).ok())
                .unwrap_or(0),
            last: parse(self.last.map(RawValue::get)),
            received: number(self.received).unwrap_or(0),
            read: number(self.read).unwrap_or(0),
        });
        let entry = UserEntry {
            user_id: self.user_id,
            username: Text::from_raw(self.username).into_text(),
            connected: self
                .connected
                .is_none_or(|connected| connected.get() != "false"),
            messages,
            summary,
        };
        (entry, unreadable)
    }
}

/// Dialect D says it with an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum LeaverWire {
    Id(UserId),
    User {
        #[serde(rename = "userID")]
        user_id: UserId,
    },
}

impl LeaverWire {
    fn user_id(self) -> UserId {
        match self {
            Self::Id(user_id) | Self::User { user_id } => user_id,
        }
    }
}

#[derive(Deserialize)]
struct MessageWire<'a> {
    content: Text,
    from: UserId,
    to: Option<UserId>,
    // Other servers may mean anything by these names: then there is no stamp.
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    seq: Option<&'a RawValue>,
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
    #[serde(rename = "sentAt", borrow)]
    sent_at: Option<&'a RawValue>,
}

impl MessageWire<'_> {
    fn stamp(&self) -> Option<Stamp> {
        Some(Stamp {
            id: parse(self.id.map(RawValue::get))?,
            seq: parse(self.seq.map(RawValue::get))?,
            ts: parse(self.ts.map(RawValue::get))?,
            sent_at: parse(self.sent_at.map(RawValue::get)),
        })
    }

    fn into_history(self) -> Option<HistoryEntry> {
        Some(HistoryEntry {
            content: self.content.into_text(),
            from: self.from,
            to: self.to?,
        })
    }
}

/// A text where the dialects A to C take anything: what is no text is kept as
/// its JSON, so that the reader sees that something came.
struct Text(String);

impl Text {
    fn from_raw(raw: &RawValue) -> Self {
        Self(serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned()))
    }

    fn into_text(self) -> String {
        self.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <Box<RawValue>>::deserialize(deserializer)?;
        Ok(Self::from_raw(&raw))
    }
}

impl Serialize for LiveMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            content: &'a str,
            from: &'a UserId,
            #[serde(skip_serializing_if = "Option::is_none")]
            to: Option<&'a UserId>,
            #[serde(flatten)]
            stamp: Option<&'a Stamp>,
        }
        Wire {
            content: &self.content,
            from: &self.from,
            to: self.to.as_ref(),
            stamp: self.stamp.as_ref(),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decode(name: &str, payload: serde_json::Value) -> Result<Option<ServerEvent>, DecodeError> {
        let raw = serde_json::value::to_raw_value(&payload).expect("raw");
        ServerEvent::decode(name, &[raw])
    }

    fn users(payload: serde_json::Value) -> Users {
        match decode(names::USERS, payload) {
            Ok(Some(ServerEvent::Users(users))) => users,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_dialects_of_users_are_read() {
        let part_1 = users(json!([{"userID": "a", "username": "Ann"}]));
        assert_eq!(part_1.entries[0].messages, None);
        assert!(part_1.entries[0].connected);
        let part_3 = users(json!([
            {"userID": "a", "username": "Ann", "connected": false, "messages": [{"content": "hi", "from": "a", "to": "b"}]}
        ]));
        assert!(!part_3.entries[0].connected);
        assert_eq!(part_3.entries[0].messages.as_ref().map(Vec::len), Some(1));
    }

    #[test]
    fn a_bad_entry_costs_only_itself() {
        let deep: serde_json::Value =
            serde_json::from_str(&format!("{}1{}", "[".repeat(100), "]".repeat(100)))
                .expect("json");
        let users = users(json!([
            {"userID": "a", "username": {"an": "object"}},
            {"userID": 7, "username": "seven"},
            null,
            {"userID": "b", "username": "Bob", "messages": [{"content": deep, "from": "b", "to": "a"}, 3, {"content": "x"}]},
        ]));
        assert_eq!(users.entries.len(), 2);
        assert_eq!(users.entries[0].username, r#"{"an":"object"}"#);
        assert_eq!(users.entries[1].messages.as_ref().map(Vec::len), Some(1));
        assert_eq!(users.unreadable, 4);
    }

    #[test]
    fn both_forms_of_leaving_are_read() {
        let bob = Ok(Some(ServerEvent::UserDisconnected("b".into())));
        assert_eq!(decode(names::USER_DISCONNECTED, json!("b")), bob);
        assert_eq!(
            decode(
                names::USER_DISCONNECTED,
                json!({"userID": "b", "username": "Bob"})
            ),
            bob
        );
    }

    #[test]
    fn other_events_are_ignored_and_broken_ones_named() {
        assert_eq!(decode("something else", json!(1)), Ok(None));
        assert_eq!(
            decode(names::SESSION, json!(1)),
            Err(DecodeError { event: "session" })
        );
        assert_eq!(
            ServerEvent::decode(names::USERS, &[]),
            Err(DecodeError { event: "users" })
        );
    }
}
