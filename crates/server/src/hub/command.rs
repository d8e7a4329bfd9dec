//! What the hub is asked.

use parlour_protocol::{
    SessionId, UserId, Username,
    pm::{HistoryRequest, Logout, MessageId, Read, Received, SyncRequest, UsersRequest},
};
use parlour_socketio::server::AckId;
use std::sync::Arc;
use tokio::sync::oneshot;

use super::{ConnectionId, Outlet, Pace};
use crate::{
    admin::{AdminAnswer, AdminCommand},
    admission::{InviteHash, PasswordHash, Skeleton},
    identity::SessionHash,
    storage::{StorageError, UserKey},
};

/// One thing for the hub to do. Small, since hundreds are moved at once.
pub(crate) enum Command {
    /// Whose is this name?
    Look {
        skeleton: Box<Skeleton>,
        answer: oneshot::Sender<Result<Option<Account>, SignInError>>,
    },
    SignIn(Box<SignIn>),
    Join(Box<Join>),
    Message(Message),
    Ask(Box<Ask>),
    Typing {
        connection: ConnectionId,
        to: UserId,
    },
    /// The answer comes once everything before is committed, and never if
    /// something of this connection could not be.
    Fence {
        connection: ConnectionId,
        answer: oneshot::Sender<()>,
    },
    Leave {
        connection: ConnectionId,
    },
    Admin {
        command: Box<AdminCommand>,
        answer: oneshot::Sender<AdminAnswer>,
    },
    /// Can it be written to the storage?
    Probe {
        answer: oneshot::Sender<Result<(), StorageError>>,
    },
    /// Time has passed.
    Tick,
    /// The server is about to end: nobody comes in any more, and those who are
    /// here are told.
    Drain {
        answer: oneshot::Sender<()>,
    },
    Stop(Stop),
}

/// The owner of a name.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) user: UserKey,
    pub(crate) banned: bool,
    pub(crate) password: Option<PasswordHash>,
}

/// A connection wants to be somebody's.
pub(crate) struct SignIn {
    pub(crate) connection: ConnectionId,
    /// What the client calls itself; empty if it does not.
    pub(crate) client: String,
    /// The session that it has or will have.
    pub(crate) session: SessionHash,
    pub(crate) way: Way,
    pub(crate) answer: oneshot::Sender<Result<SignedIn, SignInError>>,
}

/// How.
pub(crate) enum Way {
    /// The session is known.
    Resume,
    /// A known user, who has proved it: a new session of theirs.
    Return(UserKey),
    /// A new user.
    New(NewPerson),
}

/// Somebody who signs in for the first time.
pub(crate) struct NewPerson {
    pub(crate) username: Username,
    pub(crate) skeleton: Skeleton,
    /// Nobody else may have a name that looks like it.
    pub(crate) unique: bool,
    pub(crate) password: Option<PasswordHash>,
    pub(crate) invite: Option<InviteHash>,
}

/// Somebody is let in. Nobody knows of it before [`Command::Join`].
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) user: UserId,
    /// `None`: nobody is slowed down.
    pub(crate) pace: Option<Arc<Pace>>,
    /// Bytes of what it will be sent first, roughly.
    pub(crate) snapshot: usize,
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignInError {
    /// There is no such session (any more).
    UnknownSession,
    /// Somebody has that name.
    NameTaken,
    /// No such invitation.
    InviteInvalid,
    /// This user may not come in.
    Banned,
    /// This user has as many connections as one may have.
    TooMany,
    /// The storage failed or the server is ending. To be tried again.
    Unavailable,
}

/// A connection is ready to be told things.
pub(crate) struct Join {
    pub(crate) connection: ConnectionId,
    /// The secret, for `session`.
    pub(crate) session_id: SessionId,
    pub(crate) outlet: Box<dyn Outlet>,
    /// Its client speaks pm.
    pub(crate) pm: bool,
    /// A known session was resumed.
    pub(crate) resumed: bool,
    pub(crate) answer: oneshot::Sender<()>,
}

/// A message from a connection.
pub(crate) struct Message {
    pub(crate) connection: ConnectionId,
    pub(crate) ack: Option<AckId>,
    pub(crate) to: UserId,
    pub(crate) content: Arc<str>,
    /// The sender's id for it, where both sides speak pm.
    pub(crate) id: Option<MessageId>,
    pub(crate) sent_at: Option<i64>,
}

/// A question in pm.
pub(crate) struct Ask {
    pub(crate) connection: ConnectionId,
    pub(crate) ack: Option<AckId>,
    pub(crate) request: Request,
    /// The answer is queued; how many sessions ended by it.
    pub(crate) done: oneshot::Sender<u64>,
}

/// What is asked.
pub(crate) enum Request {
    Sync(SyncRequest),
    History(HistoryRequest),
    Users(UsersRequest),
    Received(Received),
    Read(Read),
    Logout(Logout),
}

/// How the hub ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// Leave everything in one file; not after a simulated crash.
    pub(crate) checkpoint: bool,
}
