//! What waits for its commit.

use tokio::sync::oneshot;

use super::{
    ConnectionId,
    command::{Ask, Join},
    message::Sent,
    receipts::Reached,
    sign_in::Entering,
};
use crate::storage::Write;

/// What is to be committed together, and what is done once it is.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) kind: Option<Kind>,
    pub(super) writes: Vec<Write>,
    pub(super) steps: Vec<Step>,
    pub(super) joins: Vec<Join>,
    /// Somebody is about to be forgotten.
    pub(super) leaves: bool,
}

/// What may be pending together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Messages and receipts: they write to inboxes.
    Chat,
    /// Those who come, and what is read for them.
    Reading,
}

/// What is done after the commit. The first ones have a write each.
pub(super) enum Step {
    Sent(Sent),
    Reached(Reached),
    Entering(Box<Entering>),
    /// A write of which nobody has to hear.
    Stored,
    Fence {
        connection: ConnectionId,
        answer: oneshot::Sender<()>,
    },
    Ask(Box<Ask>),
    Leave(ConnectionId),
}

/// Somebody who waits until what they caused is done and on its way: then the two
/// do not get in each other's way at the socket.
pub(super) enum Finished {
    Joined(oneshot::Sender<()>),
    Asked(oneshot::Sender<u64>, u64),
}

/// Why something was not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotStored;

impl Step {
    pub(super) fn has_write(&self) -> bool {
        matches!(
            self,
            Self::Sent(_) | Self::Reached(_) | Self::Entering(_) | Self::Stored
        )
    }
}
