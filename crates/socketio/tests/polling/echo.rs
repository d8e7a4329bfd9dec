//! A server that sends everything back, and clients for it.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use parlour_socketio::{
    CloseReason, ConnectOptions, Event, Socket, SocketEvent, SocketEvents, Transports, connect,
    server::{
        ConnectRequest, Frame, IncomingEvent, LeaveReason, Namespace, Refusal, Running, Server,
        ServerOptions, Socket as ServerSocket, bind,
    },
};
use serde_json::value::RawValue;

/// Nothing here takes as long as this unless something is broken.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what)
        .await
        .expect("it should have happened by now")
}

/// Answers every event with its like, and everything that asks with what it said.
/// `many` is answered as often as it says.
pub(crate) struct Echo;

impl Namespace for Echo {
    type State = ();

    async fn connect(&self, _: &ServerSocket, request: ConnectRequest) -> Result<(), Refusal> {
        let auth = request.auth.as_deref().map_or("", RawValue::get);
        if auth.contains("stranger") {
            return Err(Refusal::new("we do not know you"));
        }
        Ok(())
    }

    async fn event(&self, socket: &ServerSocket, (): &mut (), event: IncomingEvent) {
        let count = match event.name.as_str() {
            "many" => event.args[0].get().parse().unwrap(),
            _ => 1,
        };
        for number in 0..count {
            let mut args = event.args.clone();
            if event.name == "many" {
                args[0] = RawValue::from_string(number.to_string()).unwrap();
            }
            let frame =
                Frame::event_with_attachments("/", None, &event.name, &args, &event.attachments);
            socket.send(&frame.unwrap()).unwrap();
        }
        if let Some(ack) = event.ack {
            let answer = ack.answer("/", &event.args).unwrap();
            socket.send(&answer).unwrap();
        }
    }

    async fn left(&self, _: &ServerSocket, (): (), _: LeaveReason) {}
}

/// Starts one.
pub(crate) fn echo(change: impl FnOnce(&mut ServerOptions)) -> Running {
    let mut options = ServerOptions::default();
    change(&mut options);
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    Server::builder(options)
        .namespace("/", Echo)
        .start(listener)
}

/// How to reach what listens there.
pub(crate) fn to(address: std::net::SocketAddr, transports: Transports) -> ConnectOptions {
    let mut options = ConnectOptions::new(format!("http://{address}").parse().unwrap());
    options.transports = transports;
    options
}

pub(crate) async fn arrives(options: ConnectOptions) -> (Socket, SocketEvents) {
    soon(connect(options)).await.unwrap()
}

pub(crate) async fn event(events: &mut SocketEvents) -> Event {
    match soon(events.next()).await {
        Some(SocketEvent::Event(event)) => event,
        other => panic!("expected an event: {other:?}"),
    }
}

/// The end, of which nothing may follow.
pub(crate) async fn closed(events: &mut SocketEvents) -> CloseReason {
    let reason = match soon(events.next()).await {
        Some(SocketEvent::Closed(reason)) => reason,
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

/// Bytes that tell by themselves which they are.
pub(crate) fn bytes(number: u32, length: usize) -> Bytes {
    number
        .to_be_bytes()
        .into_iter()
        .cycle()
        .take(length)
        .collect()
}
