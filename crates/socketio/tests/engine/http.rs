//! HTTP by hand, one connection per request; a session on long polling.

use std::{collections::VecDeque, net::SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::stage::soon;

/// What a server answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A header; names are compared as they should be.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// One request as it is written.
pub(crate) fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// Reads an answer up to the end of its connection.
pub(crate) async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> Answer {
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    Answer {
        status: head[9..12].parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

pub(crate) async fn send(addr: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

pub(crate) async fn get(addr: SocketAddr, path: &str) -> Answer {
    answer(&mut send(addr, &request("GET", path, "", "")).await).await
}

pub(crate) async fn post(addr: SocketAddr, path: &str, body: &str) -> Answer {
    answer(&mut send(addr, &request("POST", path, "", body)).await).await
}

/// A connection that has had an answer and may have another.
pub(crate) async fn kept_alive(addr: SocketAddr) -> TcpStream {
    let mut stream = send(addr, "GET /nothing HTTP/1.1\r\nHost: test\r\n\r\n").await;
    let mut seen = Vec::new();
    while !seen.ends_with(b"Nothing is here.") {
        assert_ne!(soon(stream.read_buf(&mut seen)).await.unwrap(), 0);
    }
    stream
}

pub(crate) const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// A session on long polling.
pub(crate) struct Poller {
    addr: SocketAddr,
    pub(crate) sid: String,
    pub(crate) upgrades: Vec<String>,
    heard: VecDeque<String>,
}

impl Poller {
    /// Opens the session.
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        let answer = get(addr, POLLING).await;
        assert_eq!(answer.status, 200);
        let open: serde_json::Value = serde_json::from_str(&answer.body[1..]).unwrap();
        let upgrades = open["upgrades"].as_array().unwrap();
        Self {
            addr,
            sid: open["sid"].as_str().unwrap().to_owned(),
            upgrades: upgrades
                .iter()
                .map(|name| name.as_str().unwrap().to_owned())
                .collect(),
            heard: VecDeque::new(),
        }
    }

    /// Opens the session and joins the main namespace.
    pub(crate) async fn join(addr: SocketAddr) -> Self {
        let mut poller = Self::open(addr).await;
        poller.says("40").await;
        assert!(poller.hears().await.starts_with("40"));
        poller
    }

    pub(crate) fn path(&self) -> String {
        format!("{POLLING}&sid={}", self.sid)
    }

    pub(crate) async fn poll(&self) -> Answer {
        get(self.addr, &self.path()).await
    }

    /// A poll on a connection that is there.
    pub(crate) async fn poll_on(&self, stream: &mut TcpStream) -> Answer {
        let text = request("GET", &self.path(), "", "");
        stream.write_all(text.as_bytes()).await.unwrap();
        answer(stream).await
    }

    pub(crate) async fn post(&self, payload: &str) -> Answer {
        post(self.addr, &self.path(), payload).await
    }

    /// A poll that stays on its way.
    pub(crate) async fn poll_open(&self) -> TcpStream {
        send(self.addr, &request("GET", &self.path(), "", "")).await
    }

    pub(crate) async fn says(&self, payload: &str) {
        let answer = self.post(payload).await;
        assert_eq!((answer.status, &*answer.body), (200, "ok"));
    }

    /// The next packet, by as many polls as it takes.
    pub(crate) async fn hears(&mut self) -> String {
        loop {
            if let Some(packet) = self.heard.pop_front() {
                return packet;
            }
            let answer = self.poll().await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let packets = answer.body.split('\x1e').map(str::to_owned);
            self.heard.extend(packets);
        }
    }

    /// That the session is gone.
    pub(crate) async fn is_unknown(&self) {
        let answer = self.poll().await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body, r#"{"code":1,"message":"Session ID unknown"}"#);
    }
}
