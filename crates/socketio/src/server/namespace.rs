//! What a namespace does with its sockets: the face towards the application.

use std::{fmt, future::Future, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Frame, Socket};
use crate::Arguments;

/// The application's side of a namespace.
///
/// ```text
///  CONNECT ─► connect ──Err──► CONNECT_ERROR, nothing else is called
///                │ Ok(state)
///                ▼
///             joined ─► event ─► event ─► … ─► left
/// ```
/// All calls for one connection come one after the other, in the order of the
/// wire, and each is awaited before the next packet of that connection is read:
/// an implementation that waits slows down its client and nobody else.
/// [`Namespace::left`] is called exactly once for every `connect` that
/// returned `Ok`, whatever ended the socket.
pub trait Namespace: Send + Sync + 'static {
    /// What belongs to one socket; only its own calls see it.
    type State: Send + 'static;

    /// Whether this client may join: the middleware. It is not joined yet, so
    /// what is emitted here reaches it only after the answer to its CONNECT.
    fn connect(
        &self,
        socket: &Socket,
        request: ConnectRequest,
    ) -> impl Future<Output = Result<Self::State, Refusal>> + Send;

    /// It has joined, and the answer to its CONNECT is queued.
    fn joined(&self, socket: &Socket, state: &mut Self::State) -> impl Future<Output = ()> + Send {
        let _ = (socket, state);
        async {}
    }

    /// It said something.
    fn event(
        &self,
        socket: &Socket,
        state: &mut Self::State,
        event: IncomingEvent,
    ) -> impl Future<Output = ()> + Send;

    /// A packet of its connection could not be read. As the protocol wants it, the
    /// connection ends over this: [`Namespace::left`] follows.
    fn undecodable(&self, socket: &Socket, error: crate::packet::DecodeError) {
        let _ = (socket, error);
    }

    /// Waits until what its events have started is done. Awaited before the
    /// client is told that another namespace does not exist, which thereby
    /// proves to it that everything before was dealt with.
    fn settle(&self, socket: &Socket, state: &mut Self::State) -> impl Future<Output = ()> + Send {
        let _ = (socket, state);
        async {}
    }

    /// It has left: nothing more comes from it, nothing more reaches it.
    fn left(
        &self,
        socket: &Socket,
        state: Self::State,
        reason: LeaveReason,
    ) -> impl Future<Output = ()> + Send;
}

/// A client's wish to join a namespace.
pub struct ConnectRequest {
    /// What it presents, as it came; secret.
    pub auth: Option<Box<RawValue>>,
    /// The HTTP request that opened the connection.
    pub origin: Arc<RequestInfo>,
}

/// The HTTP request that opened a connection.
pub struct RequestInfo {
    /// The other end of the TCP stream.
    pub remote: SocketAddr,
    /// Its headers; those of a proxy in front are among them.
    pub headers: http::HeaderMap,
    /// The query, which a client can add to.
    pub query: Option<String>,
}

/// Why a client may not join: what its CONNECT_ERROR says.
#[derive(Debug)]
pub struct Refusal {
    /// For its `message`.
    pub message: String,
    /// For its `data`, if there is more to say.
    pub data: Option<Box<RawValue>>,
}

impl Refusal {
    /// With no more to say than this.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            data: None,
        }
    }
}

/// An event from a client.
pub struct IncomingEvent {
    /// What happened.
    pub name: String,
    /// With what; where an attachment belongs there is a placeholder.
    pub args: Vec<Box<RawValue>>,
    /// Binary arguments, in the order of their placeholders.
    pub attachments: Vec<Bytes>,
    /// Present if the client wants an answer.
    pub ack: Option<AckId>,
}

/// The number of an event under which its client expects the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckId(pub u64);

impl AckId {
    /// The answer, to be sent on the socket that asked.
    ///
    /// # Errors
    /// An argument has no form in JSON.
    pub fn answer(
        self,
        namespace: &str,
        args: &(impl Arguments + ?Sized),
    ) -> Result<Frame, serde_json::Error> {
        Frame::ack(namespace, self.0, args)
    }

    /// The same with attachments; where one belongs, the arguments have a
    /// [`Placeholder`](crate::Placeholder).
    ///
    /// # Errors
    /// An argument has no form in JSON.
    pub fn answer_with_attachments(
        self,
        namespace: &str,
        args: &(impl Arguments + ?Sized),
        attachments: &[Bytes],
    ) -> Result<Frame, serde_json::Error> {
        Frame::ack_with_attachments(namespace, self.0, args, attachments)
    }
}

/// Why a socket left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeaveReason {
    /// The client left the namespace.
    ClientLeft,
    /// The application ended it by [`Socket::disconnect`] or [`Socket::close`].
    ServerLeft,
    /// The client closed the connection, or the network did.
    TransportClosed,
    /// No answer to a ping.
    PingTimeout,
    /// The client read too slowly: too much waited for it, or for too long.
    SlowReader,
    /// The client broke the protocol.
    ProtocolError,
    /// The client sent more than [`ServerOptions::max_payload`](super::ServerOptions::max_payload).
    TooLarge,
    /// The application broke the connection by [`Socket::cut`].
    Cut,
    /// The server is ending.
    ServerClosing,
}

// What clients present and say may be secret: these show how much there is of it.

impl fmt::Debug for ConnectRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectRequest")
            .field("auth", &self.auth.as_ref().map(|_| "…"))
            .field("origin", &self.origin)
            .finish()
    }
}

impl fmt::Debug for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestInfo")
            .field("remote", &self.remote)
            .field("headers", &self.headers.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IncomingEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingEvent")
            .field("name", &self.name)
            .field("args", &self.args.len())
            .field("attachments", &self.attachments.len())
            .field("ack", &self.ack)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_client_says_is_shown() {
        let secret = || RawValue::from_string(r#""s3cret""#.to_owned()).unwrap();
        let request = ConnectRequest {
            auth: Some(secret()),
            origin: Arc::new(RequestInfo {
                remote: ([127, 0, 0, 1], 1).into(),
                headers: [(http::header::COOKIE, "s3cret".parse().unwrap())]
                    .into_iter()
                    .collect(),
                query: Some("token=s3cret".to_owned()),
            }),
        };
        let event = IncomingEvent {
            name: "tell".to_owned(),
            args: vec![secret()],
            attachments: vec![Bytes::from_static(b"s3cret")],
            ack: Some(AckId(1)),
        };
        let shown = format!("{request:?} {event:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("tell"));
    }
}
