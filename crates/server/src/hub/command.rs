//! What the hub is asked, and the handle to ask it.

use parlour_protocol::{ConnectAuth, OutgoingMessage, SessionId, UserId, Username};
use tokio::sync::{mpsc, oneshot};

use super::{ConnectionId, Outlet};

/// Who somebody turned out to be. A new session is stored only once its
/// connection joins: an attempt that dies halfway leaves no user behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The secret, known or new.
    pub(crate) session_id: SessionId,
    /// The user.
    pub(crate) user_id: UserId,
    /// The name to be stored with a new session; `None` resumes a known one.
    pub(crate) newcomer: Option<Username>,
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignInError {
    /// No known session and no name that can be one. Final.
    Refused,
    /// The storage failed or the server is ending. To be tried again.
    Unavailable,
}

/// The hub has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HubGone;

/// How the hub ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// Leave everything in one file; not after a simulated crash.
    pub(crate) checkpoint: bool,
}

/// One thing for the hub to do.
pub(crate) enum Command {
    SignIn {
        auth: ConnectAuth,
        answer: oneshot::Sender<Result<Identity, SignInError>>,
    },
    Join {
        connection: ConnectionId,
        identity: Identity,
        outlet: Box<dyn Outlet>,
    },
    Message {
        connection: ConnectionId,
        message: OutgoingMessage,
    },
    Fence {
        connection: ConnectionId,
        answer: oneshot::Sender<()>,
    },
    Leave {
        connection: ConnectionId,
    },
    Stop(Stop),
}

/// Asks the hub. Every call waits while the queue is full: that is the
/// back-pressure that ends at the sockets.
#[derive(Clone, Debug)]
pub(crate) struct HubHandle {
    commands: mpsc::Sender<Command>,
}

impl HubHandle {
    pub(super) fn new(commands: mpsc::Sender<Command>) -> Self {
        Self { commands }
    }

    /// Who is this?
    pub(crate) async fn sign_in(&self, auth: ConnectAuth) -> Result<Identity, SignInError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Command::SignIn { auth, answer })
            .await
            .map_err(|HubGone| SignInError::Unavailable)?;
        answered.await.unwrap_or(Err(SignInError::Unavailable))
    }

    /// A connection is ready: it gets `session` and `users`, then the events.
    pub(crate) async fn join(
        &self,
        connection: ConnectionId,
        identity: Identity,
        outlet: Box<dyn Outlet>,
    ) -> Result<(), HubGone> {
        self.ask(Command::Join {
            connection,
            identity,
            outlet,
        })
        .await
    }

    /// A connection said something.
    pub(crate) async fn message(
        &self,
        connection: ConnectionId,
        message: OutgoingMessage,
    ) -> Result<(), HubGone> {
        self.ask(Command::Message {
            connection,
            message,
        })
        .await
    }

    /// `answer` comes once everything before is committed. It is dropped if
    /// something of this connection could not be.
    pub(crate) async fn fence(
        &self,
        connection: ConnectionId,
        answer: oneshot::Sender<()>,
    ) -> Result<(), HubGone> {
        self.ask(Command::Fence { connection, answer }).await
    }

    /// A connection is gone.
    pub(crate) async fn leave(&self, connection: ConnectionId) -> Result<(), HubGone> {
        self.ask(Command::Leave { connection }).await
    }

    /// Ends the hub after everything that is queued.
    pub(crate) async fn stop(&self, stop: Stop) -> Result<(), HubGone> {
        self.ask(Command::Stop(stop)).await
    }

    /// Waits until the hub has ended.
    pub(crate) async fn ended(&self) {
        self.commands.closed().await;
    }

    async fn ask(&self, command: Command) -> Result<(), HubGone> {
        self.commands.send(command).await.map_err(|_| HubGone)
    }
}
