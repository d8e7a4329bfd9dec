//! The handle to ask the hub.

use tokio::sync::{mpsc, oneshot};

use super::{
    ConnectionId,
    command::{Account, Ask, Command, Join, Message, SignIn, SignInError, SignedIn, Stop, Way},
};
use crate::{
    admin::{AdminAnswer, AdminCommand, AdminError},
    admission::Skeleton,
    identity::SessionHash,
    storage::StorageError,
};
use parlour_protocol::UserId;

/// The hub has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HubGone;

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

    /// Whose is this name?
    pub(crate) async fn look(&self, skeleton: Skeleton) -> Result<Option<Account>, SignInError> {
        let (answer, answered) = oneshot::channel();
        let skeleton = Box::new(skeleton);
        self.ask(Command::Look { skeleton, answer }).await?;
        answered.await.unwrap_or(Err(SignInError::Unavailable))
    }

    /// May this connection be somebody's? If so it must [join](Self::join) or
    /// [leave](Self::leave).
    pub(crate) async fn sign_in(
        &self,
        connection: ConnectionId,
        client: String,
        session: SessionHash,
        way: Way,
    ) -> Result<SignedIn, SignInError> {
        let (answer, answered) = oneshot::channel();
        let sign_in = SignIn {
            connection,
            client,
            session,
            way,
            answer,
        };
        self.ask(Command::SignIn(Box::new(sign_in))).await?;
        answered.await.unwrap_or(Err(SignInError::Unavailable))
    }

    /// A connection is ready: it gets `session` and `users`, then the events.
    /// `make` is given the sender for [`Join::answer`].
    pub(crate) async fn join(
        &self,
        make: impl FnOnce(oneshot::Sender<()>) -> Join,
    ) -> Result<(), HubGone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Command::Join(Box::new(make(answer)))).await?;
        answered.await.map_err(|_| HubGone)
    }

    /// A connection said something.
    pub(crate) async fn message(&self, message: Message) -> Result<(), HubGone> {
        self.ask(Command::Message(message)).await
    }

    /// A connection asks something; returns when its answer is queued, and how
    /// many sessions ended by it. `make` is given the sender for [`Ask::done`].
    pub(crate) async fn request(
        &self,
        make: impl FnOnce(oneshot::Sender<u64>) -> Ask,
    ) -> Result<u64, HubGone> {
        let (done, is_done) = oneshot::channel();
        self.ask(Command::Ask(Box::new(make(done)))).await?;
        is_done.await.map_err(|_| HubGone)
    }

    /// Somebody is writing.
    pub(crate) async fn typing(&self, connection: ConnectionId, to: UserId) -> Result<(), HubGone> {
        self.ask(Command::Typing { connection, to }).await
    }

    /// Returns once everything before is committed.
    ///
    /// # Errors
    /// Something of this connection could not be, or never will be.
    pub(crate) async fn fence(&self, connection: ConnectionId) -> Result<(), HubGone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Command::Fence { connection, answer }).await?;
        answered.await.map_err(|_| HubGone)
    }

    /// A connection is gone.
    pub(crate) async fn leave(&self, connection: ConnectionId) -> Result<(), HubGone> {
        self.ask(Command::Leave { connection }).await
    }

    /// Does what whoever runs the server asks for.
    pub(crate) async fn admin(&self, command: AdminCommand) -> AdminAnswer {
        let ending = AdminAnswer::Refused {
            error: AdminError::Ending,
        };
        let (answer, answered) = oneshot::channel();
        let command = Box::new(command);
        match self.ask(Command::Admin { command, answer }).await {
            Ok(()) => answered.await.unwrap_or(ending),
            Err(HubGone) => ending,
        }
    }

    /// Whether the storage can be written. `None`: the hub has ended.
    pub(crate) async fn probe(&self) -> Option<Result<(), StorageError>> {
        let (answer, answered) = oneshot::channel();
        self.ask(Command::Probe { answer }).await.ok()?;
        answered.await.ok()
    }

    /// Time has passed. Nothing is lost if the hub is too busy to hear it.
    pub(crate) fn tick(&self) {
        let _ = self.commands.try_send(Command::Tick);
    }

    /// Lets nobody in any more and tells those who are here; returns when
    /// everything that was queued before is done.
    pub(crate) async fn drain(&self) -> Result<(), HubGone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Command::Drain { answer }).await?;
        answered.await.map_err(|_| HubGone)
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

impl From<HubGone> for SignInError {
    fn from(_: HubGone) -> Self {
        Self::Unavailable
    }
}
