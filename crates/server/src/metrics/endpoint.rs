//! The port that Prometheus asks: one page, a request a connection.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
    time::timeout,
};

use super::Scrape;

/// Those who ask at the same time. A collector is one.
const AT_ONCE: usize = 8;

/// Bytes of the head of a request.
const HEAD: usize = 8 * 1024;

/// How long asking and answering may take.
const LIMIT: Duration = Duration::from_secs(5);

/// How long accepting rests after an error such as "too many open files".
const REST: Duration = Duration::from_millis(100);

/// Serves metrics until dropped.
#[derive(Debug)]
pub(crate) struct Endpoint {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Endpoint {
    /// Serves `scrape` at `addr`.
    pub(crate) async fn start(addr: SocketAddr, scrape: Scrape) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, Arc::new(scrape)));
        Ok(Self { addr, task })
    }

    /// Where it listens, with the real port.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, scrape: Arc<Scrape>) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(turn) = turns.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let scrape = scrape.clone();
                tokio::spawn(async move {
                    let _turn = turn;
                    // One who asks and goes, or never asks, is nobody's concern.
                    let _ = timeout(LIMIT, answer(stream, &scrape)).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the metrics port cannot accept");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, scrape: &Scrape) -> io::Result<()> {
    let head = head(&mut stream).await?;
    let mut words = head.split(' ');
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    let path = target.split('?').next();
    let (status, body) = match (method, path) {
        (Some("GET"), Some("/metrics")) => ("200 OK", scrape.page()),
        (Some("GET"), _) => ("404 Not Found", "Metrics are at /metrics.\n".to_owned()),
        _ => ("405 Method Not Allowed", String::new()),
    };
    let response = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await
}

/// The head of the request, which is all there is of a GET.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut stream = stream.take(HEAD as u64);
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    async fn ask(addr: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(addr).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    }

    #[tokio::test]
    async fn it_serves_one_page() {
        let scrape = Scrape {
            metrics: Arc::new(Metrics::default()),
            engine: Box::new(Default::default),
            database: None,
        };
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let endpoint = Endpoint::start(any, scrape).await.expect("started");
        let addr = endpoint.addr();
        let page = ask(addr, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        assert!(page.contains("\nparlour_messages_accepted_total 0\n"));
        assert!(!page.contains("database_bytes"));
        let other = ask(addr, "GET / HTTP/1.1\r\n\r\n").await;
        assert!(other.starts_with("HTTP/1.1 404 "), "{other}");
        let post = ask(addr, "POST /metrics HTTP/1.1\r\n\r\n").await;
        assert!(post.starts_with("HTTP/1.1 405 "), "{post}");
        drop(endpoint);
    }
}
