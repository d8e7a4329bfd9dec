//! What a handle asks of the task.

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{ack::Answer, fence, join::Joiner, machine::SpaceId};

/// What the task is asked to write, and what to do when it does.
pub(crate) struct Command {
    /// Whose it is. Once that namespace is left, it is not written any more.
    pub(crate) space: SpaceId,
    pub(crate) text: String,
    pub(crate) attachments: Vec<Bytes>,
    pub(crate) expect: Expect,
}

/// What a written packet leads to.
pub(crate) enum Expect {
    Nothing,
    Answer {
        id: u64,
        caller: oneshot::Sender<Answer>,
    },
    /// To be let into a namespace.
    Welcome(Box<Joiner>),
    Fence {
        number: u64,
        pending: fence::Pending,
    },
}

impl Command {
    /// What the command takes up in the queue, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }
}
