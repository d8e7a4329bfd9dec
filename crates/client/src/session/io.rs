//! What goes into the session machine, and what comes out of it.

use std::time::Duration;

use parlour_protocol::{ConnectAuth, SessionId, UserId};
use url::Url;

use crate::{ServerOptions, ports::NoLink, view::Failure};

/// Who we are, or want to be.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) server: Url,
    /// How it is reached.
    pub(crate) options: ServerOptions,
    pub(crate) username: String,
    pub(crate) user_id: Option<UserId>,
    /// `None`: sign in by name. A server without sessions is signed in to by
    /// name on every connection.
    pub(crate) session_id: Option<SessionId>,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// A person gave a server and a name.
    SignIn(Identity),
    /// The last session is to be taken up again.
    Resume,
    /// The secret store answered, maybe late.
    Loaded(Result<Option<SessionId>, Failure>),
    SignOut,
    /// A person does not want to wait.
    Reconnect,
    /// The server is to be reached in another way.
    Reroute(ServerOptions),
    /// The connection stands.
    Opened,
    /// The connection could not be made, or was refused.
    Failed(NoLink),
    /// The server said who we are.
    SessionGiven {
        session_id: SessionId,
        user_id: UserId,
    },
    /// What we missed comes page by page, and a page came.
    Progress,
    /// The server is about to close, and says when to come back.
    Leaving(Duration),
    /// Another account has this identity already.
    Taken {
        /// Whether the session is ours, for when the other account is gone.
        resumable: bool,
    },
    /// The server ended the session.
    Ended(Failure),
    /// The server said who is there, and what we missed is here.
    UsersGiven,
    /// The connection is gone.
    Lost(Failure),
    /// The machine slept, or this process was stopped: for so long, as far as
    /// timers do not know of it.
    Woke {
        slept: Duration,
    },
    /// Time has passed.
    Tick,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Read the session from the secret store.
    LoadSession,
    /// Connect once; give up another attempt.
    Connect(ConnectAuth),
    /// Close the connection, or give up the attempt.
    Disconnect,
    /// Delete the session from the secret store.
    ForgetSession,
    /// What is queued belongs to an identity that the server has forgotten.
    HoldQueue,
}
