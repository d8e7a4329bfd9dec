//! What can go wrong. No text here holds a part of `auth` or of a packet.

use std::fmt;

use serde_json::value::RawValue;

use crate::options::Pin;

mod proxy;

pub use proxy::ProxyError;

/// Why there is no connection.
#[derive(Clone, thiserror::Error)]
pub enum ConnectError {
    /// The address cannot be one of a server: scheme, host or path are wrong.
    #[error("invalid address: {0}")]
    InvalidUrl(&'static str),
    /// No machine has this name, or there is no way to ask.
    #[error("name not found")]
    NameNotFound,
    /// The machine is there, but no server on that port.
    #[error("connection refused")]
    ConnectionRefused,
    /// It took longer than `connect_timeout`.
    #[error("timed out")]
    TimedOut,
    /// The proxy on the way did not bring us to the server.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// No secure connection, for a reason that lies not in whom the certificate
    /// is of: the server does not speak TLS, for instance.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// Nobody whom we believe vouches for the server's certificate, or its key is
    /// not the pinned one.
    #[error("the server is not trusted: {reason}")]
    Untrusted {
        /// What speaks against it.
        reason: Distrust,
        /// Its key. Only somebody who knows by another way that it is the
        /// server's should trust it from now on, as
        /// [`ConnectOptions::pin`](crate::ConnectOptions::pin).
        pin: Pin,
    },
    /// The server sends us elsewhere. That is not followed: the name and the
    /// session are meant for this server.
    #[error("the server redirects to {origin} (HTTP {status})")]
    Redirected {
        /// Its status code.
        status: u16,
        /// Scheme, host and port of the other place; nothing else of its address.
        origin: String,
    },
    /// Something that speaks HTTP refused. (What a plain web server says is
    /// [`Self::NotSocketIo`].)
    #[error("the server answered HTTP {status}")]
    Http {
        /// Its status code.
        status: u16,
    },
    /// Something answers there, and it is no Socket.IO server.
    #[error("not a Socket.IO server: {0}")]
    NotSocketIo(String),
    /// The server does not let us in. Trying again as the same will not help.
    #[error("refused: {message}")]
    Refused {
        /// The server's own words.
        message: String,
        /// What it added.
        data: Option<Box<RawValue>>,
    },
    /// The network failed.
    #[error("network error: {0}")]
    Network(String),
    /// The server began as a Socket.IO server does, and then broke the protocol.
    #[error("protocol violation: {0}")]
    Protocol(String),
}

impl ConnectError {
    /// What an answer means that was to be the first of a connection.
    pub(crate) fn from_status(status: u16) -> Self {
        match status {
            // A web server that knows nothing of the path, or has a page for all.
            200..=299 | 404 => Self::NotSocketIo(format!("it answered HTTP {status}")),
            status => Self::Http { status },
        }
    }
}

impl fmt::Debug for ConnectError {
    /// The words of [`Display`](fmt::Display); `data` is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectError({self})")
    }
}

/// What speaks against a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Distrust {
    /// It is signed by nobody we know; often by the server itself.
    #[error("unknown issuer")]
    UnknownIssuer,
    /// Its time is over. Or our clock is wrong.
    #[error("the certificate has expired")]
    Expired,
    /// Its time is yet to come. Or our clock is wrong.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// It names other servers.
    #[error("the certificate is for another name")]
    WrongName,
    /// Its issuer has taken it back.
    #[error("the certificate was revoked")]
    Revoked,
    /// It is not signed by whom it says.
    #[error("the certificate's signature is wrong")]
    BadSignature,
    /// It is not for servers.
    #[error("the certificate is not for servers")]
    WrongPurpose,
    /// It is an authority's own, and was not given as a root itself.
    #[error("nobody known vouches for the certificate, which is an authority's own")]
    Authority,
    /// Its key is not the pinned one.
    #[error("the key is not the pinned one")]
    OtherKey,
    /// Something else in it that is not accepted.
    #[error("the certificate cannot be accepted")]
    Unusable,
}

/// Why an event was not taken. Nothing of it was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// Too much waits already.
    #[error("the queue is full")]
    Full,
    /// The connection is closed, or closing.
    #[error("the connection is closed")]
    Closed,
    /// The server takes no packet as large as this one.
    #[error("too large: {size} bytes where the server takes {limit}")]
    TooLarge {
        /// The packet's size in bytes.
        size: usize,
        /// The server's limit in bytes.
        limit: usize,
    },
    /// An argument has no form in JSON.
    #[error("not expressible as JSON: {0}")]
    Json(String),
    /// Socket.IO keeps this name for itself.
    #[error("reserved event name")]
    Reserved,
}

/// Why there is no answer. Unless it is [`Self::Emit`], the event may have arrived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// The event was not taken.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// No answer within the time.
    #[error("no answer in time")]
    TimedOut,
    /// The connection closed first.
    #[error("the connection closed before the answer")]
    Closed,
}

/// How a connection ended, or our being in one of its namespaces. What ended the
/// connection is told in each of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// The server said goodbye: to the namespace (`41`), to the connection (`1`), or
    /// by the close frame of WebSocket.
    #[error("the server disconnected")]
    ServerDisconnect,
    /// The transport ended without a goodbye: the stream ended, was reset, or the
    /// runtime shut down.
    #[error("the transport closed")]
    TransportClosed,
    /// No sign of life for `silence_limit`, no ping for as long as the server had
    /// promised, or no answer within `wake_limit` after a sleep.
    #[error("no sign of life")]
    PingTimeout,
    /// Not a byte could be written for `write_timeout`, although something waited.
    #[error("writing stood still")]
    WriteTimeout,
    /// The server broke the protocol, in a way that leaves no sense in going on:
    /// a second handshake, a CONNECT answered twice or without an id, frames that
    /// are none. (A packet that cannot be read is skipped instead.)
    #[error("protocol violation: {0}")]
    Protocol(String),
    /// On long polling, the server or something before it answered a request with
    /// an error: it does not know the session (any more), takes nothing as large,
    /// or is down.
    #[error("the server answered HTTP {status}")]
    Http {
        /// Its status code.
        status: u16,
    },
    /// A message over `incoming_bytes`.
    #[error("incoming message too large")]
    TooLarge,
    /// We left: by `close`, or by dropping the events.
    #[error("closed here")]
    Local,
}

impl CloseReason {
    /// Whether the server said goodbye, so that it reads nothing more of what
    /// was sent. After any other end it may still be reading.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        matches!(self, Self::ServerDisconnect)
    }
}
