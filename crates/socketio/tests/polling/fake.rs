//! A server that lets one in, and then answers as a test says.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How a request is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// With this body.
    Body(Vec<u8>),
    /// With this status and an empty body.
    Status(u16),
    /// With these bytes, head and all; then the connection is closed.
    Raw(Vec<u8>),
    /// With this body, byte by byte, with so much time in between.
    Drip(&'static str, Duration),
    /// With a body of so many bytes, announced or not.
    Large { bytes: usize, announced: bool },
    /// Never.
    Never,
}

pub(crate) fn body(text: &str) -> Reply {
    Reply::Body(text.as_bytes().to_vec())
}

/// See the module. Dropping it ends it.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    script: Arc<Script>,
    task: JoinHandle<()>,
}

struct Script {
    polls: Mutex<VecDeque<Reply>>,
    posts: Mutex<VecDeque<Reply>>,
    heard: Mutex<Vec<String>>,
}

const HANDSHAKE: &str =
    r#"0{"sid":"fake","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}"#;

impl Fake {
    /// Polls get these answers after the welcome, then none; requests with packets
    /// these after the CONNECT, then `ok`.
    pub(crate) async fn start(polls: Vec<Reply>, posts: Vec<Reply>) -> Self {
        let welcome = [body(HANDSHAKE), body(r#"40{"sid":"me"}"#)];
        Self::bare(
            welcome.into_iter().chain(polls).collect(),
            [body("ok")].into_iter().chain(posts).collect(),
        )
        .await
    }

    /// The same without a welcome.
    pub(crate) async fn bare(polls: Vec<Reply>, posts: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Script {
            polls: Mutex::new(polls.into()),
            posts: Mutex::new(posts.into()),
            heard: Mutex::default(),
        });
        let shared = script.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, shared.clone()));
            }
        });
        Self {
            address,
            script,
            task,
        }
    }

    /// How many answers are left that nobody asked for.
    pub(crate) fn left(&self) -> usize {
        self.script.polls.lock().unwrap().len()
    }

    /// The bodies of the requests that had one.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.script.heard.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Script>) {
    let mut buffer = Vec::new();
    while let Some(posted) = request(&mut stream, &mut buffer).await {
        let (next, otherwise) = match posted {
            Some(posted) => {
                script.heard.lock().unwrap().push(posted);
                (script.posts.lock().unwrap().pop_front(), body("ok"))
            }
            None => (script.polls.lock().unwrap().pop_front(), Reply::Never),
        };
        // A client that has heard enough hangs up.
        if answer(&mut stream, next.unwrap_or(otherwise))
            .await
            .is_err()
        {
            return;
        }
    }
}

/// The body of a request, if it had one; `None` at the end.
async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Option<String>> {
    let end = loop {
        let end = buffer.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head: Vec<u8> = buffer.drain(..end).collect();
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| {
        let length = line.strip_prefix("content-length:")?;
        Some(length.trim().parse::<usize>().unwrap())
    });
    if !head.starts_with("post ") {
        return Some(None);
    }
    let length = length.expect("a length");
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let posted = buffer.drain(..length).collect();
    Some(Some(String::from_utf8(posted).unwrap()))
}

async fn answer(stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    let head = |status: u16, length: usize| {
        format!("HTTP/1.1 {status} So\r\nContent-Length: {length}\r\n\r\n").into_bytes()
    };
    match reply {
        Reply::Body(body) => {
            let mut answer = head(200, body.len());
            answer.extend(body);
            stream.write_all(&answer).await
        }
        Reply::Status(status) => stream.write_all(&head(status, 0)).await,
        Reply::Raw(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await?;
            // Until the client has left, so that no reset overtakes the answer.
            let _ = stream.read_to_end(&mut Vec::new()).await;
            Err(std::io::ErrorKind::UnexpectedEof.into())
        }
        Reply::Drip(text, pause) => {
            stream.write_all(&head(200, text.len())).await?;
            for byte in text.as_bytes() {
                tokio::time::sleep(pause).await;
                stream.write_all(&[*byte]).await?;
            }
            Ok(())
        }
        Reply::Large { bytes, announced } => {
            let start = if announced {
                head(200, bytes)
            } else {
                b"HTTP/1.1 200 So\r\nConnection: close\r\n\r\n".to_vec()
            };
            stream.write_all(&start).await?;
            let piece = vec![b'4'; 64 << 10];
            for _ in 0..bytes / piece.len() {
                stream.write_all(&piece).await?;
            }
            stream.shutdown().await
        }
        Reply::Never => std::future::pending().await,
    }
}
