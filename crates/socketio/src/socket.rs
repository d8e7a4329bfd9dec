//! The handle of a namespace: everything one can ask of it.

use std::{fmt, sync::Arc};

use crate::{
    arguments::Arguments,
    command::{Command, Expect},
    connection::Connection,
    cookies::CookieJar,
    engine::{self, Handshake},
    error::EmitError,
    machine::{SpaceId, Welcome},
    membership::Membership,
    packet::{encode_ack, encode_event, is_reserved},
    payload,
    queue::Refused,
    recovery::Recovery,
    transports::Transport,
};
use bytes::Bytes;

mod asking;

/// A handle of a connection in one of its namespaces. Clones are cheap and speak
/// on the same connection; what they emit keeps its order. Being in the namespace
/// lasts as long as the [`SocketEvents`](crate::SocketEvents), not as long as the
/// handles.
#[derive(Clone)]
pub struct Socket {
    shared: Arc<Shared>,
}

struct Shared {
    id: String,
    pid: Option<String>,
    recovered: bool,
    namespace: String,
    space: SpaceId,
    membership: Arc<Membership>,
    connection: Arc<Connection>,
}

/// Where a handle belongs.
pub(crate) struct Place {
    pub(crate) namespace: String,
    pub(crate) space: SpaceId,
    pub(crate) membership: Arc<Membership>,
    pub(crate) connection: Arc<Connection>,
}

impl Socket {
    /// A handle for where the server has let us in. `recovery` is what was
    /// presented there.
    pub(crate) fn new(place: Place, welcome: Welcome, recovery: Option<Recovery>) -> Self {
        if welcome.pid.is_some() {
            let presented = recovery.filter(|_| welcome.recovered);
            place
                .membership
                .keeps_from(presented.map(|recovery| recovery.offset));
        }
        Self {
            shared: Arc::new(Shared {
                id: welcome.sid,
                pid: welcome.pid,
                recovered: welcome.recovered,
                namespace: place.namespace,
                space: place.space,
                membership: place.membership,
                connection: place.connection,
            }),
        }
    }

    /// The Socket.IO id of this connection in its namespace. On some servers it
    /// equals the engine's secret id, so it belongs in no log.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The namespace that it speaks in.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.shared.namespace
    }

    /// What the server said about the connection when it opened.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.shared.connection.handshake
    }

    /// Whether the server took up the state of an earlier connection again
    /// ([`ConnectOptions::recovery`](crate::ConnectOptions::recovery)): then the
    /// id is the old one, and the first events are those that were missed.
    #[must_use]
    pub fn recovered(&self) -> bool {
        self.shared.recovered
    }

    /// Whether the server offered, as it let us in, to keep the state of this
    /// connection for a while after it breaks ([`Socket::recovery`]).
    #[must_use]
    pub fn offers_recovery(&self) -> bool {
        self.shared.pid.is_some()
    }

    /// What it takes to go on here after the connection broke; also once it has.
    /// `None` where the server keeps no state, or no event with an offset came
    /// yet.
    ///
    /// It stands behind the last event that [`SocketEvents::next`] gave out, so
    /// take it when all were read that will be: those that come after it are
    /// repeated by the server. A server keeps the state of a connection that
    /// broke, not of one that was closed, and for a time of its own choosing.
    ///
    /// [`SocketEvents::next`]: crate::SocketEvents::next
    #[must_use]
    pub fn recovery(&self) -> Option<Recovery> {
        Some(Recovery {
            origin: self.shared.connection.origin.clone(),
            namespace: self.shared.namespace.clone(),
            pid: self.shared.pid.clone()?,
            offset: self.shared.membership.offset()?,
        })
    }

    /// What carries the connection now. It changes once at the most: from polling
    /// to WebSocket.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.shared.connection.ways.transport.get()
    }

    /// The cookies of the connection, for the next one
    /// ([`ConnectOptions::cookies`](crate::ConnectOptions::cookies)).
    #[must_use]
    pub fn cookies(&self) -> CookieJar {
        self.shared.connection.ways.cookies.clone()
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

    /// Leaves the namespace politely: what is queued is still written before, and
    /// nothing more is taken or delivered. With the last namespace the connection
    /// is closed, all within `close_timeout`. Returns at once; the end of the
    /// events is [`CloseReason::Local`](crate::CloseReason::Local).
    pub fn close(&self) {
        self.shared.membership.leave();
    }

    pub(crate) fn try_answer(
        &self,
        id: u64,
        args: &(impl Arguments + ?Sized),
        attachments: Vec<Bytes>,
    ) -> Result<(), EmitError> {
        self.try_queue(self.answer(id, args, attachments)?)
    }

    /// The answer to question number `id`, as it will be written.
    pub(crate) fn answer(
        &self,
        id: u64,
        args: &(impl Arguments + ?Sized),
        attachments: Vec<Bytes>,
    ) -> Result<Command, EmitError> {
        let mut text = String::from(engine::MESSAGE);
        let count = u64::try_from(attachments.len()).unwrap_or(u64::MAX);
        encode_ack(&mut text, &self.shared.namespace, id, count, args).map_err(json_error)?;
        self.command(text, attachments, Expect::Nothing)
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
        self.command(text, attachments, expect)
    }

    fn command(
        &self,
        text: String,
        attachments: Vec<Bytes>,
        expect: Expect,
    ) -> Result<Command, EmitError> {
        self.fits(text.len())?;
        attachments
            .iter()
            .try_for_each(|attachment| self.fits(self.size_of(attachment)))?;
        Ok(Command {
            space: self.shared.space,
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

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.shared.connection
    }

    pub(crate) fn fits(&self, size: usize) -> Result<(), EmitError> {
        match self.handshake().max_payload {
            Some(limit) if size > limit => Err(EmitError::TooLarge { size, limit }),
            _ => Ok(()),
        }
    }

    fn try_queue(&self, command: Command) -> Result<(), EmitError> {
        if self.shared.membership.has_left() {
            return Err(EmitError::Closed);
        }
        let bytes = command.bytes();
        self.shared
            .connection
            .commands
            .try_send(command, bytes)
            .map_err(|refused| match refused {
                Refused::Full(_) => EmitError::Full,
                Refused::Closed(_) => EmitError::Closed,
            })
    }

    pub(crate) async fn queue(&self, command: Command) -> Result<(), EmitError> {
        let slot = self.shared.connection.commands.reserve(command.bytes());
        let slot = slot.await.map_err(|_| EmitError::Closed)?;
        if self.shared.membership.has_left() {
            return Err(EmitError::Closed);
        }
        slot.put(command);
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
            .field("handshake", self.handshake())
            .field("transport", &self.transport())
            .finish_non_exhaustive()
    }
}
