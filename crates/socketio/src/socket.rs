//! The handle of a connection: everything one can ask of it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{
    ack::{Answer, Asked},
    arguments::Arguments,
    command::{Command, Expect},
    cookies::CookieJar,
    engine::{self, Handshake},
    error::{AckError, EmitError},
    fence::{self, FenceAnswer},
    packet::{Body, Packet, encode_ack, encode_event, is_reserved},
    payload,
    queue::{self, Refused},
    transports::{Current, Transport},
};

/// A handle of a connection. Clones are cheap and speak on the same connection;
/// what one of them emits keeps its order. The connection lives as long as its
/// [`SocketEvents`](crate::SocketEvents), not as long as its handles.
#[derive(Clone)]
pub struct Socket {
    shared: Arc<Shared>,
}

struct Shared {
    id: String,
    namespace: String,
    handshake: Handshake,
    transport: Current,
    cookies: CookieJar,
    commands: queue::Sender<Command>,
    close: Arc<Notify>,
    callers: Arc<Semaphore>,
    fences: Arc<Semaphore>,
    next_ack: AtomicU64,
    next_fence: AtomicU64,
}

/// What a handle is made of.
pub(crate) struct Parts {
    pub(crate) id: String,
    pub(crate) namespace: String,
    pub(crate) handshake: Handshake,
    pub(crate) transport: Current,
    pub(crate) cookies: CookieJar,
    pub(crate) commands: queue::Sender<Command>,
    pub(crate) close: Arc<Notify>,
    pub(crate) callers: usize,
    pub(crate) fences: usize,
}

impl Socket {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            shared: Arc::new(Shared {
                id: parts.id,
                namespace: parts.namespace,
                handshake: parts.handshake,
                transport: parts.transport,
                cookies: parts.cookies,
                commands: parts.commands,
                close: parts.close,
                callers: Arc::new(Semaphore::new(
                    parts.callers.clamp(1, Semaphore::MAX_PERMITS),
                )),
                fences: Arc::new(Semaphore::new(
                    parts.fences.clamp(1, Semaphore::MAX_PERMITS),
                )),
                next_ack: AtomicU64::new(0),
                next_fence: AtomicU64::new(0),
            }),
        }
    }

    /// The Socket.IO id of this connection in its namespace. On some servers it
    /// equals the engine's secret id, so it belongs in no log.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// What the server said about the connection when it opened.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.shared.handshake
    }

    /// What carries the connection now. It changes once at the most: from polling
    /// to WebSocket.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.shared.transport.get()
    }

    /// The cookies of the connection, for the next one
    /// ([`ConnectOptions::cookies`](crate::ConnectOptions::cookies)).
    #[must_use]
    pub fn cookies(&self) -> CookieJar {
        self.shared.cookies.clone()
    }

    /// Queues an event without waiting.
    ///
    /// # Errors
    /// It was not taken, and nothing of it is sent.
    pub fn try_emit(&self, event: &str, args: &(impl Arguments + ?Sized)) -> Result<(), EmitError> {
        self.try_emit_with_attachments(event, args, Vec::new())
    }

    /// As [`Self::try_emit`], with binary attachments where the arguments hold a
    /// [`Placeholder`](crate::Placeholder).
    ///
    /// # Errors
    /// As [`Self::try_emit`]. The server's limit holds for each attachment alone.
    pub fn try_emit_with_attachments(
        &self,
        event: &str,
        args: &(impl Arguments + ?Sized),
        attachments: Vec<Bytes>,
    ) -> Result<(), EmitError> {
        self.try_queue(self.event(event, args, None, attachments, Expect::Nothing)?)
    }

    /// Queues an event, and waits for room where there is none.
    ///
    /// # Errors
    /// It was not taken, and nothing of it is sent. Never [`EmitError::Full`].
    pub async fn emit(
        &self,
        event: &str,
        args: &(impl Arguments + ?Sized),
    ) -> Result<(), EmitError> {
        self.queue(self.event(event, args, None, Vec::new(), Expect::Nothing)?)
            .await
    }

    /// Queues an event and waits for the server's answer. `timeout` is for both
    /// together. An answer that comes later is ignored.
    ///
    /// # Errors
    /// There is no answer. Whether the event arrived is known only where
    /// [`AckError::Emit`] says that it was not even taken.
    pub async fn emit_with_ack(
        &self,
        event: &str,
        args: &(impl Arguments + ?Sized),
        timeout: Duration,
    ) -> Result<Answer, AckError> {
        let id = self.shared.next_ack.fetch_add(1, Ordering::Relaxed);
        let (caller, answer) = oneshot::channel();
        let expect = Expect::Answer { id, caller };
        let command = self.event(event, args, Some(id), Vec::new(), expect)?;
        let ask = async {
            let _turn = self
                .shared
                .callers
                .acquire()
                .await
                .map_err(|_| AckError::Closed)?;
            self.queue(command).await?;
            answer.await.map_err(|_| AckError::Closed)
        };
        tokio::time::timeout(timeout, ask)
            .await
            .unwrap_or(Err(AckError::TimedOut))
    }

    /// Queues an event without waiting, and leaves the answer to be waited for:
    /// the order is that of the calls.
    ///
    /// # Errors
    /// As [`Self::try_emit`], or too many answers are waited for
    /// ([`Limits::acks`](crate::Limits::acks)). Nothing was sent.
    pub fn try_ask(
        &self,
        event: &str,
        args: &(impl Arguments + ?Sized),
    ) -> Result<Asked, EmitError> {
        let turn = Arc::clone(&self.shared.callers)
            .try_acquire_owned()
            .map_err(|_| EmitError::Full)?;
        let id = self.shared.next_ack.fetch_add(1, Ordering::Relaxed);
        let (caller, answer) = oneshot::channel();
        let expect = Expect::Answer { id, caller };
        self.try_queue(self.event(event, args, Some(id), Vec::new(), expect)?)?;
        Ok(Asked { answer, turn })
    }

    /// Asks for proof that everything queued before has arrived: the receiver
    /// gets the answer, or an error when the connection closes first. It has no
    /// time-out: a server that does not know of namespaces never answers.
    ///
    /// # Errors
    /// The fence was not sent: the queue is full, too many fences are unanswered
    /// ([`Limits::fences`](crate::Limits::fences)), or the connection is closed.
    pub fn try_fence(&self) -> Result<oneshot::Receiver<FenceAnswer>, EmitError> {
        let permit = self.fence_permit()?;
        let number = self.shared.next_fence.fetch_add(1, Ordering::Relaxed);
        let (caller, answer) = oneshot::channel();
        self.try_queue(Command {
            text: fence::raise(number),
            attachments: Vec::new(),
            expect: Expect::Fence {
                number,
                pending: fence::Pending { caller, permit },
            },
        })?;
        Ok(answer)
    }

    /// Closes the connection politely: what is queued is still written, then the
    /// namespace is left and the WebSocket closed, all within `close_timeout`.
    /// Nothing more is taken or delivered. Returns at once; the end of the
    /// events is [`CloseReason::Local`](crate::CloseReason::Local).
    pub fn close(&self) {
        self.shared.close.notify_one();
    }

    /// The DISCONNECT from our namespace, as a text frame.
    pub(crate) fn leave(&self) -> String {
        let mut text = String::from(engine::MESSAGE);
        let namespace = self.shared.namespace.as_str().into();
        Packet {
            namespace,
            body: Body::Disconnect,
        }
        .encode_into(&mut text);
        text
    }

    pub(crate) fn try_answer(
        &self,
        id: u64,
        args: &(impl Arguments + ?Sized),
    ) -> Result<(), EmitError> {
        let mut text = String::from(engine::MESSAGE);
        encode_ack(&mut text, &self.shared.namespace, id, 0, args).map_err(json_error)?;
        self.fits(text.len())?;
        self.try_queue(Command {
            text,
            attachments: Vec::new(),
            expect: Expect::Nothing,
        })
    }

    fn event(
        &self,
        name: &str,
        args: &(impl Arguments + ?Sized),
        ack: Option<u64>,
        attachments: Vec<Bytes>,
        expect: Expect,
    ) -> Result<Command, EmitError> {
        if is_reserved(name) {
            return Err(EmitError::Reserved);
        }
        let mut text = String::from(engine::MESSAGE);
        let count = u64::try_from(attachments.len()).unwrap_or(u64::MAX);
        encode_event(&mut text, &self.shared.namespace, ack, count, name, args)
            .map_err(json_error)?;
        self.fits(text.len())?;
        attachments
            .iter()
            .try_for_each(|attachment| self.fits(self.size_of(attachment)))?;
        Ok(Command {
            text,
            attachments,
            expect,
        })
    }

    /// What an attachment takes up on its way. (It is on WebSocket, then, if that
    /// changes meanwhile, where it takes up less.)
    fn size_of(&self, attachment: &Bytes) -> usize {
        match self.transport() {
            Transport::WebSocket => attachment.len(),
            Transport::Polling => payload::binary_size(attachment.len()),
        }
    }

    fn fits(&self, size: usize) -> Result<(), EmitError> {
        match self.shared.handshake.max_payload {
            Some(limit) if size > limit => Err(EmitError::TooLarge { size, limit }),
            _ => Ok(()),
        }
    }

    fn fence_permit(&self) -> Result<OwnedSemaphorePermit, EmitError> {
        Arc::clone(&self.shared.fences)
            .try_acquire_owned()
            .map_err(|_| EmitError::Full)
    }

    fn try_queue(&self, command: Command) -> Result<(), EmitError> {
        let bytes = command.bytes();
        self.shared
            .commands
            .try_send(command, bytes)
            .map_err(|refused| match refused {
                Refused::Full(_) => EmitError::Full,
                Refused::Closed(_) => EmitError::Closed,
            })
    }

    async fn queue(&self, command: Command) -> Result<(), EmitError> {
        let slot = self.shared.commands.reserve(command.bytes()).await;
        slot.map_err(|_| EmitError::Closed)?.put(command);
        Ok(())
    }
}

fn json_error(error: serde_json::Error) -> EmitError {
    EmitError::Json(error.to_string())
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("namespace", &self.shared.namespace)
            .field("handshake", &self.shared.handshake)
            .field("transport", &self.transport())
            .finish_non_exhaustive()
    }
}
