//! The ordinary connector, on our own Socket.IO client.

use futures_util::{StreamExt, stream::FuturesUnordered};
use parlour_protocol::{ConnectAuth, OutgoingMessage, ServerEvent, names};
use parlour_socketio::{
    CloseReason, ConnectError, ConnectOptions, EmitError, Event, FenceAnswer, Socket, SocketEvent,
    SocketEvents,
};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{mpsc, oneshot};

use crate::{
    ports::{Connecting, Connector, Link, LinkClose, LinkEvent, LinkSender, SendError, Target},
    view::{Failure, FailureCode},
};

/// How many events may wait for the engine; then the connection is read no
/// further, and the server notices.
const EVENTS: usize = 256;

/// How many fences may wait for their answers; the outbox raises fewer.
const FENCES: usize = 64;

/// Characters of a text from outside that are shown to people.
const DETAIL: usize = 200;

/// Connects with `parlour-socketio`, over WebSocket.
#[derive(Clone, Copy, Debug, Default)]
pub struct SocketIoConnector;

impl Connector for SocketIoConnector {
    fn connect(&self, target: Target) -> Connecting {
        Box::pin(connect(target))
    }
}

async fn connect(target: Target) -> Result<Link, Failure> {
    let mut options = ConnectOptions::new(target.server);
    options.auth = Some(auth_json(&target.auth)?);
    let (socket, incoming) = parlour_socketio::connect(options)
        .await
        .map_err(connect_failure)?;
    let (outgoing, events) = mpsc::channel(EVENTS);
    let (fences, raised) = mpsc::channel(FENCES);
    let handshake = socket.handshake();
    let server_patience = handshake.patience();
    tokio::spawn(pump(incoming, raised, outgoing));
    Ok(Link {
        socket_id: socket.id().to_owned(),
        sender: Box::new(SocketIoSender { socket, fences }),
        events,
        server_patience,
    })
}

/// The JSON of an `auth`, which holds a secret: it is in no error.
pub(crate) fn auth_json(auth: &ConnectAuth) -> Result<Box<RawValue>, Failure> {
    to_raw_value(auth).map_err(|_| Failure {
        code: FailureCode::ProtocolError,
        detail: None,
    })
}

type Fence = (u64, oneshot::Receiver<FenceAnswer>);

struct SocketIoSender {
    socket: Socket,
    fences: mpsc::Sender<Fence>,
}

impl LinkSender for SocketIoSender {
    fn send(&self, message: &OutgoingMessage) -> Result<(), SendError> {
        self.socket
            .try_emit(names::PRIVATE_MESSAGE, &(message,))
            .map_err(|error| match error {
                EmitError::TooLarge { .. } => SendError::TooLarge,
                EmitError::Full | EmitError::Closed | EmitError::Json(_) | EmitError::Reserved => {
                    SendError::Full
                }
            })
    }

    fn fence(&self, number: u64) -> bool {
        // One that cannot be raised leaves its messages to the next fence, or
        // to the next `users`: it proves nothing that it is not there.
        if let Ok(answer) = self.socket.try_fence() {
            let _ = self.fences.try_send((number, answer));
        }
        true
    }

    fn close(&self) {
        self.socket.close();
    }
}

/// Turns what the socket brings into what the engine understands, in order.
/// Ends with the socket, or when the engine has dropped the link.
async fn pump(
    mut incoming: SocketEvents,
    mut raised: mpsc::Receiver<Fence>,
    outgoing: mpsc::Sender<LinkEvent>,
) {
    let mut fences = FuturesUnordered::new();
    let mut sender_lives = true;
    loop {
        let event = tokio::select! {
            // What is proven is told before the end of the connection is.
            biased;
            fence = raised.recv(), if sender_lives => {
                match fence {
                    Some((number, answer)) => fences.push(async move { (number, answer.await) }),
                    None => sender_lives = false,
                }
                continue;
            }
            Some((number, answer)) = fences.next(), if !fences.is_empty() => match answer {
                Ok(FenceAnswer::Refused | FenceAnswer::Accepted) => Some(LinkEvent::FencePassed(number)),
                // The connection closed first, which is told by itself.
                Err(_) => None,
            },
            event = incoming.next() => match event {
                Some(event) => link_event(event),
                None => return,
            },
        };
        if let Some(event) = event
            && outgoing.send(event).await.is_err()
        {
            return;
        }
    }
}

fn link_event(event: SocketEvent) -> Option<LinkEvent> {
    match event {
        SocketEvent::Event(Event { name, args, .. }) => server_event(&name, &args),
        SocketEvent::Undecodable(_) => Some(LinkEvent::Unreadable("an event")),
        SocketEvent::Closed(reason) => Some(LinkEvent::Closed(link_close(&reason))),
    }
}

/// One event, or nothing where it belongs to another protocol.
pub(crate) fn server_event(name: &str, args: &[Box<RawValue>]) -> Option<LinkEvent> {
    match ServerEvent::decode(name, args) {
        Ok(event) => event.map(LinkEvent::Server),
        Err(error) => Some(LinkEvent::Unreadable(error.event)),
    }
}

fn link_close(reason: &CloseReason) -> LinkClose {
    let (code, detail) = match reason {
        CloseReason::ServerDisconnect => (FailureCode::ClosedByServer, None),
        CloseReason::TransportClosed
        | CloseReason::PingTimeout
        | CloseReason::WriteTimeout
        | CloseReason::Local => (FailureCode::LinkLost, None),
        CloseReason::Protocol(detail) => (FailureCode::ProtocolError, Some(shorten(detail))),
        _ => (
            FailureCode::ProtocolError,
            Some(shorten(&reason.to_string())),
        ),
    };
    LinkClose {
        clean: reason.is_clean(),
        reason: Failure { code, detail },
    }
}

fn connect_failure(error: ConnectError) -> Failure {
    let (code, detail) = match error {
        ConnectError::InvalidUrl(_) => (FailureCode::InvalidAddress, None),
        ConnectError::NameNotFound => (FailureCode::NameNotFound, None),
        ConnectError::ConnectionRefused => (FailureCode::ConnectionRefused, None),
        ConnectError::TimedOut => (FailureCode::TimedOut, None),
        ConnectError::Tls(detail) => (FailureCode::Tls, Some(detail)),
        // A proxy in front of a server that is down, or one that is too busy.
        ConnectError::Http { status } if status >= 500 || status == 429 => {
            (FailureCode::Network, Some(format!("HTTP {status}")))
        }
        ConnectError::Http { status } => (FailureCode::NotSocketIo, Some(format!("HTTP {status}"))),
        ConnectError::NotSocketIo(detail) => (FailureCode::NotSocketIo, Some(detail)),
        ConnectError::Refused { message, .. } => (FailureCode::SignInRefused, Some(message)),
        ConnectError::Network(detail) => (FailureCode::Network, Some(detail)),
        ConnectError::Protocol(detail) => (FailureCode::ProtocolError, Some(detail)),
    };
    Failure {
        code,
        detail: detail.as_deref().map(shorten),
    }
}

/// A text from outside, short enough to be shown.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(DETAIL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
