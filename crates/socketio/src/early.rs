//! What arrives in a namespace before the server has let us in.
//!
//! Servers repeat what a recovered connection missed then, which may be a lot;
//! others have no reason to send anything. Nobody can read it yet, so it cannot be
//! held back: it is bounded instead.

use std::vec::IntoIter;

use crate::machine::Incoming;

/// Early events, up to a weight.
pub(crate) struct Early {
    events: Vec<Incoming>,
    room: usize,
}

impl Early {
    /// For as many bytes as may wait for a reader.
    pub(crate) fn new(room: usize) -> Self {
        Self {
            events: Vec::new(),
            room,
        }
    }

    /// Takes one more. `false`: there is no room for it, and it is lost.
    #[must_use]
    pub(crate) fn push(&mut self, incoming: Incoming) -> bool {
        match self.room.checked_sub(incoming.weight()) {
            Some(room) => {
                self.room = room;
                self.events.push(incoming);
                true
            }
            None => false,
        }
    }
}

impl IntoIterator for Early {
    type Item = Incoming;
    type IntoIter = IntoIter<Incoming>;

    fn into_iter(self) -> Self::IntoIter {
        self.events.into_iter()
    }
}
