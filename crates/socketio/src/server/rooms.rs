//! Who is in a namespace, and in which of its rooms; and how to speak to many.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Socket;

mod broadcast;

pub use broadcast::Broadcast;

/// What the sockets of one namespace share.
pub(super) struct Space {
    name: Box<str>,
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    sockets: HashMap<u64, Member>,
    /// A room exists while somebody is in it.
    rooms: HashMap<Arc<str>, HashSet<u64>>,
}

struct Member {
    socket: Socket,
    /// Until its CONNECT is answered it is in rooms only.
    joined: bool,
    rooms: Vec<Arc<str>>,
}

impl Space {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            members: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        // Nothing that is done under the lock leaves it half done.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A socket that may join rooms from now on.
    pub(super) fn add(&self, socket: &Socket) {
        let member = Member {
            socket: socket.clone(),
            joined: false,
            rooms: Vec::new(),
        };
        self.members().sockets.insert(socket.number(), member);
    }

    /// Its CONNECT is answered.
    pub(super) fn joined(&self, number: u64) {
        if let Some(member) = self.members().sockets.get_mut(&number) {
            member.joined = true;
        }
    }

    /// It is gone, from its rooms too.
    pub(super) fn remove(&self, number: u64) {
        let mut members = self.members();
        let gone = members.sockets.remove(&number);
        for room in gone.iter().flat_map(|member| &member.rooms) {
            members.take_out(number, room);
        }
        drop(members);
        // Its last handle may go with it, which is nothing to do under the lock.
        drop(gone);
    }
}

impl Members {
    fn take_out(&mut self, number: u64, room: &str) {
        if let Some(inside) = self.rooms.get_mut(room) {
            inside.remove(&number);
            if inside.is_empty() {
                self.rooms.remove(room);
            }
        }
    }
}

impl Socket {
    /// Enters a room of its namespace. It leaves all of them when it leaves the
    /// namespace.
    pub fn join(&self, room: &str) {
        let mut members = self.space().members();
        let Members { sockets, rooms } = &mut *members;
        let Some(member) = sockets.get_mut(&self.number()) else {
            return;
        };
        if member.rooms.iter().any(|already| &**already == room) {
            return;
        }
        let name = rooms.get_key_value(room).map(|(name, _)| Arc::clone(name));
        let name = name.unwrap_or_else(|| room.into());
        member.rooms.push(Arc::clone(&name));
        rooms.entry(name).or_default().insert(self.number());
    }

    /// Leaves a room.
    pub fn leave(&self, room: &str) {
        let mut members = self.space().members();
        if let Some(member) = members.sockets.get_mut(&self.number()) {
            member.rooms.retain(|entered| &**entered != room);
            members.take_out(self.number(), room);
        }
    }

    /// The rooms that it is in.
    #[must_use]
    pub fn rooms(&self) -> Vec<Arc<str>> {
        let members = self.space().members();
        let member = members.sockets.get(&self.number());
        member.map_or_else(Vec::new, |member| member.rooms.clone())
    }

    /// Everybody in the room but itself.
    pub fn to(&self, room: &str) -> Broadcast {
        self.others().to(room)
    }

    /// Everybody in its namespace but itself.
    pub fn others(&self) -> Broadcast {
        self.peers().everybody().without(self)
    }
}

/// A namespace with all its sockets. Cheap to clone.
///
/// ```no_run
/// # use parlour_socketio::server::NamespaceHandle;
/// # fn example(chat: &NamespaceHandle) -> Result<(), parlour_socketio::EmitError> {
/// chat.to("kitchen").to("cellar").except("cooks").emit("bell", &(3,))?;
/// chat.everybody().emit("good night", &())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct NamespaceHandle {
    space: Arc<Space>,
}

impl NamespaceHandle {
    pub(super) fn new(space: Arc<Space>) -> Self {
        Self { space }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.space.name()
    }

    /// How many are in it.
    #[must_use]
    pub fn count(&self) -> usize {
        let members = self.space.members();
        members
            .sockets
            .values()
            .filter(|member| member.joined)
            .count()
    }

    /// All who are in it.
    pub fn everybody(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.space))
    }

    /// All who are in the room.
    pub fn to(&self, room: &str) -> Broadcast {
        self.everybody().to(room)
    }

    /// All who are not in the room.
    pub fn except(&self, room: &str) -> Broadcast {
        self.everybody().except(room)
    }
}

impl fmt::Debug for NamespaceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceHandle")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
