//! Who is known, and which connections each of them has.

use std::collections::{BTreeMap, HashMap};

use parlour_protocol::{HistoryEntry, UserEntry, UserId, Username};

use super::{ConnectionId, Outlet};
use crate::storage::{StoredMessage, StoredUser};

/// Everyone who is known and everyone who is here. Presence is nothing but
/// the count of live connections; it is never stored, so no crash can leave a
/// ghost behind.
#[derive(Default)]
pub(super) struct Roster {
    order: Vec<UserId>,
    users: HashMap<UserId, User>,
    connections: BTreeMap<ConnectionId, Connection>,
}

struct User {
    username: Username,
    connections: Vec<ConnectionId>,
}

struct Connection {
    user: UserId,
    outlet: Box<dyn Outlet>,
}

/// What leaving changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It was not here.
    Nobody,
    /// The user has other connections.
    StillHere,
    /// That was the last one of this user.
    Gone(UserId),
}

impl Roster {
    pub(super) fn new(users: Vec<StoredUser>) -> Self {
        let mut roster = Self::default();
        for user in users {
            roster.know(user.id, user.username);
        }
        roster
    }

    /// Adds somebody, once.
    pub(super) fn know(&mut self, id: UserId, username: Username) {
        self.users.entry(id.clone()).or_insert_with(|| {
            self.order.push(id);
            User {
                username,
                connections: Vec::new(),
            }
        });
    }

    pub(super) fn knows(&self, id: &UserId) -> bool {
        self.users.contains_key(id)
    }

    /// Whose connection this is.
    pub(super) fn user_of(&self, connection: ConnectionId) -> Option<&UserId> {
        self.connections.get(&connection).map(|there| &there.user)
    }

    pub(super) fn outlet(&self, connection: ConnectionId) -> Option<&dyn Outlet> {
        self.connections
            .get(&connection)
            .map(|there| there.outlet.as_ref())
    }

    /// From now on `connection` hears everything that concerns `user`.
    pub(super) fn join(
        &mut self,
        connection: ConnectionId,
        user: &UserId,
        outlet: Box<dyn Outlet>,
    ) {
        if let Some(known) = self.users.get_mut(user) {
            known.connections.push(connection);
            let user = user.clone();
            self.connections
                .insert(connection, Connection { user, outlet });
        }
    }

    /// Forgets a connection.
    pub(super) fn leave(&mut self, connection: ConnectionId) -> Left {
        let Some(there) = self.connections.remove(&connection) else {
            return Left::Nobody;
        };
        match self.users.get_mut(&there.user) {
            Some(user) => {
                user.connections.retain(|other| *other != connection);
                if user.connections.is_empty() {
                    Left::Gone(there.user)
                } else {
                    Left::StillHere
                }
            }
            None => Left::Nobody,
        }
    }

    /// Every connection but one.
    pub(super) fn all_but(&self, connection: ConnectionId) -> Vec<ConnectionId> {
        self.connections
            .keys()
            .copied()
            .filter(|other| *other != connection)
            .collect()
    }

    /// Every connection of the two ends of a message but the sending one.
    pub(super) fn audience(
        &self,
        from: &UserId,
        to: &UserId,
        sending: ConnectionId,
    ) -> Vec<ConnectionId> {
        let of = |user: &UserId| {
            self.users
                .get(user)
                .map_or(&[] as &[_], |user| &user.connections)
        };
        let own = if from == to { &[] } else { of(from) };
        of(to)
            .iter()
            .chain(own)
            .copied()
            .filter(|other| *other != sending)
            .collect()
    }

    /// One user, without messages.
    pub(super) fn entry(&self, id: &UserId) -> Option<UserEntry> {
        let user = self.users.get(id)?;
        Some(UserEntry {
            user_id: id.clone(),
            username: user.username.as_str().to_owned(),
            connected: !user.connections.is_empty(),
            messages: Some(Vec::new()),
            summary: None,
        })
    }

    /// Everyone, each with what `me` and they wrote to each other.
    pub(super) fn entries(&self, me: &UserId, history: Vec<StoredMessage>) -> Vec<UserEntry> {
        let mut conversations: HashMap<UserId, Vec<HistoryEntry>> = HashMap::new();
        for message in history {
            let peer = if message.from == *me {
                message.to.clone()
            } else {
                message.from.clone()
            };
            conversations.entry(peer).or_default().push(HistoryEntry {
                content: message.content,
                from: message.from,
                to: message.to,
            });
        }
        self.order
            .iter()
            .filter_map(|id| {
                let mut entry = self.entry(id)?;
                // Whoever is told this is here, though not in the audience yet.
                entry.connected |= id == me;
                entry.messages = Some(conversations.remove(id).unwrap_or_default());
                Some(entry)
            })
            .collect()
    }
}
