//! A server in this process, and a WebSocket to talk to it frame by frame.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use parlour_server::{Config, Running, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error as WsError, Message},
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn config(data: &TempDir) -> Config {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config::new(listen, data.path().join("data"));
    config.cors_origins = vec!["http://localhost:8080".parse().expect("url")];
    config
}

pub(crate) async fn start() -> (TempDir, Running) {
    let data = tempfile::tempdir().expect("folder");
    let running = Server::start(config(&data)).await.expect("started");
    (data, running)
}

/// An Engine.IO session over a WebSocket, in raw frames.
pub(crate) struct Raw {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Raw {
    /// Opens the session; the `open` packet has been read.
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        let url = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket");
        let (stream, _) = connect_async(url).await.expect("a WebSocket");
        let mut raw = Self { stream };
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
