//! The handle of one client in one namespace.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::sync::oneshot;

use super::{
    Frame, Full, LeaveReason, NamespaceHandle, line::Line, outbound::Outbound, rooms::Space,
};
use crate::{
    AckError, Answer, Arguments, EmitError,
    packet::{Body, Packet, is_reserved},
};

mod inner;

pub(super) use inner::WeakSocket;

/// A handle of one client in one namespace. Clones speak to the same client; none
/// of them keeps its connection alive. After it has left, what is sent to it is
/// forgotten.
#[derive(Clone)]
pub struct Socket {
    inner: Arc<Inner>,
}

struct Inner {
    number: u64,
    id: Box<str>,
    space: Arc<Space>,
    out: Arc<Outbound>,
    line: Mutex<Line>,
}

/// Who gets which number.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

impl Socket {
    pub(super) fn new(space: Arc<Space>, out: Arc<Outbound>) -> Self {
        // As long as the official server's, and as hard to guess.
        let id = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 15]>());
        Self {
            inner: Arc::new(Inner {
                number: NUMBERS.fetch_add(1, Ordering::Relaxed),
                id: id.into(),
                space,
                out,
                line: Mutex::default(),
            }),
        }
    }

    /// The Socket.IO id, which the client knows too. It has nothing in common with
    /// the engine's id, which is secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// The name of its namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.inner.space.name()
    }

    /// Its namespace, with everybody in it.
    #[must_use]
    pub fn peers(&self) -> NamespaceHandle {
        NamespaceHandle::new(Arc::clone(&self.inner.space))
    }

    /// A number that no other socket of this process has: short, for maps and logs.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.inner.number
    }

    /// Sends an event.
    ///
    /// # Errors
    /// Nothing of it was sent. [`EmitError::Full`] says that the client reads too
    /// slowly, and that its connection is cut by that.
    pub fn emit(&self, event: &str, args: &(impl Arguments + ?Sized)) -> Result<(), EmitError> {
        let frame = self.event(event, None, args)?;
        if self.has_left() {
            return Err(EmitError::Closed);
        }
        self.send(&frame).map_err(|Full| EmitError::Full)?;
        self.flush();
        Ok(())
    }

    /// Queues a frame, which [`Self::flush`] writes.
    ///
    /// # Errors
    /// Too much waits for this client: its connection is cut by that, so that it
    /// never misses something without knowing.
    pub fn send(&self, frame: &Frame) -> Result<(), Full> {
        let sent = self.line().send(frame, &self.inner.out);
        self.checked(sent)
    }

    /// Queues a frame that may be large and comes once, such as the state of everything
    /// for a client that has just joined. Until it is written it does not count
    /// for [`ServerOptions::out_bytes`](super::ServerOptions::out_bytes): otherwise whatever
    /// came behind it would cut a client that reads as fast as its network allows. That
    /// holds for one at a time; a second one counts.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_beyond(&self, frame: &Frame) -> Result<(), Full> {
        let sent = self.line().send_beyond(frame, &self.inner.out);
        self.checked(sent)
    }

    /// Writes what is queued, as far as it goes without waiting.
    pub fn flush(&self) {
        self.inner.out.flush();
    }

    /// Sends an event, at once, and waits for the client's answer. An answer that
    /// comes later than `timeout` is ignored.
    ///
    /// Not to be awaited within a call of the [`Namespace`](super::Namespace) for
    /// the same client: the answer is read only when that call has returned.
    ///
    /// # Errors
    /// There is no answer. Whether the event arrived is known only where
    /// [`AckError::Emit`] says that it was not sent. [`EmitError::Full`] also says
    /// that the client owes too many answers already.
    pub fn emit_with_ack(
        &self,
        event: &str,
        args: &(impl Arguments + ?Sized),
        timeout: Duration,
    ) -> impl Future<Output = Result<Answer, AckError>> + Send {
        // Before the future: it need not hold the arguments.
        let asked = self.ask(event, args);
        async move {
            let (_question, answer) = asked?;
            match tokio::time::timeout(timeout, answer).await {
                Ok(answer) => answer.map_err(|_| AckError::Closed),
                Err(_) => Err(AckError::TimedOut),
            }
        }
    }

    /// Lets it leave the namespace: the client is told so behind all that is
    /// queued. The connection stays for the client's other namespaces. Official
    /// clients do not come back by themselves after this; [`Self::close`] is
    /// for those that shall.
    pub fn disconnect(&self) {
        let goodbye = {
            let mut line = self.line();
            let open = line.is_open();
            // What the log has had comes before the goodbye; where there is no
            // room for it the connection ends anyway.
            let caught_up = line.catch_up(&self.inner.out);
            line.end();
            open && caught_up.is_ok()
        };
        let sent = if goodbye {
            let packet = Packet {
                namespace: self.namespace().into(),
                body: Body::Disconnect,
            };
            self.inner.out.push(&Frame::packet(&packet))
        } else {
            Ok(())
        };
        self.inner.space.remove(self.number());
        // A full queue has ended the connection, and with it the socket.
        if self.checked(sent).is_ok() {
            self.flush();
            self.inner.out.wake_upper();
        }
    }

    /// Closes the whole connection, once what is queued is written. The client's
    /// other namespaces end with it.
    pub fn close(&self) {
        if self.catch_up() {
            self.inner.out.close(LeaveReason::ServerLeft);
        }
    }

    /// Breaks the connection now; what is queued is lost.
    pub fn cut(&self) {
        self.inner.out.cut(LeaveReason::Cut);
    }

    /// How many bytes wait to be written to its connection.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.inner.out.queued()
    }

    /// Waits until all that is queued is written, or the connection is over.
    pub fn drained(&self) -> impl Future<Output = ()> + Send + use<> {
        let out = Arc::clone(&self.inner.out);
        async move { out.drained().await }
    }

    fn event(
        &self,
        name: &str,
        ack: Option<u64>,
        args: &(impl Arguments + ?Sized),
    ) -> Result<Frame, EmitError> {
        if is_reserved(name) {
            return Err(EmitError::Reserved);
        }
        Frame::event(self.namespace(), ack, name, args)
            .map_err(|error| EmitError::Json(error.to_string()))
    }

    fn ask(
        &self,
        event: &str,
        args: &(impl Arguments + ?Sized),
    ) -> Result<(Question, oneshot::Receiver<Answer>), EmitError> {
        let (id, answer) = {
            let mut line = self.line();
            let acks = line.acks().ok_or(EmitError::Closed)?;
            acks.ask().ok_or(EmitError::Full)?
        };
        let socket = self.clone();
        let question = Question { socket, id };
        let frame = self.event(event, Some(id), args)?;
        self.send(&frame).map_err(|Full| EmitError::Full)?;
        self.flush();
        Ok((question, answer))
    }

    fn checked<T>(&self, sent: Result<T, Full>) -> Result<T, Full> {
        if sent.is_err() {
            self.inner.out.cut(LeaveReason::SlowReader);
        }
        sent
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing that is done under the lock leaves it half done.
        let line = self.inner.line.lock();
        line.unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits for an answer, and takes its place back when it stops waiting.
struct Question {
    socket: Socket,
    id: u64,
}

impl Drop for Question {
    fn drop(&mut self) {
        if let Some(acks) = self.socket.line().acks() {
            acks.forget(self.id);
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("number", &self.inner.number)
            .field("namespace", &self.namespace())
            .finish_non_exhaustive()
    }
}

impl PartialEq for Socket {
    /// Whether both speak to the same client in the same namespace.
    fn eq(&self, other: &Self) -> bool {
        self.inner.number == other.inner.number
    }
}

impl Eq for Socket {}
