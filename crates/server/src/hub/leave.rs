//! How connections end: by themselves, cut, dismissed.

use parlour_protocol::pm::{Accepted, Code, Refused};
use parlour_socketio::server::AckId;
use serde::Serialize;

use super::{ConnectionId, Hub, connections::Connection, frames, people::Index};
use crate::{
    identity::SessionHash,
    limits::{BUSY_RETRY_MS, RESTART_RETRY_MS},
    storage::{StorageError, Write, Written},
};

/// Why a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It could not take what was sent.
    Slow,
    /// What it said could not be stored, and it asked for no answer.
    NotStored,
    /// Its first list could not be made.
    NotRead,
}

impl Why {
    fn text(self) -> &'static str {
        match self {
            Self::Slow => "cut a connection that reads too slowly",
            Self::NotStored => "cut a connection whose message could not be stored",
            Self::NotRead => "cut a connection whose history could not be read",
        }
    }
}

/// Why somebody is sent away for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    SignedOut,
    Banned,
}

impl Farewell {
    fn reason(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Banned => "banned",
        }
    }
}

impl Hub {
    /// Breaks a connection; its user may have left with it.
    pub(super) fn cut(&mut self, id: ConnectionId, why: Why) {
        if let Some(connection) = self.connections.remove(id) {
            self.metrics.cut(why.text());
            connection.cut();
            self.gone(id, &connection);
        }
    }

    /// Forgets a connection that has ended.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.remove(id) {
            self.gone(id, &connection);
        }
    }

    /// If it was its user's last one here, the others hear it.
    fn gone(&mut self, id: ConnectionId, connection: &Connection) {
        let index = connection.person;
        let person = self.people.get_mut(index);
        if !connection.is_here() {
            person.entering -= 1;
            return;
        }
        person.here.retain(|&other| other != id);
        if person.here.is_empty() {
            self.seen.insert(person.key);
            self.online -= 1;
            if let Some(frame) = frames::user_disconnected(&person.id) {
                self.announcer.announce(frame);
            }
            self.people.saw(index, (self.now_ms)());
            self.metrics.users(self.people.len(), self.online);
        }
    }

    /// Ends all connections of a user, or those of one session.
    pub(super) fn dismiss(
        &mut self,
        person: Index,
        session: Option<&SessionHash>,
        farewell: Farewell,
    ) {
        let leaving: Vec<_> = self
            .connections
            .iter()
            .filter(|(_, connection)| {
                connection.person == person
                    && session.is_none_or(|session| connection.session == *session)
            })
            .map(|(id, _)| id)
            .collect();
        let bye = frames::bye(farewell.reason(), None);
        for id in leaving {
            if let Some(bye) = &bye
                && self.connections.speaks_pm(id)
            {
                self.connections.send(id, bye);
            }
            if let Some(connection) = self.connections.remove(id) {
                // Before its user has gone: nobody hears of their own end.
                connection.dismiss();
                self.gone(id, &connection);
            }
        }
    }

    /// `pm:logout`: the answer comes before the end. How many sessions ended.
    pub(super) fn log_out(&mut self, id: ConnectionId, ack: Option<AckId>, all: bool) -> u64 {
        let Some(connection) = self.connections.get(id) else {
            return 0;
        };
        let (person, session) = (connection.person, connection.session);
        let ended = if all {
            self.end_sessions(person)
        } else {
            self.end_session(session)
        };
        match (ended, ack) {
            (Ok(count), ack) => {
                if let Some(ack) = ack {
                    self.reply(id, ack, &Accepted::done());
                }
                let session = (!all).then_some(&session);
                self.dismiss(person, session, Farewell::SignedOut);
                return count;
            }
            (Err(_), Some(ack)) => {
                let busy = Refused::for_now(Code::ServerBusy, BUSY_RETRY_MS);
                self.reply(id, ack, &busy);
            }
            (Err(_), None) => self.cut(id, Why::NotStored),
        }
        0
    }

    /// Ends all sessions of a user in the storage; how many there were.
    pub(super) fn end_sessions(&mut self, person: Index) -> Result<u64, StorageError> {
        let user = self.people.get(person).key;
        let written = self.store_now(&[Write::EndSessions { user, but: None }])?;
        Ok(count(&written))
    }

    /// Ends one session in the storage; how many there were.
    pub(super) fn end_session(&mut self, hash: SessionHash) -> Result<u64, StorageError> {
        let written = self.store_now(&[Write::EndSession { hash }])?;
        Ok(count(&written))
    }

    /// The server is about to end. Those who speak pm hear when to come back.
    pub(super) fn drain(&mut self) {
        self.draining = true;
        let all: Vec<_> = self.connections.iter().map(|(id, _)| id).collect();
        if let Some(bye) = frames::bye("restart", Some(RESTART_RETRY_MS)) {
            for id in all {
                if self.connections.speaks_pm(id) {
                    self.connections.send(id, &bye);
                }
            }
        }
        self.connections.flush();
    }

    /// Answers what a connection has asked.
    pub(super) fn reply(&mut self, id: ConnectionId, ack: AckId, answer: &impl Serialize) {
        if let Some(frame) = frames::answer(ack, answer) {
            self.connections.send(id, &frame);
        }
    }
}

/// The count in the last of some answers.
pub(super) fn count(written: &[Written]) -> u64 {
    match written.last() {
        Some(Written::Count(count)) => *count,
        _ => 0,
    }
}
