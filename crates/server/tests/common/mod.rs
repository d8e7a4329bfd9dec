//! A server in this process, and a WebSocket to talk to it frame by frame.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::{collections::VecDeque, net::SocketAddr, sync::LazyLock, time::Duration};

use futures_util::{SinkExt, StreamExt};
use parlour_server::{Config, Limits, Running, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error as WsError, Message},
};

/// What a client that speaks pm adds to its `auth`.
pub(crate) static PM: LazyLock<Value> =
    LazyLock::new(|| json!({"v": [1], "caps": [], "client": "test"}));

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn config(data: &TempDir) -> Config {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config::new(listen, data.path().join("data"));
    config.cors_origins = vec!["http://localhost:8080".parse().expect("url")];
    // A test says more at once than people do.
    config.limits = Limits::NONE;
    config
}

pub(crate) async fn start() -> (TempDir, Running) {
    start_with(|_| {}).await
}

/// A server that is run a little differently.
pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> (TempDir, Running) {
    let data = tempfile::tempdir().expect("folder");
    let mut config = config(&data);
    change(&mut config);
    let running = Server::start(config).await.expect("started");
    (data, running)
}

/// Everything in somebody's inbox, by pages.
pub(crate) async fn inbox(addr: SocketAddr, session: &Value) -> Vec<Value> {
    let auth = json!({"sessionID": session["sessionID"], "pm": *PM});
    let (mut raw, _, _) = Raw::signs_in(addr, &auth).await;
    let mut messages = Vec::new();
    let mut next = json!(0);
    loop {
        let page = raw
            .asks("pm:sync", &json!({"since": next, "limit": 200}))
            .await;
        messages.extend_from_slice(page["messages"].as_array().expect("messages"));
        if page["complete"] == json!(true) {
            return messages;
        }
        next = page["next"].clone();
    }
}

/// An Engine.IO session over a WebSocket, in raw frames.
pub(crate) struct Raw {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    acks: u64,
    /// What came while an answer was waited for.
    early: VecDeque<String>,
}

impl Raw {
    /// Opens the session; the `open` packet has been read.
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        let url = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket");
        let (stream, _) = connect_async(url).await.expect("a WebSocket");
        let mut raw = Self {
            stream,
            acks: 0,
            early: VecDeque::new(),
        };
        assert!(raw.frame().await.starts_with("0{"));
        raw
    }

    /// Opens the session and signs in; gives the session and the users.
    pub(crate) async fn signs_in(addr: SocketAddr, auth: &Value) -> (Self, Value, Value) {
        let mut raw = Self::open(addr).await;
        raw.send(&format!("40{auth}")).await;
        assert!(raw.frame().await.starts_with("40{"));
        let session = raw.event("session").await;
        let users = raw.event("users").await;
        (raw, session, users)
    }

    pub(crate) async fn arrives(addr: SocketAddr, name: &str) -> (Self, Value) {
        let (raw, session, _) = Self::signs_in(addr, &json!({ "username": name })).await;
        (raw, session)
    }

    pub(crate) async fn send(&mut self, frame: &str) {
        self.stream.send(Message::text(frame)).await.expect("sent");
    }

    /// Sends a frame to a server that may refuse it midway.
    pub(crate) async fn try_send(&mut self, frame: &str) -> Result<(), WsError> {
        self.stream.send(Message::text(frame)).await
    }

    /// Sends many frames without waiting in between.
    pub(crate) async fn feed(&mut self, frames: impl Iterator<Item = String>) {
        for frame in frames {
            self.stream.feed(Message::text(frame)).await.expect("fed");
        }
        self.stream.flush().await.expect("sent");
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        let message = Message::binary(bytes.to_vec());
        self.stream.send(message).await.expect("sent");
    }

    pub(crate) async fn says(&mut self, to: &Value, content: &str) {
        self.send(&message(to, content)).await;
    }

    /// The next text frame but pings, which are answered; `None` at the end.
    pub(crate) async fn maybe_frame(&mut self) -> Option<String> {
        if let Some(frame) = self.early.pop_front() {
            return Some(frame);
        }
        self.fresh_frame().await
    }

    async fn fresh_frame(&mut self) -> Option<String> {
        loop {
            let next = timeout(PATIENCE, self.stream.next()).await;
            match next.expect("something in time") {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => {
                    // A server that is closing takes no answer: what is read next tells.
                    let _ = self.try_send("3").await;
                }
                Some(Ok(Message::Text(text))) => return Some(text.as_str().to_owned()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    pub(crate) async fn frame(&mut self) -> String {
        self.maybe_frame().await.expect("no end yet")
    }

    /// The argument of the next frame, which must be this event.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        let frame = self.frame().await;
        let packet = frame
            .strip_prefix("42")
            .unwrap_or_else(|| panic!("{frame}"));
        let [event, argument]: [Value; 2] = serde_json::from_str(packet).expect("an event");
        assert_eq!(event, name);
        argument
    }

    /// Emits an event and gives its answer; what comes before it stays to be read.
    pub(crate) async fn asks(&mut self, event: &str, payload: &Value) -> Value {
        let ack = self.emits(event, payload).await;
        self.answer(ack).await
    }

    /// Emits an event that wants an answer; gives its number.
    pub(crate) async fn emits(&mut self, event: &str, payload: &Value) -> u64 {
        self.acks += 1;
        let ack = self.acks;
        let packet = json!([event, payload]);
        self.send(&format!("42{ack}{packet}")).await;
        ack
    }

    /// The answer of that number.
    pub(crate) async fn answer(&mut self, ack: u64) -> Value {
        let begin = format!("43{ack}[");
        loop {
            let frame = self.fresh_frame().await.expect("no end yet");
            if frame.starts_with(&begin) {
                let json = &frame[begin.len() - 1..];
                let [answer]: [Value; 1] = serde_json::from_str(json).expect("an answer");
                return answer;
            }
            self.early.push_back(frame);
        }
    }

    /// Opens the session, and is refused; gives the CONNECT_ERROR.
    pub(crate) async fn is_refused(addr: SocketAddr, auth: &Value) -> Value {
        let mut raw = Self::open(addr).await;
        raw.send(&format!("40{auth}")).await;
        let frame = raw.frame().await;
        let error = frame
            .strip_prefix("44")
            .unwrap_or_else(|| panic!("{frame}"));
        serde_json::from_str(error).expect("an error")
    }

    /// Signs in by name as a client that speaks pm.
    pub(crate) async fn arrives_with_pm(addr: SocketAddr, name: &str) -> (Self, Value, Value) {
        Self::signs_in(addr, &json!({"username": name, "pm": *PM})).await
    }

    /// Reads until the end.
    pub(crate) async fn ends(&mut self) {
        while self.maybe_frame().await.is_some() {}
    }

    /// Sends a fence and waits for its answer; gives what came before it.
    pub(crate) async fn fence(&mut self, number: u64) -> Vec<String> {
        self.send(&format!("40/__f{number},")).await;
        let answer = format!(r#"44/__f{number},{{"message":"Invalid namespace"}}"#);
        let mut before = Vec::new();
        loop {
            let frame = self.frame().await;
            if frame == answer {
                return before;
            }
            before.push(frame);
        }
    }
}

/// A `private message` as a frame.
pub(crate) fn message(to: &Value, content: &str) -> String {
    let event = json!(["private message", {"content": content, "to": to}]);
    format!("42{event}")
}
