//! The namespaces of one connection.
//!
//! ```text
//!   CONNECT sent        CONNECT answered           41, either way
//! ──────────────▶ Joining ────────────────▶ Open ─────────────────▶ gone
//!                  │   │ CONNECT_ERROR ──────────────────────────────▲
//!          given up│   └─────────────────────────────────────────────┤
//!                  ▼                                                 │
//!              Abandoned ── answered: 41 is sent, or CONNECT_ERROR ──┘
//! ```
//! Whoever gives up waiting cannot take its CONNECT back: to the official server,
//! a DISCONNECT from where one is not yet is a violation that ends the connection.

use std::collections::VecDeque;

/// How many names of namespaces that were left are remembered.
const LEFT: usize = 64;

/// The number of a namespace within its connection, never used again.
pub(crate) type SpaceId = u64;

/// The namespace with which a connection begins.
pub(crate) const FIRST: SpaceId = 0;

/// A namespace that is joined, or being joined.
pub(super) struct Space {
    pub(super) id: SpaceId,
    pub(super) name: String,
    pub(super) state: SpaceState,
    /// The private id under which our state is to be recovered.
    pub(super) pid: Option<String>,
    /// Whether what comes before the answer to CONNECT is for us.
    pub(super) early: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpaceState {
    Joining,
    Open,
    Abandoned,
}

/// The namespaces of one connection: few, and nearly always one, so that to look
/// one up is to compare its name.
pub(super) struct Spaces {
    joined: Vec<Space>,
    left: VecDeque<String>,
}

impl Spaces {
    pub(super) fn new(first: Space) -> Self {
        Self {
            joined: vec![first],
            left: VecDeque::new(),
        }
    }

    /// Adds one that is being joined. What a server said to us in a namespace
    /// that we have left may still arrive, and is not said to who joins it anew;
    /// only what is recovered comes before the answer to CONNECT.
    pub(super) fn add(&mut self, id: SpaceId, name: String, pid: Option<String>) {
        let early = pid.is_some() || !self.left.contains(&name);
        self.joined.push(Space {
            id,
            name,
            state: SpaceState::Joining,
            pid,
            early,
        });
    }

    pub(super) fn named(&mut self, name: &str) -> Option<&mut Space> {
        self.joined.iter_mut().find(|space| space.name == name)
    }

    pub(super) fn with(&mut self, id: SpaceId) -> Option<&mut Space> {
        self.joined.iter_mut().find(|space| space.id == id)
    }

    pub(super) fn remove(&mut self, id: SpaceId) {
        let Some(at) = self.joined.iter().position(|space| space.id == id) else {
            return;
        };
        let space = self.joined.remove(at);
        if !self.left.contains(&space.name) {
            if self.left.len() == LEFT {
                self.left.pop_front();
            }
            self.left.push_back(space.name);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.joined.len()
    }

    /// The names of those that are open.
    pub(super) fn open(&self) -> impl Iterator<Item = &str> {
        let open = |space: &&Space| space.state == SpaceState::Open;
        self.joined.iter().filter(open).map(|space| &*space.name)
    }

    /// Whether nobody is anywhere any more, nor on the way.
    pub(super) fn deserted(&self) -> bool {
        let waits = |space: &Space| space.state != SpaceState::Abandoned;
        !self.joined.iter().any(waits)
    }

    /// Who is told of what cannot be read: the one who is here longest.
    pub(super) fn eldest(&self) -> SpaceId {
        self.joined.first().map_or(FIRST, |space| space.id)
    }
}
