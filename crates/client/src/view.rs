//! The parts that events and answers are made of: what people see, free of
//! prose. Codes are stable; a host turns them into sentences.

use parlour_protocol::{UserId, pm::Code};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where we stand with the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "state",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum SessionView {
    /// Nobody is signed in.
    SignedOut {
        /// The last server, to fill in the form with.
        server: Option<String>,
        /// The last name, to fill in the form with.
        username: Option<String>,
        /// What ended or prevented the session; `None` after a plain sign-out.
        reason: Option<Failure>,
        /// Whether `Resume` may help: a session exists but could not be read.
        resumable: bool,
    },
    /// A connection is being made.
    Connecting {
        /// Who, where.
        account: AccountView,
        /// 1 for the first attempt since the last time we were online.
        attempt: u32,
    },
    /// The connection stands; the server has not said who we are.
    Authenticating {
        /// Who, where.
        account: AccountView,
    },
    /// The server knows us; the roster and what we missed are on their way.
    CatchingUp {
        /// Who, where.
        account: AccountView,
    },
    /// Messages go both ways.
    Online {
        /// Who, where.
        account: AccountView,
    },
    /// Not connected; another attempt follows by itself.
    Waiting {
        /// Who, where.
        account: AccountView,
        /// What went wrong.
        reason: Failure,
        /// How many attempts have failed.
        attempt: u32,
        /// Milliseconds until the next attempt, from when this was said.
        #[ts(type = "number")]
        retry_in_ms: u64,
    },
}

/// Who, where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct AccountView {
    /// The address of the server, with its scheme and without a path.
    pub server: String,
    /// Our name.
    pub username: String,
    /// Our public id; `None` until a server has given one.
    pub user_id: Option<UserId>,
}

/// What went wrong: a code, and what the other side said in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Failure {
    /// The stable code.
    pub code: FailureCode,
    /// Words from outside (a refusal's text, a TLS error), shortened. Never a secret.
    pub detail: Option<String>,
}

/// The stable codes of a [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum FailureCode {
    /// The address cannot be used.
    InvalidAddress,
    /// The name of the server is not known to DNS.
    NameNotFound,
    /// Nothing listens at the address.
    ConnectionRefused,
    /// No answer in time.
    TimedOut,
    /// TLS failed; the detail says which way.
    Tls,
    /// Something answers, but does not speak Socket.IO 5 over WebSocket.
    NotSocketIo,
    /// The server sends us elsewhere, which is not followed; the detail is where to.
    Redirected,
    /// The proxy on the way failed or refused; the detail says which way.
    ProxyFailed,
    /// The proxy on the way wants a name and a password, or other ones.
    ProxyAuthRequired,
    /// The network failed in another way.
    Network,
    /// The server refused the sign-in; the detail is its text. Final.
    SignInRefused,
    /// The server lets nobody in for now; it will be tried again.
    ServerBusy,
    /// The server said that it is starting again.
    ServerRestarting,
    /// The server does not know our session any more. Final.
    SessionForgotten,
    /// The server closed the connection.
    ClosedByServer,
    /// The connection went silent or broke.
    LinkLost,
    /// The server said something that breaks the protocol or a limit.
    ProtocolError,
    /// The keyring is locked.
    KeyringLocked,
    /// There is no keyring.
    KeyringMissing,
    /// The keyring did not answer in time.
    KeyringTimedOut,
    /// The keyring failed in another way.
    KeyringFailed,
    /// The file of sessions could not be read or written.
    SecretsFileFailed,
    /// The session is not where it was kept any more.
    SessionMissing,
    /// Another account of this profile is the same user on the same server.
    AlreadySignedIn,
    /// The local database failed; the detail says how.
    StorageFailed,
    /// The engine has ended of itself, which is a mistake in it.
    EngineEnded,
}

/// Where the session is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SecretsView {
    /// Where it is. While it cannot be kept that is this process's memory.
    pub backend: SecretsBackend,
    /// Where it is to be: the place that was used or chosen last, or else the
    /// host's own.
    pub wanted: SecretsBackend,
    /// Why it is not there.
    pub failure: Option<Failure>,
    /// Whether a person has to choose: it is kept nowhere, and nobody has said
    /// that this is how it should be.
    pub undecided: bool,
    /// What `ChooseSecrets` takes; the memory of this process is the last.
    pub choices: Vec<SecretsBackend>,
}

impl SecretsView {
    /// What there is to say where no session is.
    #[must_use]
    pub fn unused(backend: SecretsBackend) -> Self {
        Self {
            backend,
            wanted: backend,
            failure: None,
            undecided: false,
            choices: Vec::new(),
        }
    }
}

/// The kinds of secret store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum SecretsBackend {
    /// The operating system's keyring.
    Keyring,
    /// This process's memory.
    Memory,
    /// A file that only this user can read.
    File,
}

/// A user, and the conversation with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RosterEntry {
    /// The public id.
    pub user_id: UserId,
    /// The name, as the server has it.
    pub username: String,
    /// Whether this is oneself.
    pub is_self: bool,
    /// Whether they are there.
    pub presence: Presence,
    /// How many of their messages have not been seen; counted up to 10,000.
    pub unread: u32,
    /// The newest message of the conversation.
    pub last_message: Option<TimelineItem>,
    /// Our messages up to this position have arrived on a device of theirs; `None`
    /// where no server has said so.
    #[ts(type = "number | null")]
    pub received_up_to: Option<i64>,
    /// Our messages up to this position have been read by them; likewise.
    #[ts(type = "number | null")]
    pub read_up_to: Option<i64>,
    /// What was typed for them and not sent.
    pub draft: Option<String>,
}

/// Whether a user is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum Presence {
    /// There.
    Online,
    /// Not there; messages wait for them where the server keeps a history.
    Offline,
    /// We are not connected, so nobody can say.
    Unknown,
    /// The server does not list them any more; the local history is kept.
    Gone,
}

/// Our own id of a timeline item: stable, unique in the database of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(export, type = "number")]
pub struct ItemId(pub i64);

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct TimelineItem {
    /// Our own id of it.
    pub id: ItemId,
    /// Where it stands in its conversation: unique there, rising.
    #[ts(type = "number")]
    pub position: i64,
    /// Who wrote it.
    pub from: UserId,
    /// Whether that is oneself.
    pub is_mine: bool,
    /// The text.
    pub content: String,
    /// When the server took it, or where it does not say, when we sent or received
    /// it, in milliseconds since 1970; `None` for what came out of a history
    /// without times.
    #[ts(type = "number | null")]
    pub at: Option<i64>,
    /// How far it got; `None` for what others wrote.
    pub delivery: Option<Delivery>,
    /// Why the server did not take it, where it failed and the server said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub refusal: Option<SendRefusal>,
}

/// The stable codes of why a server did not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum SendRefusal {
    /// It is longer than the server takes.
    TooLarge,
    /// The server knows nobody of that id.
    UnknownRecipient,
    /// We may not write there.
    Forbidden,
    /// The recipient takes no messages.
    Blocked,
    /// For another reason, none that trying again helps against.
    Other,
}

impl From<Code> for SendRefusal {
    fn from(code: Code) -> Self {
        match code {
            Code::TooLarge => Self::TooLarge,
            Code::UnknownRecipient => Self::UnknownRecipient,
            Code::Forbidden => Self::Forbidden,
            Code::Blocked => Self::Blocked,
            _ => Self::Other,
        }
    }
}

/// How far one of our own messages got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum Delivery {
    /// Stored here, waiting for a connection.
    Queued,
    /// Written to the connection; nothing proves yet that it arrived.
    Sending,
    /// The server has it.
    Sent,
    /// The connection broke at the wrong moment and nothing can tell whether it arrived.
    Unsure,
    /// Not sent, because its recipient or our identity is not what it was.
    Held,
    /// Not sent, and not tried again by itself.
    Failed,
}
