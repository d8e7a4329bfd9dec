//! A client that says what a test wants, frame by frame; and plain HTTP.

use std::{future::Future, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// Nothing here takes as long as this unless something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for what must happen.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("it should have happened by now")
}

/// One WebSocket to a server.
pub(crate) struct Raw {
    pub(crate) ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Raw {
    /// The WebSocket of that query; `None` if the server refuses it.
    pub(crate) async fn dial(server: SocketAddr, query: &str) -> Option<Self> {
        let url = format!("ws://{server}/socket.io/?{query}");
        let (ws, _) = soon(Box::pin(connect_async(url))).await.ok()?;
        Some(Self { ws })
    }

    /// A session of the engine that has joined nothing.
    pub(crate) async fn open(server: SocketAddr) -> Self {
        let mut raw = Self::dial(server, "EIO=4&transport=websocket")
            .await
            .unwrap();
        let open = raw.hear().await;
        assert!(open.starts_with("0{"), "{open}");
        raw
    }

    /// One that has joined the main namespace.
    pub(crate) async fn join(server: SocketAddr) -> Self {
        let mut raw = Self::open(server).await;
        raw.say("40").await;
        raw.hears_welcome("40").await;
        raw
    }

    /// The answer to a CONNECT, and the id in it.
    pub(crate) async fn hears_welcome(&mut self, start: &str) -> String {
        let text = self.hear().await;
        let id = text
            .strip_prefix(start)
            .and_then(|rest| rest.strip_prefix(r#"{"sid":""#))
            .and_then(|rest| rest.strip_suffix(r#""}"#));
        id.unwrap_or_else(|| panic!("not let in: {text}"))
            .to_owned()
    }

    pub(crate) async fn say(&mut self, text: &str) {
        soon(self.ws.send(Message::text(text))).await.unwrap();
    }

    /// As [`Self::say`], where the server may have hung up before.
    pub(crate) async fn try_say(&mut self, text: &str) {
        let _ = soon(self.ws.send(Message::text(text))).await;
    }

    pub(crate) async fn say_bytes(&mut self, bytes: &[u8]) {
        let message = Message::binary(Bytes::copy_from_slice(bytes));
        soon(self.ws.send(message)).await.unwrap();
    }

    /// The next message; pings are answered on the way.
    pub(crate) async fn next(&mut self) -> Message {
        loop {
            match soon(self.ws.next()).await {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => self.try_say("3").await,
                Some(Ok(message)) => return message,
                other => panic!("expected a message: {other:?}"),
            }
        }
    }

    /// The next message, which is a text.
    pub(crate) async fn hear(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("expected a text: {other:?}"),
        }
    }

    /// The next message, which is binary.
    pub(crate) async fn hear_bytes(&mut self) -> Bytes {
        match self.next().await {
            Message::Binary(bytes) => bytes,
            other => panic!("expected bytes: {other:?}"),
        }
    }

    /// Everything up to the end of the connection, which is its end for both.
    pub(crate) async fn hears_the_end(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        while let Some(Ok(message)) = soon(self.ws.next()).await {
            match message {
                Message::Text(text) if text.as_str() == "2" => self.try_say("3").await,
                Message::Text(text) => heard.push(text.to_string()),
                _ => {}
            }
        }
        let _ = self.ws.get_mut().shutdown().await;
        heard
    }

    /// Nothing was said until now that it has not heard.
    pub(crate) async fn hears_nothing_else(&mut self) {
        self.say("40/nothing-of-this-name").await;
        let refused = r#"44/nothing-of-this-name,{"message":"Invalid namespace"}"#;
        assert_eq!(self.hear().await, refused);
    }
}

/// The answer to an HTTP request: status and body.
pub(crate) async fn http(
    server: SocketAddr,
    method: &str,
    query: &str,
    body: &str,
) -> (u16, String) {
    let request = format!(
        "{method} /socket.io/?{query} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\
         Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server).await.unwrap();
    soon(stream.write_all(request.as_bytes())).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    (status, body.to_owned())
}
