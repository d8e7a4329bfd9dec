//! What the outside provides: a clock, connections, a place for secrets.

mod facts;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use parlour_protocol::{
    ConnectAuth, OutgoingMessage, ServerEvent, SessionId,
    pm::{
        Accepted, Code, Read, Received, Reply, SyncPage, SyncRequest, Typing, UsersPage,
        UsersRequest,
    },
};
use parlour_socketio::CookieJar;
use tokio::sync::mpsc;
use url::Url;

pub use self::facts::{Fence, LinkFacts, Transport};
use crate::{
    ServerOptions,
    view::{AccountView, Failure, FailureCode, SecretsBackend},
};

/// The time: no other part of the engine asks for it.
pub trait Clock: Send {
    /// Milliseconds since 1970, for people only: no timer and no order depends on it.
    fn now_ms(&self) -> i64;

    /// The time that timers go by: that of the runtime, so that a test which has
    /// the runtime's time in its hands has this one, too.
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_millis()).ok())
            .unwrap_or(0)
    }
}

/// Makes connections to servers. Ours is `parlour-socketio`; the feature
/// `rust-socketio` has another.
pub trait Connector: Send + Sync + 'static {
    /// Connects once, without retries and within a time of its own. The link
    /// is open once the server has accepted `auth`.
    fn connect(&self, target: Target) -> Connecting;

    /// Whether its links can [`LinkSender::ask`]. Without that no server is told
    /// that pm is spoken here.
    fn can_ask(&self) -> bool {
        false
    }
}

/// An attempt under way; dropping it gives it up.
pub type Connecting = Pin<Box<dyn Future<Output = Result<Link, NoLink>> + Send>>;

/// Why there is no link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoLink {
    /// For people.
    pub reason: Failure,
    /// Why the server refused, where it says so in words for programs.
    pub code: Option<Code>,
    /// When the server wants to be asked again; only with temporary codes.
    pub retry_after: Option<Duration>,
}

impl From<Failure> for NoLink {
    fn from(reason: Failure) -> Self {
        Self {
            reason,
            code: None,
            retry_after: None,
        }
    }
}

/// Where to connect, and as whom.
#[derive(Clone, Debug)]
pub struct Target {
    /// The server, scheme `http` or `https`.
    pub server: Url,
    /// Who wants in.
    pub auth: ConnectAuth,
    /// How the server is reached.
    pub options: ServerOptions,
    /// The cookies of the connections before: a balancer may know by them which of
    /// several servers has our session. New ones are added.
    pub cookies: CookieJar,
    /// Whether the connection before was carried by polling to its end: what lies
    /// between may swallow the question for a WebSocket, and each time it would be
    /// waited for in vain.
    pub polled: bool,
}

/// One open connection.
pub struct Link {
    /// The Socket.IO id of this connection: oneself, on dialect A.
    pub socket_id: String,
    /// The way out.
    pub sender: Box<dyn LinkSender>,
    /// The way in. A link ends with [`LinkEvent::Closed`] or with the end of this queue.
    pub events: mpsc::Receiver<LinkEvent>,
    /// How long the server may take to notice that a connection is dead, so
    /// that what was in flight may still arrive until then.
    pub server_patience: Duration,
    /// What else is known of it.
    pub facts: LinkFacts,
}

/// The way out of a [`Link`]. Calls never block; order is kept.
pub trait LinkSender: Send {
    /// Queues a message for writing.
    fn send(&self, message: &OutgoingMessage) -> Result<(), SendError>;

    /// Asks for proof that everything sent before has arrived: the answer is
    /// [`LinkEvent::FencePassed`] with this number, or a later one; on a server
    /// that answers no fence it never comes.
    fn fence(&self, number: u64) -> Fence;

    /// What carries the connection now; it may change. `None` if that is not known.
    fn transport(&self) -> Option<Transport> {
        None
    }

    /// Queues a question of pm, in order with messages: its answer is
    /// [`LinkEvent::Answered`] with this number. Only where [`Connector::can_ask`].
    fn ask(&self, number: u64, question: &Question) -> Result<(), SendError> {
        let _ = (number, question);
        Err(SendError::Full)
    }

    /// Queues a notice of pm. Only where [`Connector::can_ask`].
    fn tell(&self, notice: &Notice) -> Result<(), SendError> {
        let _ = notice;
        Err(SendError::Full)
    }

    /// Says goodbye and closes. The link then ends as any other.
    fn close(&self);
}

/// Why a link did not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The link is stalled or closed; the message can go with the next one.
    Full,
    /// The server takes no packet as long as this message.
    TooLarge,
}

/// What a server that speaks pm is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// To take a message, which has an id.
    Message(OutgoingMessage),
    /// What came after a cursor.
    Sync(SyncRequest),
    /// For a page of those who are known.
    Users(UsersRequest),
}

/// What a server that speaks pm is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// What has arrived here.
    Received(Received),
    /// What was read here.
    Read(Read),
    /// Somebody is writing here. Never told later.
    Typing(Typing),
    /// This session ends.
    Logout,
}

/// How a server answered a [`Question`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// To [`Question::Message`].
    Message(Reply<Accepted>),
    /// To [`Question::Sync`].
    Sync(Reply<SyncPage>),
    /// To [`Question::Users`].
    Users(Reply<UsersPage>),
    /// Not in time, or not so that it can be read.
    Nothing,
}

/// What a link brings.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkEvent {
    /// The server said something.
    Server(ServerEvent),
    /// The server said something of the protocol that cannot be read; by name.
    Unreadable(&'static str),
    /// Everything sent before this fence has arrived.
    FencePassed(u64),
    /// The question of this number was answered, or never will be.
    Answered {
        /// As it was asked.
        number: u64,
        /// The answer.
        answer: Answered,
    },
    /// The link is closed; nothing follows.
    Closed(LinkClose),
}

/// How a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkClose {
    /// The server said goodbye, so it reads nothing more from this link.
    pub clean: bool,
    /// Why, for people.
    pub reason: Failure,
}

/// The other accounts of a profile, as one of them sees them. Calls never wait
/// for another account.
pub trait Neighbours: Send + Sync + 'static {
    /// Somebody signs in here, or has been signed in here.
    fn used(&self);

    /// We are to be this identity on this server. `false` where another account is
    /// already: then nobody is to be signed in here.
    fn claim(&self, who: &AccountView) -> bool;

    /// Nobody is signed in here any more.
    fn release(&self);
}

/// No other accounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Neighbours for Alone {
    fn used(&self) {}

    fn claim(&self, _: &AccountView) -> bool {
        true
    }

    fn release(&self) {}
}

/// A place for secrets. Calls may block, also for long: the engine makes them
/// on a thread of their own and stops waiting after a time.
pub trait SecretStore: Send + Sync + 'static {
    /// Which store this is.
    fn backend(&self) -> SecretsBackend;

    /// Further places, the best first. None of them is used before a person has
    /// chosen it.
    fn others(&self) -> &[Arc<dyn SecretStore>] {
        &[]
    }

    /// The session kept under `name`, or `None`.
    fn load(&self, name: &str) -> Result<Option<SessionId>, SecretError>;

    /// Keeps a session under `name`, in place of another.
    fn save(&self, name: &str, session_id: &SessionId) -> Result<(), SecretError>;

    /// Forgets the session under `name`; nothing there is no error.
    fn delete(&self, name: &str) -> Result<(), SecretError>;

    /// Keeps a session and reads it again: some stores take what they do not keep.
    fn keep(&self, name: &str, session_id: &SessionId) -> Result<(), SecretError> {
        self.save(name, session_id)?;
        match self.load(name)? {
            Some(kept) if kept == *session_id => Ok(()),
            _ => Err(SecretError::Failed(
                "it did not keep what it was given".into(),
            )),
        }
    }

    /// Whether it works: writes, reads and deletes `value`.
    fn probe(&self, name: &str, value: &SessionId) -> Result<(), SecretError> {
        let kept = self.keep(name, value);
        if let Err(SecretError::Locked | SecretError::Missing) = kept {
            // Nothing was written, and a person need not be asked twice.
            return kept;
        }
        let deleted = self.delete(name);
        kept.and(deleted)
    }
}

impl<S: SecretStore + ?Sized> SecretStore for Arc<S> {
    fn backend(&self) -> SecretsBackend {
        (**self).backend()
    }

    fn others(&self) -> &[Arc<dyn SecretStore>] {
        (**self).others()
    }

    fn load(&self, name: &str) -> Result<Option<SessionId>, SecretError> {
        (**self).load(name)
    }

    fn save(&self, name: &str, session_id: &SessionId) -> Result<(), SecretError> {
        (**self).save(name, session_id)
    }

    fn delete(&self, name: &str) -> Result<(), SecretError> {
        (**self).delete(name)
    }

    fn keep(&self, name: &str, session_id: &SessionId) -> Result<(), SecretError> {
        (**self).keep(name, session_id)
    }

    fn probe(&self, name: &str, value: &SessionId) -> Result<(), SecretError> {
        (**self).probe(name, value)
    }
}

/// The part of a store that is this place.
pub(crate) fn place(store: &dyn SecretStore, backend: SecretsBackend) -> Option<&dyn SecretStore> {
    if store.backend() == backend {
        return Some(store);
    }
    let mut others = store.others().iter().map(Arc::as_ref);
    others.find(|other| other.backend() == backend)
}

/// Why a secret store failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is locked, and was not unlocked.
    #[error("locked")]
    Locked,
    /// There is none.
    #[error("missing")]
    Missing,
    /// It did not answer in time.
    #[error("timed out")]
    TimedOut,
    /// It failed in another way; the text holds no secret.
    #[error("{0}")]
    Failed(String),
}

impl SecretError {
    /// What people are told, of the place that failed.
    pub(crate) fn failure(self, backend: SecretsBackend) -> Failure {
        let failed = match backend {
            SecretsBackend::File => FailureCode::SecretsFileFailed,
            SecretsBackend::Keyring | SecretsBackend::Memory => FailureCode::KeyringFailed,
        };
        let is_file = backend == SecretsBackend::File;
        let (code, detail) = match self {
            Self::Locked if !is_file => (FailureCode::KeyringLocked, None),
            Self::Missing if !is_file => (FailureCode::KeyringMissing, None),
            Self::TimedOut if !is_file => (FailureCode::KeyringTimedOut, None),
            Self::Failed(detail) => (failed, Some(detail)),
            error => (failed, Some(error.to_string())),
        };
        Failure { code, detail }
    }
}
