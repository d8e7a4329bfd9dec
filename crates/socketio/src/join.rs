//! Further namespaces on a connection that is open.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::{
    command::{Command, Expect},
    error::EmitError,
    event::{Ending, SocketEvent, SocketEvents},
    fence,
    machine::text,
    membership::Membership,
    packet::Body,
    queue::{self, queue},
    recovery::{Recovery, presented},
    socket::Socket,
};

/// How to join one more namespace.
#[derive(Clone)]
#[non_exhaustive]
pub struct JoinOptions {
    /// What to tell the server about oneself: a JSON object.
    pub auth: Option<Box<RawValue>>,
    /// What to go on with; ignored where it is of another server or namespace.
    pub recovery: Option<Recovery>,
    /// For everything until one is let in; 10 s by default.
    pub timeout: Duration,
}

impl Default for JoinOptions {
    fn default() -> Self {
        Self {
            auth: None,
            recovery: None,
            timeout: Duration::from_secs(10),
        }
    }
}

impl fmt::Debug for JoinOptions {
    /// Shows that there is an `auth`, never what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinOptions")
            .field("auth", &self.auth.as_ref().map(|_| "…"))
            .field("recovery", &self.recovery)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// Why a namespace was not joined. The connection and its other namespaces are
/// as they were.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The name does not start with `/`, holds a comma or is too long, or it is
    /// one of those that fences and probes use.
    #[error("no proper name for a namespace")]
    Name,
    /// What one wants to say of oneself is no JSON object. Servers end the whole
    /// connection for that.
    #[error("auth is no object")]
    Auth,
    /// It is joined already, on this connection, or an attempt that was given up
    /// is not answered yet.
    #[error("the namespace is taken")]
    Taken,
    /// More namespaces than the limit allows
    /// ([`Limits::namespaces`](crate::Limits::namespaces)).
    #[error("too many namespaces")]
    TooMany,
    /// The CONNECT was not sent.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The server does not let us in.
    #[error("refused: {message}")]
    Refused {
        /// The server's own words.
        message: String,
        /// What it added.
        data: Option<Box<RawValue>>,
    },
    /// No answer within the time.
    #[error("no answer in time")]
    TimedOut,
    /// More events came before the answer than the queue of events may hold.
    #[error("too many events before the answer")]
    Flooded,
    /// The connection closed first.
    #[error("the connection closed before the answer")]
    Closed,
}

impl fmt::Debug for JoinError {
    /// The words of [`Display`](fmt::Display); `data` is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

/// What the task needs to know of whoever wants to join.
pub(crate) struct Joiner {
    pub(crate) namespace: String,
    pub(crate) recovery: Option<Recovery>,
    pub(crate) events: queue::Sender<SocketEvent>,
    pub(crate) ending: oneshot::Sender<Ending>,
    pub(crate) membership: Arc<Membership>,
    pub(crate) answer: oneshot::Sender<Result<Socket, JoinError>>,
}

impl Socket {
    /// Joins one more namespace over this connection. Each has a queue of events
    /// of its own, answers of its own, and an end of its own; what all of them
    /// emit shares one queue, and keeps its order. While one reader lets its queue
    /// run full, nothing is read for any of them.
    ///
    /// Leaving one ([`Socket::close`], or dropping its events) leaves the others,
    /// and with the last one the connection is closed.
    ///
    /// Dropping the future gives the attempt up. Until the server has answered
    /// it all the same, the namespace is [`Taken`](JoinError::Taken).
    ///
    /// # Errors
    /// It was not joined, and the rest is as it was.
    pub async fn join(
        &self,
        namespace: &str,
        options: JoinOptions,
    ) -> Result<(Self, SocketEvents), JoinError> {
        let connection = self.connection();
        let limits = connection.limits;
        let proper = namespace.starts_with('/')
            && namespace.len() <= limits.name_bytes
            && !namespace.contains(',')
            && !fence::is_ours(namespace);
        if !proper {
            return Err(JoinError::Name);
        }
        let is_object = |auth: &RawValue| auth.get().starts_with('{');
        if !options.auth.as_deref().is_none_or(is_object) {
            return Err(JoinError::Auth);
        }
        let space = connection.number_space();
        let recovery = options
            .recovery
            .filter(|recovery| recovery.is_for(&connection.origin, namespace));
        let auth = presented(options.auth, recovery.as_ref());
        let text = text(namespace, Body::Connect(auth));
        let (events, reader) = queue(limits.queued_events, limits.queued_event_bytes);
        let (ending, end) = oneshot::channel();
        let (answer, answered) = oneshot::channel();
        let membership = Arc::new(Membership::new(Arc::clone(&connection.attention)));
        // Dropped with this future, it tells the task that nobody waits any more.
        let events_of_ours = SocketEvents::new(reader, end, Arc::clone(&membership));
        let joiner = Box::new(Joiner {
            namespace: namespace.to_owned(),
            recovery,
            events,
            ending,
            membership,
            answer,
        });
        self.fits(text.len())?;
        let join = async {
            self.queue(Command {
                space,
                text,
                attachments: Vec::new(),
                expect: Expect::Welcome(joiner),
            })
            .await?;
            answered.await.unwrap_or(Err(JoinError::Closed))
        };
        let socket = tokio::time::timeout(options.timeout, join)
            .await
            .unwrap_or(Err(JoinError::TimedOut))?;
        Ok((socket, events_of_ours))
    }
}
