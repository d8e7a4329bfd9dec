//! A namespace that does what its client says, and tells the test what happens.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use parlour_socketio::{
    packet::DecodeError,
    server::{
        ConnectRequest, Feed, Frame, IncomingEvent, LeaveReason, Namespace, Refusal, Running,
        Server, ServerOptions, Socket, bind,
    },
};
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, mpsc};

use crate::raw::soon;

/// What happened.
#[derive(Debug)]
pub(crate) enum Call {
    Connect(Socket),
    Joined(Socket),
    Event(Socket, String),
    Undecodable(DecodeError),
    Settle,
    Left(Socket, LeaveReason),
}

/// What a client can make it do:
/// - auth `{"refuse":TEXT}`: refused with the text, and `{"why":TEXT}` as data;
/// - auth `{"wait":true}`: decided when the test opens the gate;
/// - auth `{"vanish":true}`: the application disconnects it before it is in;
/// - event `back`: emitted back as `back`, binary included;
/// - event `ask`: answered with its arguments, binary included;
/// - event `wait`: takes until the test opens the gate;
/// - event `enter`, `leave`, a room; `tell`, a room, a text: `told` to all others in it;
/// - event `publish`, a number: `news` in the feed, then `direct` to itself;
/// - event `out`: the application disconnects it; `close`, `cut` likewise;
/// - event `panic`: what it says.
pub(crate) struct Recorder {
    calls: mpsc::UnboundedSender<Call>,
    pub(crate) gate: Arc<Semaphore>,
    feed: Feed,
}

/// What a test has in hand.
pub(crate) struct Stage {
    pub(crate) server: Running,
    pub(crate) calls: mpsc::UnboundedReceiver<Call>,
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) feed: Feed,
}

/// Times that no test waits for, unless it changes them.
pub(crate) fn options() -> ServerOptions {
    ServerOptions {
        feed_tick: Duration::from_millis(5),
        ..ServerOptions::default()
    }
}

/// A server with `/` and `/other`, both recorded.
pub(crate) fn stage(options: ServerOptions) -> Stage {
    let (calls, recorded) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let feed = Feed::new(&options);
    let recorder = || Recorder {
        calls: calls.clone(),
        gate: Arc::clone(&gate),
        feed: feed.clone(),
    };
    let server = Server::builder(options)
        .namespace("/", recorder())
        .namespace("/other", recorder())
        .start(bind("127.0.0.1:0".parse().unwrap()).unwrap());
    Stage {
        server,
        calls: recorded,
        gate,
        feed,
    }
}

impl Stage {
    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    pub(crate) async fn call(&mut self) -> Call {
        soon(self.calls.recv()).await.unwrap()
    }

    /// The socket that has connected and joined next.
    pub(crate) async fn joined(&mut self) -> Socket {
        match self.call().await {
            Call::Connect(_) => {}
            other => panic!("expected connect: {other:?}"),
        }
        match self.call().await {
            Call::Joined(socket) => socket,
            other => panic!("expected joined: {other:?}"),
        }
    }

    pub(crate) async fn left(&mut self) -> (Socket, LeaveReason) {
        match self.call().await {
            Call::Left(socket, reason) => (socket, reason),
            other => panic!("expected left: {other:?}"),
        }
    }

    pub(crate) async fn event(&mut self) -> (Socket, String) {
        match self.call().await {
            Call::Event(socket, event) => (socket, event),
            other => panic!("expected an event: {other:?}"),
        }
    }

    /// What is left after everything has ended.
    pub(crate) async fn rest(mut self) -> Vec<Call> {
        self.server.close(Duration::from_secs(5)).await;
        let mut rest = Vec::new();
        while let Some(call) = soon(self.calls.recv()).await {
            rest.push(call);
        }
        rest
    }
}

impl Recorder {
    fn tell(&self, call: Call) {
        let _ = self.calls.send(call);
    }

    async fn pass(&self) {
        self.gate.acquire().await.unwrap().forget();
    }
}

impl Namespace for Recorder {
    type State = u32;

    async fn connect(&self, socket: &Socket, request: ConnectRequest) -> Result<u32, Refusal> {
        self.tell(Call::Connect(socket.clone()));
        let auth = request.auth.as_deref().map_or("", RawValue::get);
        let wish: serde_json::Value = serde_json::from_str(auth).unwrap_or_default();
        if let Some(text) = wish["refuse"].as_str() {
            let data = serde_json::json!({ "why": text });
            return Err(Refusal {
                message: text.to_owned(),
                data: serde_json::value::to_raw_value(&data).ok(),
            });
        }
        if wish["wait"] == true {
            self.pass().await;
        }
        if wish["vanish"] == true {
            socket.disconnect();
        }
        if wish["early"] == true {
            socket.emit("early", &(1,)).unwrap();
            self.feed.subscribe(socket);
            self.feed.publish(news(0));
            socket.emit("early", &(2,)).unwrap();
        }
        Ok(0)
    }

    async fn joined(&self, socket: &Socket, _: &mut u32) {
        self.tell(Call::Joined(socket.clone()));
    }

    async fn event(&self, socket: &Socket, events: &mut u32, event: IncomingEvent) {
        *events += 1;
        let args: Vec<_> = event.args.iter().map(|arg| arg.get()).collect();
        let shown = format!("{}({})", event.name, args.join(", "));
        let text = |at: usize| -> String { serde_json::from_str(args[at]).unwrap() };
        let space = socket.namespace();
        match event.name.as_str() {
            "back" => {
                let (args, files) = (&event.args, &event.attachments);
                send(
                    socket,
                    &Frame::event_with_attachments(space, None, "back", args, files),
                );
            }
            "ask" => {
                let (args, files) = (&event.args, &event.attachments);
                let ack = event.ack.expect("asked for");
                send(socket, &ack.answer_with_attachments(space, args, files));
            }
            "wait" => self.pass().await,
            "enter" => socket.join(&text(0)),
            "leave" => socket.leave(&text(0)),
            "tell" => {
                socket.to(&text(0)).emit("told", &(text(1),)).unwrap();
            }
            "publish" => {
                let number = args[0].parse().unwrap();
                self.feed.publish(news(number));
                socket.emit("direct", &(number,)).unwrap();
            }
            "out" => socket.disconnect(),
            "close" => socket.close(),
            "cut" => socket.cut(),
            "panic" => panic!("as the client wished"),
            _ => {}
        }
        self.tell(Call::Event(socket.clone(), shown));
    }

    fn undecodable(&self, _: &Socket, error: DecodeError) {
        self.tell(Call::Undecodable(error));
    }

    async fn settle(&self, _: &Socket, _: &mut u32) {
        self.tell(Call::Settle);
    }

    async fn left(&self, socket: &Socket, _: u32, reason: LeaveReason) {
        self.tell(Call::Left(socket.clone(), reason));
    }
}

pub(crate) fn news(number: u64) -> Frame {
    Frame::event("/", None, "news", &(number,)).unwrap()
}

fn send(socket: &Socket, frame: &Result<Frame, serde_json::Error>) {
    if socket.send(frame.as_ref().unwrap()).is_ok() {
        socket.flush();
    }
}
