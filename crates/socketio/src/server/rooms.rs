//! Who is in a namespace, and in which of its rooms; and how to speak to many.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Frame, Socket};
use crate::{Arguments, EmitError, packet::is_reserved};

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
    #[must_use]
    pub fn to(&self, room: &str) -> Broadcast {
        self.others().to(room)
    }

    /// Everybody in its namespace but itself.
    #[must_use]
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
        members.sockets.values().filter(|member| member.joined).count()
    }

    /// All who are in it.
    #[must_use]
    pub fn everybody(&self) -> Broadcast {
        Broadcast {
            space: Arc::clone(&self.space),
            rooms: Vec::new(),
            except: Vec::new(),
            without: None,
        }
    }

    /// All who are in the room.
    #[must_use]
    pub fn to(&self, room: &str) -> Broadcast {
        self.everybody().to(room)
    }

    /// All who are not in the room.
    #[must_use]
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

/// Some of the sockets of a namespace: those that are there at the moment when
/// something is done with them.
///
/// A frame is encoded once, and then written for each of them by the calling
/// thread. For what thousands are told all the time there is a
/// [`Feed`](super::Feed).
#[must_use = "nothing is sent yet"]
pub struct Broadcast {
    space: Arc<Space>,
    /// Empty means everybody.
    rooms: Vec<Box<str>>,
    except: Vec<Box<str>>,
    without: Option<u64>,
}

impl Broadcast {
    /// Those in this room, and those in the rooms already named; each once.
    pub fn to(mut self, room: &str) -> Self {
        self.rooms.push(room.into());
        self
    }

    /// But nobody who is in this room.
    pub fn except(mut self, room: &str) -> Self {
        self.except.push(room.into());
        self
    }

    fn without(mut self, socket: &Socket) -> Self {
        self.without = Some(socket.number());
        self
    }

    /// Who that is now.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        let members = self.space.members();
        let excepted: Vec<_> = rooms(&members, &self.except).collect();
        let meant = |number: &u64| {
            Some(*number) != self.without && !excepted.iter().any(|room| room.contains(number))
        };
        if self.rooms.is_empty() {
            let joined = members.sockets.iter().filter(|(_, member)| member.joined);
            let meant = joined.filter(|(number, _)| meant(number));
            return meant.map(|(_, member)| member.socket.clone()).collect();
        }
        let mut seen = HashSet::new();
        let several = self.rooms.len() > 1;
        rooms(&members, &self.rooms)
            .flatten()
            .filter(|number| meant(number) && (!several || seen.insert(**number)))
            .filter_map(|number| members.sockets.get(number))
            .map(|member| member.socket.clone())
            .collect()
    }

    /// Sends all of them an event, and says how many that are. One who reads too
    /// slowly is cut by that.
    ///
    /// # Errors
    /// The name is reserved, or an argument has no form in JSON.
    pub fn emit(&self, event: &str, args: &(impl Arguments + ?Sized)) -> Result<usize, EmitError> {
        if is_reserved(event) {
            return Err(EmitError::Reserved);
        }
        let frame = Frame::event(self.space.name(), None, event, args)
            .map_err(|error| EmitError::Json(error.to_string()))?;
        Ok(self.send(&frame))
    }

    /// Sends all of them a frame, and says how many that are. One who reads too
    /// slowly is cut by that.
    pub fn send(&self, frame: &Frame) -> usize {
        let sent = self.sockets().into_iter().filter(|socket| {
            let taken = socket.send(frame).is_ok();
            socket.flush();
            taken
        });
        sent.count()
    }

    /// Lets all of them enter a room.
    pub fn join(&self, room: &str) {
        self.sockets().iter().for_each(|socket| socket.join(room));
    }

    /// Lets all of them leave a room.
    pub fn leave(&self, room: &str) {
        self.sockets().iter().for_each(|socket| socket.leave(room));
    }

    /// Lets all of them leave the namespace.
    pub fn disconnect(&self) {
        self.sockets().iter().for_each(Socket::disconnect);
    }
}

fn rooms<'a>(
    members: &'a Members,
    names: &'a [Box<str>],
) -> impl Iterator<Item = &'a HashSet<u64>> {
    names.iter().filter_map(|name| members.rooms.get(&**name))
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("rooms", &self.rooms)
            .field("except", &self.except)
            .finish_non_exhaustive()
    }
}
