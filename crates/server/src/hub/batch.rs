//! How commands become facts: stored first, told afterwards.

use std::{collections::HashSet, sync::Arc};

use parlour_protocol::{ConnectAuth, LiveMessage, OutgoingMessage, UserId};
use tokio::sync::oneshot;

use super::{
    Command, ConnectionId, Frame, Full, Identity, Outlet, SignInError,
    command::Stop,
    roster::{Left, Roster},
};
use crate::{
    counters::Counters,
    identity::{SessionHash, new_session_id, new_user_id},
    storage::{NewSession, Storage, StorageError, StoredMessage, StoredUser},
};

/// The state of the chat. It does nothing by itself: [`Hub::apply`] is all.
pub(crate) struct Hub {
    storage: Box<dyn Storage>,
    roster: Roster,
    counters: Arc<Counters>,
    now_ms: fn() -> i64,
}

/// Messages and fences that follow each other: they change nothing in memory,
/// so they can share a commit.
#[derive(Default)]
struct Run {
    messages: Vec<(ConnectionId, StoredMessage)>,
    fences: Vec<(ConnectionId, oneshot::Sender<()>)>,
}

impl Hub {
    pub(crate) fn new(
        mut storage: Box<dyn Storage>,
        counters: Arc<Counters>,
        now_ms: fn() -> i64,
    ) -> Result<Self, StorageError> {
        Ok(Self {
            roster: Roster::new(storage.users()?),
            storage,
            counters,
            now_ms,
        })
    }

    /// Does all of `batch`, in order. After a [`Command::Stop`] the rest is dropped.
    pub(crate) fn apply(&mut self, batch: Vec<Command>) -> Option<Stop> {
        let homeless = self.create_sessions(&batch);
        let mut run = Run::default();
        for command in batch {
            match command {
                Command::Message {
                    connection,
                    message,
                } => {
                    let message = self.accept(connection, message);
                    run.messages
                        .extend(message.map(|message| (connection, message)));
                    continue;
                }
                Command::Fence { connection, answer } => {
                    run.fences.push((connection, answer));
                    continue;
                }
                _ => self.flush(std::mem::take(&mut run)),
            }
            match command {
                Command::SignIn { auth, answer } => {
                    // Nobody waits any more: then nothing came of it.
                    let _ = answer.send(self.sign_in(&auth));
                }
                Command::Join {
                    connection, outlet, ..
                } if homeless.contains(&connection) => {
                    self.counters
                        .cut("cut a connection whose session could not be stored");
                    outlet.cut();
                }
                Command::Join {
                    connection,
                    identity,
                    outlet,
                } => self.join(connection, &identity, outlet),
                Command::Leave { connection } => self.leave(connection),
                Command::Stop(stop) => return Some(stop),
                Command::Message { .. } | Command::Fence { .. } => {}
            }
        }
        self.flush(run);
        None
    }

    /// The last call: everything in one file.
    pub(crate) fn close(&mut self) {
        if let Err(error) = self.storage.close() {
            tracing::error!(%error, "the database could not be checkpointed");
        }
    }

    fn sign_in(&mut self, auth: &ConnectAuth) -> Result<Identity, SignInError> {
        if let Some(session_id) = &auth.session_id {
            match self.storage.user_of_session(&SessionHash::of(session_id)) {
                Ok(Some(user_id)) => {
                    return Ok(Identity {
                        session_id: session_id.clone(),
                        user_id,
                        newcomer: None,
                    });
                }
                Ok(None) => {}
                Err(error) => {
                    self.storage_failed(&error);
                    return Err(SignInError::Unavailable);
                }
            }
        }
        let Ok(username) = auth.username() else {
            self.counters.refused();
            return Err(SignInError::Refused);
        };
        Ok(Identity {
            session_id: new_session_id(),
            user_id: new_user_id(),
            newcomer: Some(username),
        })
    }

    /// Stores the sessions of all newcomers in the batch with one commit, and
    /// says which joins have none now.
    fn create_sessions(&mut self, batch: &[Command]) -> HashSet<ConnectionId> {
        let at_ms = (self.now_ms)();
        let (connections, sessions): (Vec<_>, Vec<_>) = batch
            .iter()
            .filter_map(|command| match command {
                Command::Join {
                    connection,
                    identity,
                    ..
                } => Some((*connection, new_session(identity, at_ms)?)),
                _ => None,
            })
            .unzip();
        let mut homeless = HashSet::new();
        if sessions.is_empty() {
            return homeless;
        }
        if let Err(error) = self.storage.create_sessions(&sessions) {
            self.storage_failed(&error);
            for (connection, session) in connections.into_iter().zip(&sessions) {
                if let Err(error) = self.storage.create_sessions(std::slice::from_ref(session)) {
                    self.storage_failed(&error);
                    homeless.insert(connection);
                }
            }
        }
        homeless
    }

    /// `session`, then `users`, and only then a place in the audience: so no
    /// event can overtake the snapshot it belongs behind.
    fn join(&mut self, connection: ConnectionId, identity: &Identity, outlet: Box<dyn Outlet>) {
        let me = &identity.user_id;
        if let Some(username) = &identity.newcomer {
            self.roster.know(me.clone(), username.clone());
        }
        let history = match self.storage.history(me) {
            Ok(history) => history,
            Err(error) => {
                self.storage_failed(&error);
                self.counters
                    .cut("cut a connection whose history could not be read");
                return outlet.cut();
            }
        };
        let snapshot = [
            Frame::session(&identity.session_id, me),
            Frame::users(&self.roster.entries(me, history)),
        ];
        for frame in snapshot.iter().flatten() {
            if outlet.deliver(frame) == Err(Full) {
                self.counters.cut("cut a connection that reads too slowly");
                return outlet.cut();
            }
        }
        self.roster.join(connection, me, outlet);
        let frame = self
            .roster
            .entry(me)
            .and_then(|entry| Frame::user_connected(&entry));
        let audience = self.roster.all_but(connection);
        self.deliver(&audience, frame.as_ref());
    }

    fn leave(&mut self, connection: ConnectionId) {
        let full = self.forget(connection);
        self.cut_full(full);
    }

    /// The message to store, unless it goes nowhere. One from a connection
    /// that was cut is ignored: its client finds out from the history.
    fn accept(&self, connection: ConnectionId, message: OutgoingMessage) -> Option<StoredMessage> {
        let from = self.roster.user_of(connection)?.clone();
        if !self.roster.knows(&message.to) {
            self.counters.unknown_recipient();
            return None;
        }
        Some(StoredMessage {
            from,
            to: message.to,
            content: message.content,
            at_ms: (self.now_ms)(),
        })
    }

    /// Commits a run, tells it, answers its fences.
    fn flush(&mut self, run: Run) {
        let (connections, messages): (Vec<_>, Vec<_>) = run.messages.into_iter().unzip();
        match self.append(&messages) {
            Ok(()) => {
                for (connection, message) in connections.into_iter().zip(messages) {
                    self.tell(connection, message);
                }
            }
            Err(_) if messages.len() > 1 => {
                for (connection, message) in connections.into_iter().zip(messages) {
                    self.store_one(connection, message);
                }
            }
            Err(_) => connections
                .into_iter()
                .for_each(|connection| self.cut_unstored(connection)),
        }
        for (connection, answer) in run.fences {
            // No answer for a connection that was cut: what it waits for may be lost.
            if self.roster.user_of(connection).is_some() {
                let _ = answer.send(());
            }
        }
    }

    /// After a failed commit each message stands alone, so that one that
    /// cannot be stored costs only its sender. What that sender said later is
    /// not stored either: a connection's messages are kept as a prefix.
    fn store_one(&mut self, connection: ConnectionId, message: StoredMessage) {
        if self.roster.user_of(connection).is_none() {
            return;
        }
        match self.append(std::slice::from_ref(&message)) {
            Ok(()) => self.tell(connection, message),
            Err(_) => self.cut_unstored(connection),
        }
    }

    fn append(&mut self, messages: &[StoredMessage]) -> Result<(), StorageError> {
        if messages.is_empty() {
            return Ok(());
        }
        self.storage
            .append(messages)
            .inspect_err(|error| self.storage_failed(error))
    }

    fn tell(&mut self, sending: ConnectionId, message: StoredMessage) {
        let audience = self.roster.audience(&message.from, &message.to, sending);
        let frame = Frame::private_message(&LiveMessage {
            content: message.content,
            from: message.from,
            to: Some(message.to),
        });
        self.deliver(&audience, frame.as_ref());
    }

    /// Queues a frame for each of `audience`. Who cannot take it is cut and
    /// has left, which the others are told in turn: those who are left are
    /// fewer each time, so this ends.
    fn deliver(&mut self, audience: &[ConnectionId], frame: Option<&Frame>) {
        let full = self.offer(audience, frame);
        self.cut_full(full);
    }

    fn cut_full(&mut self, mut full: Vec<ConnectionId>) {
        while let Some(connection) = full.pop() {
            full.extend(self.cut(connection, "cut a connection that reads too slowly"));
        }
    }

    /// Queues a frame and says who could not take it.
    fn offer(&self, audience: &[ConnectionId], frame: Option<&Frame>) -> Vec<ConnectionId> {
        let Some(frame) = frame else {
            return Vec::new();
        };
        let is_full = |connection: &ConnectionId| {
            self.roster
                .outlet(*connection)
                .is_some_and(|outlet| outlet.deliver(frame) == Err(Full))
        };
        audience.iter().copied().filter(is_full).collect()
    }

    fn cut_unstored(&mut self, connection: ConnectionId) {
        let why = "cut a connection whose message could not be stored";
        let full = self.cut(connection, why);
        self.cut_full(full);
    }

    /// Breaks a connection; its user may have left with it. Says who could
    /// not take that news.
    fn cut(&mut self, connection: ConnectionId, why: &'static str) -> Vec<ConnectionId> {
        let Some(outlet) = self.roster.outlet(connection) else {
            return Vec::new();
        };
        self.counters.cut(why);
        outlet.cut();
        self.forget(connection)
    }

    fn forget(&mut self, connection: ConnectionId) -> Vec<ConnectionId> {
        let Left::Gone(user) = self.roster.leave(connection) else {
            return Vec::new();
        };
        let audience = self.roster.all_but(connection);
        self.offer(&audience, Frame::user_disconnected(&user).as_ref())
    }

    fn storage_failed(&self, error: &StorageError) {
        self.counters.storage_failure();
        tracing::error!(%error, "the database failed");
    }
}

fn new_session(identity: &Identity, at_ms: i64) -> Option<NewSession> {
    let username = identity.newcomer.clone()?;
    Some(NewSession {
        user: StoredUser {
            id: UserId::clone(&identity.user_id),
            username,
        },
        hash: SessionHash::of(&identity.session_id),
        at_ms,
    })
}
