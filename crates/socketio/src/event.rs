//! What a connection tells its reader.

use std::{collections::VecDeque, fmt, sync::Arc};

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::{
    arguments::Arguments,
    error::{CloseReason, EmitError},
    machine::Incoming,
    membership::Membership,
    packet::DecodeError,
    queue, recovery,
    socket::Socket,
};

/// What a connection tells its reader.
#[derive(Debug)]
pub enum SocketEvent {
    /// The server said something.
    Event(Event),
    /// The server sent something that is no packet. It is skipped and the
    /// connection lives on.
    Undecodable(Undecodable),
    /// It is over. Always the last.
    Closed(CloseReason),
}

/// What an event weighs in the queue besides its bytes.
const OVERHEAD: usize = 128;
/// What each of its arguments and attachments weighs besides its bytes.
const PART: usize = 48;

impl SocketEvent {
    /// What the machine brought up, for the reader of this socket.
    pub(crate) fn new(incoming: Incoming, socket: &Socket) -> Self {
        match incoming {
            Incoming::Event {
                name,
                args,
                attachments,
                ack,
            } => Self::Event(Event {
                name,
                args,
                attachments,
                ack: ack.map(|id| AckReply {
                    socket: socket.clone(),
                    id,
                }),
            }),
            Incoming::Undecodable { error, bytes } => {
                tracing::debug!(%error, bytes, "undecodable packet");
                Self::Undecodable(Undecodable { error, bytes })
            }
        }
    }

    /// What the event takes up in the queue, in bytes.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Event(event) => weight(&event.name, &event.args, &event.attachments),
            Self::Undecodable(_) | Self::Closed(_) => OVERHEAD,
        }
    }
}

impl Incoming {
    /// What it would take up in the queue, in bytes.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Event {
                name,
                args,
                attachments,
                ..
            } => weight(name, args, attachments),
            Self::Undecodable { .. } => OVERHEAD,
        }
    }
}

fn weight(name: &str, args: &[Box<RawValue>], attachments: &[Bytes]) -> usize {
    let args_bytes: usize = args.iter().map(|arg| arg.get().len()).sum();
    let attached: usize = attachments.iter().map(Bytes::len).sum();
    OVERHEAD + name.len() + args_bytes + attached + PART * (args.len() + attachments.len())
}

/// An event from the server.
pub struct Event {
    /// What happened.
    pub name: String,
    /// With what: each argument in its own JSON, well formed, lone surrogates
    /// repaired, of any depth.
    pub args: Vec<Box<RawValue>>,
    /// What the [`Placeholder`](crate::Placeholder)s in the arguments stand for.
    pub attachments: Vec<Bytes>,
    /// Where the server expects an answer.
    pub ack: Option<AckReply>,
}

impl fmt::Debug for Event {
    /// Shows how much there is, not what: arguments may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name)
            .field("args", &self.args.len())
            .field("attachments", &self.attachments.len())
            .field("ack", &self.ack.is_some())
            .finish()
    }
}

/// A packet that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecodable {
    /// Why.
    pub error: DecodeError,
    /// The size in bytes of the frame with which that became clear.
    pub bytes: usize,
}

/// The way to answer one event. Dropping it leaves the server without an answer.
pub struct AckReply {
    pub(crate) socket: Socket,
    pub(crate) id: u64,
}

impl AckReply {
    /// Queues the answer without waiting.
    ///
    /// # Errors
    /// As [`Socket::try_emit`]; the server then gets no answer. Whoever must
    /// answer even while the queue is full takes [`Self::send_waiting`].
    pub fn send(self, args: &(impl Arguments + ?Sized)) -> Result<(), EmitError> {
        self.send_with_attachments(args, Vec::new())
    }

    /// As [`Self::send`], with binary attachments where the arguments hold a
    /// [`Placeholder`](crate::Placeholder).
    ///
    /// # Errors
    /// As [`Self::send`]. The server's limit holds for each attachment alone.
    pub fn send_with_attachments(
        self,
        args: &(impl Arguments + ?Sized),
        attachments: Vec<Bytes>,
    ) -> Result<(), EmitError> {
        self.socket.try_answer(self.id, args, attachments)
    }

    /// Queues the answer, and waits for room where there is none.
    ///
    /// # Errors
    /// As [`Self::send_with_attachments`]. Never [`EmitError::Full`].
    pub async fn send_waiting(
        self,
        args: &(impl Arguments + ?Sized),
        attachments: Vec<Bytes>,
    ) -> Result<(), EmitError> {
        let answer = self.socket.answer(self.id, args, attachments)?;
        self.socket.queue(answer).await
    }
}

impl fmt::Debug for AckReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckReply")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// How a connection ended, and what its reader had no room for then.
pub(crate) struct Ending {
    pub(crate) undelivered: VecDeque<SocketEvent>,
    pub(crate) reason: CloseReason,
}

/// The reader's end of a namespace. Dropping it leaves the namespace, and closes
/// the connection with the last one.
///
/// The queue behind it is bounded, in events and in bytes. While it is full the
/// transport is not read at all, so that the server feels it, and its pings wait
/// unread with everything else: a server ends the connection of a reader that
/// stalls for longer than its ping time-out. Silence of the server does not count
/// against it in the meantime.
pub struct SocketEvents {
    queue: queue::Receiver<SocketEvent>,
    ending: Option<oneshot::Receiver<Ending>>,
    last: VecDeque<SocketEvent>,
    membership: Arc<Membership>,
}

impl SocketEvents {
    pub(crate) fn new(
        queue: queue::Receiver<SocketEvent>,
        ending: oneshot::Receiver<Ending>,
        membership: Arc<Membership>,
    ) -> Self {
        Self {
            queue,
            ending: Some(ending),
            last: VecDeque::new(),
            membership,
        }
    }

    /// The next thing to know; [`SocketEvent::Closed`] is the last, then `None`.
    /// Giving up waiting loses nothing.
    pub async fn next(&mut self) -> Option<SocketEvent> {
        let next = self.receive().await;
        if self.membership.is_kept()
            && let Some(SocketEvent::Event(event)) = &next
            // As with the official client: an event that wants an answer has none.
            && event.ack.is_none()
            && let Some(offset) = recovery::offset(&event.args)
        {
            self.membership.got(offset);
        }
        next
    }

    async fn receive(&mut self) -> Option<SocketEvent> {
        if let Some(event) = self.queue.recv().await {
            return Some(event);
        }
        if let Some(ending) = &mut self.ending {
            let (undelivered, reason) = match ending.await {
                Ok(ending) => (ending.undelivered, ending.reason),
                // The task went down with its runtime.
                Err(_) => (VecDeque::new(), CloseReason::TransportClosed),
            };
            self.ending = None;
            self.last = undelivered;
            self.last.push_back(SocketEvent::Closed(reason));
        }
        self.last.pop_front()
    }
}

impl Drop for SocketEvents {
    fn drop(&mut self) {
        self.membership.leave();
    }
}

impl fmt::Debug for SocketEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketEvents").finish_non_exhaustive()
    }
}
