//! How commands become facts: stored first, told afterwards.

use std::{collections::HashSet, sync::Arc};

use parlour_protocol::{ConnectAuth, UserId};

use super::{
    Command, ConnectionId, Frame, Full, Identity, Outlet, SignInError,
    command::Stop,
    roster::{Left, Roster},
    run::Run,
};
use crate::{
    counters::Counters,
    identity::{SessionHash, new_session_id, new_user_id},
    storage::{NewSession, Storage, StorageError, StoredUser},
};

/// The state of the chat. It does nothing by itself: [`Hub::apply`] is all.
pub(crate) struct Hub {
    pub(super) storage: Box<dyn Storage>,
    pub(super) roster: Roster,
    pub(super) counters: Arc<Counters>,
    pub(super) now_ms: fn() -> i64,
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

    /// Queues a frame for each of `audience`. Who cannot take it is cut and
    /// has left, which the others are told in turn: those who are left are
    /// fewer each time, so this ends.
    pub(super) fn deliver(&mut self, audience: &[ConnectionId], frame: Option<&Frame>) {
        let full = self.offer(audience, frame);
        self.cut_full(full);
    }

    pub(super) fn cut_full(&mut self, mut full: Vec<ConnectionId>) {
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

    /// Breaks a connection; its user may have left with it. Says who could
    /// not take that news.
    pub(super) fn cut(&mut self, connection: ConnectionId, why: &'static str) -> Vec<ConnectionId> {
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

    pub(super) fn storage_failed(&self, error: &StorageError) {
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
