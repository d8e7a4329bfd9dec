//! Who comes, and who leaves, while the connection goes on.

use super::{Task, seat::Seat};
use crate::{
    error::CloseReason,
    join::{JoinError, Joiner},
    machine::{Incoming, Input, SpaceId, Welcome},
};

impl Task {
    pub(super) fn deliver(&mut self, space: SpaceId, incoming: Incoming) {
        let Some(seat) = self.seats.iter_mut().find(|seat| seat.space == space) else {
            return;
        };
        if !seat.deliver(incoming)
            && let Some(seat) = self.vacate(space)
        {
            seat.fail(JoinError::Flooded);
            self.step(Input::Leave(space));
        }
    }

    /// Somebody wants to join a namespace. `false`: they cannot.
    pub(super) fn takes_seat(&mut self, space: SpaceId, joiner: Joiner) -> bool {
        if joiner.membership.has_left() {
            // They do not wait any more, and nothing was sent.
            return false;
        }
        let most = self.connection.limits.queued_event_bytes;
        let name = joiner.namespace.clone();
        let pid = joiner
            .recovery
            .as_ref()
            .map(|recovery| recovery.pid.clone());
        let seat = Seat::joining(space, joiner, most);
        if let Some(known) = self.machine.space(&name) {
            let has_left = |seat: &Seat| seat.space == known && seat.membership.has_left();
            if self.seats.iter().any(has_left) {
                // All that it had queued was queued before this.
                self.let_go(known);
            }
        }
        // To the server a second CONNECT is a violation that ends the connection.
        if self.machine.space(&name).is_some() {
            seat.fail(JoinError::Taken);
            return false;
        }
        if self.machine.namespaces() >= self.connection.limits.namespaces {
            seat.fail(JoinError::TooMany);
            return false;
        }
        self.seats.push(seat);
        self.step(Input::Join { space, name, pid });
        true
    }

    pub(super) fn joined(&mut self, space: SpaceId, welcome: Welcome) {
        if let Some(at) = self.seats.iter().position(|seat| seat.space == space) {
            let seat = self.seats.remove(at).open(welcome, &self.connection);
            self.seats.insert(at, seat);
        }
    }

    /// Takes somebody's seat away. There will be no more answers for them.
    pub(super) fn vacate(&mut self, space: SpaceId) -> Option<Seat> {
        let at = self.seats.iter().position(|seat| seat.space == space)?;
        self.acks.forget(space);
        Some(self.seats.remove(at))
    }

    /// The end, if nobody is here any more.
    pub(super) fn deserted(&self) -> Option<CloseReason> {
        self.seats.is_empty().then_some(CloseReason::Local)
    }

    /// Lets those go who have left. With the last of them the connection ends.
    pub(super) fn look_who_left(&mut self) -> Option<CloseReason> {
        if self.seats.iter().all(|seat| seat.membership.has_left()) {
            return Some(CloseReason::Local);
        }
        if !self.seats.iter().any(|seat| seat.membership.has_left()) {
            return None;
        }
        let blocked = self.blocked().is_some();
        // What they had queued before is written before. The queue is bounded, and
        // so is how often this can be while nothing gets written: it takes the
        // server's answer to come again.
        while let Some(command) = self.commands.try_recv() {
            self.put(command);
        }
        let left: Vec<SpaceId> = self
            .seats
            .iter()
            .filter(|seat| seat.membership.has_left())
            .map(|seat| seat.space)
            .collect();
        for space in left {
            self.let_go(space);
        }
        if blocked && self.blocked().is_none() {
            return self.step(Input::Resumed);
        }
        None
    }

    fn let_go(&mut self, space: SpaceId) {
        self.step(Input::Leave(space));
        if let Some(seat) = self.vacate(space) {
            seat.end(CloseReason::Local);
        }
    }
}
