//! What servers say, in short.

use parlour_protocol::{HistoryEntry, LiveMessage, ServerEvent, SessionId, UserEntry, Users};

use crate::ports::LinkEvent;

pub(in crate::task) fn session(user: &str) -> LinkEvent {
    LinkEvent::Server(ServerEvent::Session {
        session_id: SessionId::new(format!("session of {user}")),
        user_id: user.into(),
        pm: None,
    })
}

pub(in crate::task) fn list(entries: Vec<UserEntry>) -> LinkEvent {
    LinkEvent::Server(ServerEvent::Users(Users {
        entries,
        unreadable: 0,
    }))
}

pub(in crate::task) fn came(user: UserEntry) -> LinkEvent {
    LinkEvent::Server(ServerEvent::UserConnected(user))
}

pub(in crate::task) fn message(from: &str, to: &str, content: &str) -> LinkEvent {
    LinkEvent::Server(ServerEvent::PrivateMessage(LiveMessage {
        content: content.into(),
        from: from.into(),
        to: Some(to.into()),
        stamp: None,
    }))
}

/// A user with a history: `>text` is ours, `<text` is theirs.
pub(in crate::task) fn user(id: &str, history: &[&str]) -> UserEntry {
    let messages = history.iter().map(|line| {
        let (from, to) = if line.starts_with('>') {
            ("me", id)
        } else {
            (id, "me")
        };
        HistoryEntry {
            content: line[1..].into(),
            from: from.into(),
            to: to.into(),
        }
    });
    UserEntry {
        user_id: id.into(),
        username: id.to_uppercase(),
        connected: true,
        messages: Some(messages.collect()),
        summary: None,
    }
}

/// A user of a server that keeps no messages.
pub(in crate::task) fn plain(id: &str) -> UserEntry {
    UserEntry {
        messages: None,
        ..user(id, &[])
    }
}

pub(in crate::task) fn everyone() -> Vec<UserEntry> {
    vec![user("me", &[]), user("bob", &[])]
}
