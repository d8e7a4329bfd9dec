//! TCP, HTTP and WebSocket by hand: for what no well-behaved client would send.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// How long a server may be silent: longer than it waits between two pings.
const PATIENCE: Duration = Duration::from_secs(40);

/// Bytes that are read at a time.
const READ: usize = 16 * 1024;

/// The head that asks for a WebSocket, but for its first line and `Host`.
pub const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
                           Sec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Where the engine is asked for long polling.
pub const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// Where the engine is asked for a WebSocket.
pub const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// An answer to an HTTP request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head, in lower case.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find_map(|(key, value)| (key == name).then_some(value))
    }
}

/// A TCP connection to a server.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    address: String,
    buffer: Vec<u8>,
    // Where in the buffer begins what nobody has taken yet.
    start: usize,
}

impl Wire {
    /// Connects.
    ///
    /// # Panics
    /// If nobody listens.
    pub async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("an open stream");
        Self {
            stream,
            address: address.to_owned(),
            buffer: Vec::new(),
            start: 0,
        }
    }

    /// Connects with little room for what is not read yet: for a client that
    /// stops reading.
    ///
    /// # Panics
    /// If nobody listens.
    pub async fn connect_narrow(address: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a size");
        let to = address.parse().expect("an address");
        let stream = socket.connect(to).await.expect("a connection");
        Self {
            stream,
            address: address.to_owned(),
            buffer: Vec::new(),
            start: 0,
        }
    }

    /// Our own end of it.
    ///
    /// # Panics
    /// If it is closed.
    #[must_use]
    pub fn local_port(&self) -> u16 {
        self.stream.local_addr().expect("an open stream").port()
    }

    /// Sends bytes. A server that has closed takes none, which is no fault: what
    /// is read next tells.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.try_send(bytes).await;
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// The server has closed, or takes nothing in time.
    pub async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Says that nothing more will be sent.
    pub async fn end_sending(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Sends a request with the right host; `headers` end in line breaks.
    pub async fn request(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) {
        let host = &self.address;
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}");
        let length = match body {
            [] if method != "POST" => String::new(),
            body => format!("Content-Length: {}\r\n", body.len()),
        };
        let mut bytes = format!("{head}{length}\r\n").into_bytes();
        bytes.extend_from_slice(body);
        self.send(&bytes).await;
    }

    /// Sends a request and reads the answer.
    pub async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Option<Answer> {
        self.request(method, path, headers, body).await;
        self.answer().await
    }

    /// The next answer, or `None` if the connection ends first.
    ///
    /// # Panics
    /// If neither comes in time.
    pub async fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = find(&self.buffer[self.start..], b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = self.exactly(end).await?;
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let mut answer = Answer {
            status: status.expect("a status"),
            head,
            body: Vec::new(),
        };
        if answer.status == 101 {
            return Some(answer);
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = self.chunks().await?;
        } else {
            let length = answer.header("content-length").map(str::parse);
            let length = length.map_or(0, |length| length.expect("a length"));
            answer.body = self.exactly(length).await?;
        }
        Some(answer)
    }

    async fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = find(&self.buffer[self.start..], b"\r\n") {
                    break at;
                }
                if !self.more().await {
                    return None;
                }
            };
            let line = self.exactly(end + 2).await?;
            let size = String::from_utf8_lossy(&line[..end]).into_owned();
            let size = usize::from_str_radix(size.trim(), 16).expect("the size of a chunk");
            body.extend(self.exactly(size).await?);
            self.exactly(2).await?;
            if size == 0 {
                return Some(body);
            }
        }
    }

    async fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffer.len() - self.start < count {
            if !self.more().await {
                return None;
            }
        }
        let end = self.start + count;
        let taken = self.buffer[self.start..end].to_vec();
        self.start = end;
        Some(taken)
    }

    /// Reads what is there; `false` at the end.
    async fn more(&mut self) -> bool {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.reserve(READ);
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
        !matches!(read.expect("something in time"), Ok(0) | Err(_))
    }

    /// Waits until the server closes; `false` if it does not within `limit`.
    /// What it still says is not kept.
    pub async fn is_closed_within(&mut self, limit: Duration) -> bool {
        let end = async {
            let mut bytes = vec![0; READ];
            while !matches!(self.stream.read(&mut bytes).await, Ok(0) | Err(_)) {}
        };
        timeout(limit, end).await.is_ok()
    }
}

/// Where a pattern begins.
fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

/// A WebSocket frame, right or wrong.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Whether this is the last one of its message.
    pub fin: bool,
    /// The three reserved bits.
    pub reserved: u8,
    /// 1 text, 2 binary, 0 more of the same, 8 close, 9 ping, 10 pong.
    pub opcode: u8,
    /// Whether it is masked, as a client's frames must be.
    pub masked: bool,
    /// What its head says of its length; the truth if `None`.
    pub claimed: Option<u64>,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A whole message of text, or what pretends to be.
    #[must_use]
    pub fn text(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(1, payload)
    }

    /// A whole message of bytes.
    #[must_use]
    pub fn binary(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(2, payload)
    }

    /// A whole message of some kind.
    #[must_use]
    pub fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            fin: true,
            reserved: 0,
            opcode,
            masked: true,
            claimed: None,
            payload: payload.into(),
        }
    }

    /// Its bytes on the wire.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        const KEY: [u8; 4] = [0x5a, 0x13, 0xc4, 0x71];
        let first = (u8::from(self.fin) << 7) | ((self.reserved & 7) << 4) | (self.opcode & 15);
        let mut bytes = vec![first];
        let length = self
            .claimed
            .unwrap_or_else(|| self.payload.len().try_into().unwrap_or(u64::MAX));
        let mask = u8::from(self.masked) << 7;
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length @ 0..=125), _) => bytes.push(mask | length),
            (_, Ok(length)) => {
                bytes.push(mask | 126);
                bytes.extend(length.to_be_bytes());
            }
            _ => {
                bytes.push(mask | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        if self.masked {
            bytes.extend(KEY);
            let masked = self.payload.iter().zip(KEY.iter().cycle());
            bytes.extend(masked.map(|(byte, key)| byte ^ key));
        } else {
            bytes.extend_from_slice(&self.payload);
        }
        bytes
    }
}

/// An Engine.IO session over a WebSocket, frame by frame.
#[derive(Debug)]
pub struct RawSocket {
    wire: Wire,
}

impl RawSocket {
    /// Opens the session; the `open` packet has been read.
    pub async fn open(address: &str) -> Self {
        Self::over(Wire::connect(address).await).await
    }

    /// Opens the session on a connection that is there.
    ///
    /// # Panics
    /// If the server does not want one.
    pub async fn over(mut wire: Wire) -> Self {
        let answer = wire.ask("GET", WEBSOCKET, UPGRADE, b"").await;
        let status = answer.map(|answer| answer.status);
        assert_eq!(status, Some(101), "no WebSocket");
        let mut socket = Self { wire };
        let open = socket.text().await.expect("an open packet");
        assert!(open.starts_with("0{"), "no open packet");
        socket
    }

    /// Opens the session and joins with this `auth`; the welcome has been read,
    /// up to and with `users`. Gives `session`.
    ///
    /// # Panics
    /// If the server does not let us in.
    pub async fn joins(address: &str, auth: &serde_json::Value) -> (Self, serde_json::Value) {
        let mut socket = Self::open(address).await;
        let session = socket.join(auth).await;
        (socket, session)
    }

    /// Joins with this `auth` on an open session. Gives `session`.
    ///
    /// # Panics
    /// If the server does not let us in.
    pub async fn join(&mut self, auth: &serde_json::Value) -> serde_json::Value {
        self.send_text(&format!("40{auth}")).await;
        let welcome = self.text().await.expect("an answer");
        assert!(welcome.starts_with("40{"), "not let in: {welcome}");
        let session = self.text().await.expect("a session");
        let users = self.text().await.expect("users");
        assert!(users.starts_with(r#"42["users","#), "no users");
        let event = session.strip_prefix("42").expect("an event");
        let event: serde_json::Value = serde_json::from_str(event).expect("JSON");
        assert_eq!(event[0], "session");
        event[1].clone()
    }

    /// Sends a text message.
    pub async fn send_text(&mut self, text: &str) {
        self.send(&Frame::text(text)).await;
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Frame) {
        self.wire.send(&frame.encode()).await;
    }

    /// Only the TCP connection below.
    #[must_use]
    pub fn into_wire(self) -> Wire {
        self.wire
    }

    /// The TCP connection below.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// The next text but pings, which are answered; `None` at the end.
    ///
    /// # Panics
    /// If nothing comes in time.
    pub async fn text(&mut self) -> Option<String> {
        loop {
            let (opcode, payload) = self.frame().await?;
            match opcode {
                1 if payload == b"2" => self.send_text("3").await,
                1 => return Some(String::from_utf8(payload).expect("text in a text frame")),
                8 => return None,
                _ => {}
            }
        }
    }

    /// Reads until the server closes. Gives the code of its close frame, if it
    /// sent one.
    ///
    /// # Panics
    /// If nothing comes in time.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            let (opcode, payload) = self.frame().await?;
            match (opcode, payload.as_slice()) {
                (1, b"2") => self.send_text("3").await,
                (8, [high, low, ..]) => return Some(u16::from_be_bytes([*high, *low])),
                (8, _) => return Some(1005),
                _ => {}
            }
        }
    }

    /// Proves that the connection lives and that all before was dealt with.
    /// `false`: it has ended.
    pub async fn fence(&mut self, number: u64) -> bool {
        self.send_text(&format!("40/__f{number},")).await;
        let answer = format!("44/__f{number},");
        while let Some(text) = self.text().await {
            if text.starts_with(&answer) {
                return true;
            }
        }
        false
    }

    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let head = self.wire.exactly(2).await?;
        assert_eq!(head[1] & 0x80, 0, "a server does not mask");
        let length = match head[1] {
            126 => {
                let bytes = self.wire.exactly(2).await?;
                bytes
                    .iter()
                    .fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
            }
            127 => {
                let bytes = self.wire.exactly(8).await?;
                bytes
                    .iter()
                    .fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
            }
            short => usize::from(short),
        };
        Some((head[0] & 15, self.wire.exactly(length).await?))
    }
}

/// An Engine.IO session by long polling.
#[derive(Debug)]
pub struct RawPolling {
    wire: Wire,
    path: String,
}

impl RawPolling {
    /// Opens the session.
    ///
    /// # Panics
    /// If the server does not want one.
    pub async fn open(address: &str) -> Self {
        let mut wire = Wire::connect(address).await;
        let answer = wire.ask("GET", POLLING, "", b"").await.expect("an answer");
        let open = answer.text();
        let open = open.strip_prefix('0').expect("an open packet");
        let open: serde_json::Value = serde_json::from_str(open).expect("JSON");
        let sid = open["sid"].as_str().expect("a sid");
        Self {
            wire,
            path: format!("{POLLING}&sid={sid}"),
        }
    }

    /// Opens the session and joins with this `auth`; gives `session`. The welcome
    /// has been read.
    ///
    /// # Panics
    /// If the server does not let us in.
    pub async fn joins(address: &str, auth: &serde_json::Value) -> (Self, serde_json::Value) {
        let mut session = Self::open(address).await;
        let joined = session.post(format!("40{auth}").as_bytes()).await;
        assert_eq!(joined.map(|answer| answer.status), Some(200));
        let mut heard = String::new();
        while !heard.contains("42[\"users\"") {
            let answer = session.poll().await.expect("an answer");
            heard.push('\u{1e}');
            heard.push_str(&answer.text());
        }
        let packets = heard.split('\u{1e}');
        let event = packets
            .filter_map(|packet| packet.strip_prefix("42"))
            .find(|event| event.starts_with("[\"session\""))
            .expect("a session");
        let event: serde_json::Value = serde_json::from_str(event).expect("JSON");
        (session, event[1].clone())
    }

    /// Where the session is asked.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Polls once.
    pub async fn poll(&mut self) -> Option<Answer> {
        self.wire.ask("GET", &self.path, "", b"").await
    }

    /// Posts a body.
    pub async fn post(&mut self, body: &[u8]) -> Option<Answer> {
        self.wire.ask("POST", &self.path, "", body).await
    }

    /// Only the TCP connection below.
    #[must_use]
    pub fn into_wire(self) -> Wire {
        self.wire
    }
}
