//! Every connection that has signed in, and what waits to be flushed to it.

use super::{ConnectionId, Full, Outlet, listing::Tongue, number::NumberMap, people::Index};
use crate::identity::SessionHash;
use parlour_socketio::server::Frame;

/// ```text
///  sign-in ─► entering ──join──► here ─┐
///                │                     ├──leave, cut──► (nothing)
///                └─────────────────────┘
/// ```
/// One that is entering counts for its user's limit and is told nothing.
#[derive(Default)]
pub(super) struct Connections {
    all: NumberMap<ConnectionId, Connection>,
    /// Those that were sent something since the last flush.
    touched: Vec<ConnectionId>,
    /// Those that could not take it.
    full: Vec<ConnectionId>,
}

pub(super) struct Connection {
    pub(super) person: Index,
    pub(super) session: SessionHash,
    /// When it was last stored that the session is in use.
    pub(super) used_ms: i64,
    here: Option<Here>,
}

struct Here {
    outlet: Box<dyn Outlet>,
    tongue: Tongue,
    touched: bool,
}

impl Connection {
    /// It is told things.
    pub(super) fn is_here(&self) -> bool {
        self.here.is_some()
    }
}

impl Connections {
    /// A connection has signed in.
    pub(super) fn enter(
        &mut self,
        id: ConnectionId,
        person: Index,
        session: SessionHash,
        used_ms: i64,
    ) {
        let connection = Connection {
            person,
            session,
            used_ms,
            here: None,
        };
        self.all.insert(id, connection);
    }

    /// From now on it can be told things. `None`: it is not entering.
    pub(super) fn open(
        &mut self,
        id: ConnectionId,
        outlet: Box<dyn Outlet>,
        tongue: Tongue,
    ) -> Option<Index> {
        let connection = self.all.get_mut(&id)?;
        if connection.is_here() {
            return None;
        }
        connection.here = Some(Here {
            outlet,
            tongue,
            touched: false,
        });
        Some(connection.person)
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        self.all.get(&id)
    }

    /// Whose it is, if it is told things.
    pub(super) fn person(&self, id: ConnectionId) -> Option<Index> {
        let connection = self.all.get(&id)?;
        connection.is_here().then_some(connection.person)
    }

    /// In which words it is told things.
    pub(super) fn tongue(&self, id: ConnectionId) -> Option<Tongue> {
        Some(self.all.get(&id)?.here.as_ref()?.tongue)
    }

    /// Whether it speaks pm.
    pub(super) fn speaks_pm(&self, id: ConnectionId) -> bool {
        self.tongue(id) == Some(Tongue::Pm)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        self.all.iter().map(|(&id, connection)| (id, connection))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.all.values_mut()
    }

    /// Queues a frame for whoever is there to take it.
    pub(super) fn send(&mut self, id: ConnectionId, frame: &Frame) {
        self.queue(id, |outlet| outlet.send(frame));
    }

    /// See [`Outlet::send_snapshot`].
    pub(super) fn send_snapshot(&mut self, id: ConnectionId, frame: &Frame) {
        self.queue(id, |outlet| outlet.send_snapshot(frame));
    }

    /// It follows what is announced from now on.
    pub(super) fn follow(&self, id: ConnectionId) {
        let connection = self.all.get(&id);
        if let Some(here) = connection.and_then(|connection| connection.here.as_ref()) {
            here.outlet.follow();
        }
    }

    fn queue(&mut self, id: ConnectionId, send: impl FnOnce(&dyn Outlet) -> Result<(), Full>) {
        let connection = self.all.get_mut(&id);
        let Some(here) = connection.and_then(|connection| connection.here.as_mut()) else {
            return;
        };
        if send(here.outlet.as_ref()) == Err(Full) {
            self.full.push(id);
        } else if !here.touched {
            here.touched = true;
            self.touched.push(id);
        }
    }

    /// One that could not take what was sent.
    pub(super) fn next_full(&mut self) -> Option<ConnectionId> {
        self.full.pop()
    }

    /// Writes what was sent since the last time.
    pub(super) fn flush(&mut self) {
        for id in self.touched.drain(..) {
            let connection = self.all.get_mut(&id);
            if let Some(here) = connection.and_then(|connection| connection.here.as_mut()) {
                here.touched = false;
                here.outlet.flush();
            }
        }
    }

    /// Forgets one.
    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Connection> {
        self.all.remove(&id)
    }
}

impl Connection {
    /// Breaks it.
    pub(super) fn cut(&self) {
        if let Some(here) = &self.here {
            here.outlet.cut();
        }
    }

    /// Ends it once what is queued is written.
    pub(super) fn dismiss(&self) {
        if let Some(here) = &self.here {
            here.outlet.dismiss();
        }
    }
}
