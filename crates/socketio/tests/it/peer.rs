//! The other side: a WebSocket server that does what a test says.

use std::{future::Future, time::Duration};

use futures_util::{SinkExt, StreamExt};
use parlour_socketio::{
    CloseReason, ConnectOptions, Event, Socket, SocketEvent, SocketEvents, connect,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

/// Nothing here takes as long as this unless something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const OPEN: &str = r#"0{"sid":"engine","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

/// Waits for what must happen.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("it should have happened by now")
}

/// A listener on a port of its own, and how to reach it. What a peer that does
/// not read takes in is bounded: the system's own idea of that grows with
/// time, so that a full stream would not stay full.
pub(crate) async fn listen() -> (TcpListener, ConnectOptions) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(16).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, ConnectOptions::new(url.parse().unwrap()))
}

pub(crate) struct Peer {
    pub(crate) ws: WebSocketStream<TcpStream>,
}

impl Peer {
    /// Accepts the WebSocket, and says nothing.
    pub(crate) async fn accept(listener: &TcpListener) -> Self {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let ws = accept_async(tcp).await.unwrap();
        Self { ws }
    }

    /// Lets the client in, and returns what it said of itself.
    pub(crate) async fn welcome(&mut self, open: &str) -> String {
        self.say(open).await;
        let connect = self.hear().await;
        self.say(r#"40{"sid":"socket"}"#).await;
        connect
    }

    pub(crate) async fn say(&mut self, text: &str) {
        soon(self.ws.send(Message::text(text))).await.unwrap();
    }

    /// The next text; control frames are dealt with on the way.
    pub(crate) async fn hear(&mut self) -> String {
        loop {
            match soon(self.ws.next()).await {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected a text: {other:?}"),
            }
        }
    }

    /// The end, and whether a close frame came first.
    pub(crate) async fn hears_the_end(&mut self) -> bool {
        let mut polite = false;
        loop {
            match soon(self.ws.next()).await {
                Some(Ok(Message::Close(_))) => polite = true,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return polite,
            }
        }
    }
}

/// A client and its server, connected.
pub(crate) async fn pair(change: impl FnOnce(&mut ConnectOptions)) -> (Socket, SocketEvents, Peer) {
    pair_over(OPEN, change).await
}

/// The same, with a handshake of one's own.
pub(crate) async fn pair_over(
    open: &str,
    change: impl FnOnce(&mut ConnectOptions),
) -> (Socket, SocketEvents, Peer) {
    let (listener, mut options) = listen().await;
    change(&mut options);
    let serve = async {
        let mut peer = Peer::accept(&listener).await;
        peer.welcome(open).await;
        peer
    };
    let (connected, peer) = tokio::join!(connect(options), serve);
    let (socket, events) = connected.unwrap();
    (socket, events, peer)
}

pub(crate) async fn next(events: &mut SocketEvents) -> SocketEvent {
    soon(events.next()).await.expect("nothing follows the end")
}

pub(crate) async fn event(events: &mut SocketEvents) -> Event {
    match next(events).await {
        SocketEvent::Event(event) => event,
        other => panic!("expected an event: {other:?}"),
    }
}

/// The end, of which nothing may follow.
pub(crate) async fn closed(events: &mut SocketEvents) -> CloseReason {
    let reason = match next(events).await {
        SocketEvent::Closed(reason) => reason,
        other => panic!("expected the end: {other:?}"),
    };
    assert!(soon(events.next()).await.is_none(), "the end is the last");
    reason
}

/// An event in the words of the wire.
pub(crate) fn shown(event: &Event) -> String {
    let args: Vec<_> = event.args.iter().map(|arg| arg.get()).collect();
    format!("{}({})", event.name, args.join(", "))
}
