//! What a host may ask the engine to do.

use parlour_protocol::UserId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    ServerOptions,
    view::{ItemId, SecretsBackend},
};

/// Bytes of UTF-8 in what was typed and not sent: a few messages' worth, as it may
/// still be made shorter. The engine refuses more.
pub(crate) const DRAFT_BYTES: usize = 4 * parlour_protocol::limits::CONTENT_BYTES;

/// A request from a host. It is answered with "accepted" or a [`Refusal`];
/// everything that follows from it arrives as events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum Command {
    /// Connect to a server and sign in by name, with a new session.
    SignIn {
        /// An address as a person types it: `chat.example.org`, `http://127.0.0.1:3000`.
        server: String,
        /// The name.
        username: String,
        /// How the server is reached; left out, as the last time on the same server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        options: Option<ServerOptions>,
    },
    /// Reach the server in another way from now on, and at once.
    SetServerOptions {
        /// The way.
        options: ServerOptions,
    },
    /// Resume the last session: after a keyring that would not open, for instance.
    Resume,
    /// Forget the session, here and in the keyring, and go back to the form.
    SignOut,
    /// Connect now instead of at the end of the wait.
    Reconnect,
    /// Queue a message. Its local echo arrives as an event.
    SendMessage {
        /// The recipient.
        to: UserId,
        /// The text, 1 byte to 16 KiB.
        content: String,
    },
    /// Queue again a message that is unsure, held or failed.
    RetryMessage {
        /// The message.
        item: ItemId,
    },
    /// Drop a message that is queued, unsure, held or failed.
    DiscardMessage {
        /// The message.
        item: ItemId,
    },
    /// Keep what was typed and not sent; an empty text removes it. Sending it
    /// removes it, too.
    SaveDraft {
        /// The other side of the conversation.
        user: UserId,
        /// The text, up to 64 KiB.
        content: String,
    },
    /// Somebody is writing here: their other side learns it, where the server passes
    /// it on, and not more often than every 3 s.
    Typing {
        /// The other side of the conversation.
        to: UserId,
    },
    /// Everything in the conversation up to now has been seen.
    MarkRead {
        /// The other side of the conversation.
        user: UserId,
    },
    /// Try again to keep the session where it is to be kept.
    SaveSession,
    /// Keep the session there from now on, and nowhere else. `memory` is "until the
    /// app closes". The choice holds once the session, if there is one, is there.
    ChooseSecrets {
        /// One of `SecretsView.choices`.
        backend: SecretsBackend,
    },
}

/// Why a command was not accepted. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{code:?}")]
#[ts(export)]
pub struct Refusal {
    /// The stable code: hosts turn it into a sentence.
    pub code: RefusalCode,
}

/// The stable codes of a [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum RefusalCode {
    /// The address of the server cannot be read, or has a scheme other than http and https.
    InvalidAddress,
    /// The path of the server does not start with a slash, or is no path.
    InvalidPath,
    /// There is no certificate in what was given as one, or too many.
    InvalidCertificates,
    /// The key of the server is not written as one.
    InvalidPin,
    /// The address of the proxy cannot be read, or is of no known kind.
    InvalidProxy,
    /// The address of the proxy has a name or a password in it, which would be stored.
    ProxyPassword,
    /// The name is empty.
    UsernameEmpty,
    /// The name is over 32 characters or 128 bytes.
    UsernameTooLong,
    /// The name has a character that cannot be seen.
    UsernameInvisible,
    /// There is no session to do this with.
    NotSignedIn,
    /// There is no session to resume.
    NoSession,
    /// The message has no text.
    MessageEmpty,
    /// The message is over 16 KiB.
    MessageTooLarge,
    /// What was typed is over 64 KiB, so that it is not kept.
    DraftTooLarge,
    /// No such user.
    UnknownUser,
    /// No such message, or one that this cannot be done to.
    UnknownMessage,
    /// The question contradicts itself, or asks for more than there can be.
    InvalidQuery,
    /// There is no such place for the session.
    NotOffered,
    /// A newer question of the same kind came before this one was answered.
    Superseded,
    /// No such account.
    UnknownAccount,
    /// There are as many accounts as there can be.
    TooManyAccounts,
    /// The database did not take it: a full disk, for instance.
    StorageFailed,
    /// More requests are waiting than the engine takes.
    Busy,
    /// The engine has ended.
    Closed,
}

impl From<RefusalCode> for Refusal {
    fn from(code: RefusalCode) -> Self {
        Self { code }
    }
}
