//! The ordinary connector, on our own Socket.IO client.

mod questions;
#[cfg(test)]
mod tests;

use std::time::Duration;

use parlour_protocol::{
    ConnectAuth, INVALID_USERNAME, OutgoingMessage, ServerEvent, names,
    pm::{self, Code},
};
use parlour_socketio::{
    CloseReason, ConnectError, ConnectOptions, EmitError, Event, Pin, Proxy, ProxyError, ProxyUrl,
    Roots, Socket, SocketEvent, SocketEvents, Transports, parse_certificates,
};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::mpsc;

use self::questions::{Kind, QUESTIONS, Questions, Raised};
use crate::{
    ProxyChoice, ServerOptions,
    ports::{
        Connecting, Connector, Fence, Link, LinkClose, LinkEvent, LinkFacts, LinkSender, NoLink,
        Notice, Question, SendError, Target, Transport,
    },
    view::{Failure, FailureCode},
};

/// How many events may wait for the engine; then the connection is read no
/// further, and the server notices.
const EVENTS: usize = 256;

/// Characters of a text from outside that are shown to people.
const DETAIL: usize = 200;

/// Connects with `parlour-socketio`, over WebSocket, or polling where that is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct SocketIoConnector;

impl Connector for SocketIoConnector {
    fn connect(&self, target: Target) -> Connecting {
        Box::pin(connect(target))
    }

    fn can_ask(&self) -> bool {
        true
    }
}

async fn connect(target: Target) -> Result<Link, NoLink> {
    let mut options = ConnectOptions::new(target.server);
    options.auth = Some(auth_json(&target.auth)?);
    // `users` holds what strangers wrote: as one packet too deep it would cost the
    // whole list. It is read entry by entry, each with a limit of depth of its own.
    options.limits.depth = usize::MAX;
    options.cookies = Some(target.cookies);
    reach(&mut options, target.options)?;
    options.transports = order(options.transports, target.polled);
    let (encrypted, silence_limit) = (options.url.scheme() == "https", options.silence_limit);
    let (socket, incoming) = parlour_socketio::connect(options)
        .await
        .map_err(connect_failure)?;
    let (outgoing, events) = mpsc::channel(EVENTS);
    let (questions, raised) = mpsc::channel(QUESTIONS);
    let handshake = socket.handshake();
    let server_patience = handshake.patience();
    let facts = LinkFacts {
        encrypted: Some(encrypted),
        max_payload: Some(handshake.max_payload),
        ping_interval: Some(handshake.ping_interval),
        ping_timeout: Some(handshake.ping_timeout),
        dead_after: Some(silence_limit.min(server_patience)),
        recovery: Some(socket.offers_recovery()),
    };
    tokio::spawn(pump(incoming, Questions::new(raised), outgoing));
    Ok(Link {
        socket_id: socket.id().to_owned(),
        sender: Box::new(SocketIoSender { socket, questions }),
        events,
        server_patience,
        facts,
    })
}

/// Goes the way that was chosen. What cannot be understood of it ends the attempt:
/// without its pin a connection would be to anybody.
fn reach(options: &mut ConnectOptions, chosen: ServerOptions) -> Result<(), Failure> {
    let wrong = |code, error: &dyn std::fmt::Display| Failure {
        code,
        detail: Some(shorten(&error.to_string())),
    };
    if let Some(path) = chosen.path {
        options.path = path;
    }
    if let Some(ca) = chosen.ca {
        let ca =
            parse_certificates(ca.as_bytes()).map_err(|error| wrong(FailureCode::Tls, &error))?;
        options.roots = Roots::Only(ca);
    }
    if let Some(pin) = chosen.pin {
        options.pin = Some(
            pin.parse::<Pin>()
                .map_err(|error| wrong(FailureCode::Tls, &error))?,
        );
    }
    match chosen.proxy {
        Some(ProxyChoice::Direct) => options.proxy = Proxy::None,
        Some(ProxyChoice::Via { url }) => {
            let url = url.parse::<ProxyUrl>();
            options.proxy =
                Proxy::Via(url.map_err(|error| wrong(FailureCode::ProxyFailed, &error))?);
        }
        None => {}
    }
    if let Some(transports) = chosen.transports {
        options.transports = transports.into();
    }
    Ok(())
}

/// Who came to no WebSocket the last time begins with polling, and asks for the move
/// to WebSocket while that works already.
fn order(chosen: Transports, polled: bool) -> Transports {
    match chosen {
        Transports::WebSocketFirst if polled => Transports::PollingFirst,
        other => other,
    }
}

/// The JSON of an `auth`, which holds a secret: it is in no error.
pub(crate) fn auth_json(auth: &ConnectAuth) -> Result<Box<RawValue>, Failure> {
    to_raw_value(auth).map_err(|_| Failure {
        code: FailureCode::ProtocolError,
        detail: None,
    })
}

struct SocketIoSender {
    socket: Socket,
    questions: mpsc::Sender<Raised>,
}

impl LinkSender for SocketIoSender {
    fn send(&self, message: &OutgoingMessage) -> Result<(), SendError> {
        self.socket
            .try_emit(names::PRIVATE_MESSAGE, &(message,))
            .map_err(send_error)
    }

    fn fence(&self, number: u64) -> Fence {
        // A place for the answer first: one that cannot be heard is none.
        if let Ok(place) = self.questions.try_reserve()
            && let Ok(answer) = self.socket.try_fence()
        {
            place.send(Raised::Fence(number, answer));
            Fence::Raised
        } else {
            Fence::NotNow
        }
    }

    fn transport(&self) -> Option<Transport> {
        Some(match self.socket.transport() {
            parlour_socketio::Transport::WebSocket => Transport::WebSocket,
            parlour_socketio::Transport::Polling => Transport::Polling,
        })
    }

    fn ask(&self, number: u64, question: &Question) -> Result<(), SendError> {
        // A place for the answer first: what was sent must be answered for.
        let place = self.questions.try_reserve().map_err(|_| SendError::Full)?;
        let asked = match question {
            Question::Message(message) => self.socket.try_ask(names::PRIVATE_MESSAGE, &(message,)),
            Question::Sync(request) => self.socket.try_ask(pm::names::SYNC, &(request,)),
            Question::Users(request) => self.socket.try_ask(pm::names::USERS, &(request,)),
        };
        let asked = asked.map_err(send_error)?;
        place.send(Raised::Asked(number, Kind::of(question), asked));
        Ok(())
    }

    fn tell(&self, notice: &Notice) -> Result<(), SendError> {
        match notice {
            Notice::Received(received) => self.socket.try_emit(pm::names::RECEIVED, &(received,)),
            Notice::Read(read) => self.socket.try_emit(pm::names::READ, &(read,)),
            Notice::Typing(typing) => self.socket.try_emit(pm::names::TYPING, &(typing,)),
            Notice::Logout => self
                .socket
                .try_emit(pm::names::LOGOUT, &(pm::Logout::default(),)),
        }
        .map_err(send_error)
    }

    fn close(&self) {
        self.socket.close();
    }
}

fn send_error(error: EmitError) -> SendError {
    match error {
        EmitError::TooLarge { .. } => SendError::TooLarge,
        EmitError::Full | EmitError::Closed | EmitError::Json(_) | EmitError::Reserved => {
            SendError::Full
        }
    }
}

/// Turns what the socket brings into what the engine understands, in order.
/// Ends with the socket, or when the engine has dropped the link.
async fn pump(
    mut incoming: SocketEvents,
    mut questions: Questions,
    outgoing: mpsc::Sender<LinkEvent>,
) {
    loop {
        let event = tokio::select! {
            // What is proven is told before the end of the connection is.
            biased;
            answer = questions.next() => Some(answer),
            // A server may say nothing for hours.
            () = outgoing.closed() => return,
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
        CloseReason::Http { status } => (FailureCode::LinkLost, Some(format!("HTTP {status}"))),
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

fn connect_failure(error: ConnectError) -> NoLink {
    let (mut refusal, mut temporary) = (RefusalData::default(), false);
    let (code, detail) = match error {
        ConnectError::InvalidUrl(_) => (FailureCode::InvalidAddress, None),
        ConnectError::NameNotFound => (FailureCode::NameNotFound, None),
        ConnectError::ConnectionRefused => (FailureCode::ConnectionRefused, None),
        ConnectError::TimedOut => (FailureCode::TimedOut, None),
        ConnectError::Tls(detail) => (FailureCode::Tls, Some(detail)),
        ConnectError::Proxy(error @ (ProxyError::AuthRequired | ProxyError::AuthRefused)) => {
            (FailureCode::ProxyAuthRequired, Some(error.to_string()))
        }
        ConnectError::Proxy(error) => (FailureCode::ProxyFailed, Some(error.to_string())),
        // The key stands there so that whoever runs the server can compare it.
        ConnectError::Untrusted { reason, pin } => {
            (FailureCode::Tls, Some(format!("{reason} (key {pin})")))
        }
        ConnectError::Redirected { origin, .. } => (FailureCode::Redirected, Some(origin)),
        // A proxy in front of a server that is down, or one that is too busy.
        ConnectError::Http { status } if status >= 500 || status == 429 => {
            (FailureCode::Network, Some(format!("HTTP {status}")))
        }
        ConnectError::Http { status } => (FailureCode::NotSocketIo, Some(format!("HTTP {status}"))),
        ConnectError::NotSocketIo(detail) => (FailureCode::NotSocketIo, Some(detail)),
        ConnectError::Refused { message, data } => {
            refusal = RefusalData::read(data.as_deref());
            temporary = refusal.code.is_some_and(Code::is_temporary);
            match refusal.code {
                Some(_) if temporary => (FailureCode::ServerBusy, None),
                // That text says too little where there is a code.
                Some(code) if message == INVALID_USERNAME => (
                    FailureCode::SignInRefused,
                    Some(code.as_str().replace('_', " ")),
                ),
                _ => (FailureCode::SignInRefused, Some(message)),
            }
        }
        ConnectError::Network(detail) => (FailureCode::Network, Some(detail)),
        ConnectError::Protocol(detail) => (FailureCode::ProtocolError, Some(detail)),
    };
    NoLink {
        reason: Failure {
            code,
            detail: detail.as_deref().map(shorten),
        },
        code: refusal.code,
        retry_after: refusal
            .retry_after_ms
            .filter(|_| temporary)
            .map(Duration::from_millis),
    }
}

/// What our server adds to a refusal; other servers add anything, or nothing.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefusalData {
    code: Option<Code>,
    retry_after_ms: Option<u64>,
}

impl RefusalData {
    fn read(data: Option<&RawValue>) -> Self {
        data.and_then(|data| serde_json::from_str::<Self>(data.get()).ok())
            .filter(|data| data.code != Some(Code::Unknown))
            .unwrap_or_default()
    }
}

/// A text from outside, short enough to be shown.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(DETAIL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
