//! One frame for many sockets.

use std::{collections::HashSet, fmt, sync::Arc};

use super::{Members, Space};
use crate::{
    Arguments, EmitError,
    packet::is_reserved,
    server::{Frame, Socket},
};

/// Some of the sockets of a namespace: those that are there at the moment when
/// something is done with them.
///
/// A frame is encoded once, and then written for each of them by the calling
/// thread. For what thousands are told all the time there is a
/// [`Feed`](crate::server::Feed).
#[must_use = "nothing is sent yet"]
pub struct Broadcast {
    space: Arc<Space>,
    /// Empty means everybody.
    rooms: Vec<Box<str>>,
    except: Vec<Box<str>>,
    without: Option<u64>,
}

impl Broadcast {
    pub(super) fn new(space: Arc<Space>) -> Self {
        Self {
            space,
            rooms: Vec::new(),
            except: Vec::new(),
            without: None,
        }
    }

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

    pub(super) fn without(mut self, socket: &Socket) -> Self {
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
