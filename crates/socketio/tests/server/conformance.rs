//! What the protocol documents of Engine.IO 4 and Socket.IO 5 say that a server
//! does, case by case, against the example that serves their conformance suites.

use std::{
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::raw::{Raw, http, soon};

mod engine;
#[path = "../../examples/conformance.rs"]
mod example;
mod socket;

/// What the example's clients may rely on.
const PING_INTERVAL: Duration = Duration::from_millis(300);
const PING_TIMEOUT: Duration = Duration::from_millis(200);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The example, running; it ends with this.
struct Example {
    addr: SocketAddr,
    _process: Child,
}

impl Example {
    async fn start() -> Self {
        // This program once more: it has the example in it, as it is now.
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "conformance::serving", "--nocapture"])
            .env("PORT", "0")
            .env(SERVE, "yes")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = loop {
            let line = soon(lines.next_line()).await.unwrap().unwrap();
            if let Some((_, url)) = line.split_once("server listening at http://") {
                break url.to_owned();
            }
        };
        Self {
            addr: url.parse().unwrap(),
            _process: process,
        }
    }
}

/// Set in the process that is to be the example.
const SERVE: &str = "PARLOUR_SERVE_CONFORMANCE";

/// The example's `main`, in a process that [`Example::start`] has started for it;
/// otherwise it checks that a port that is none is refused.
#[test]
fn serving() {
    if std::env::var_os(SERVE).is_some() {
        example::main().unwrap();
    }
    assert!(example::port(Some("a door".to_owned())).is_err());
    assert_eq!(example::port(None).unwrap(), 3000);
    assert_eq!(example::port(Some("80".to_owned())).unwrap(), 80);
}

#[tokio::test]
async fn the_example_does_what_the_protocols_say() {
    let server = Example::start().await;
    // All at once: they have nothing to do with each other but the server.
    tokio::join!(
        Box::pin(engine::handshakes(server.addr)),
        Box::pin(engine::heartbeats(server.addr)),
        Box::pin(engine::ends(server.addr)),
        Box::pin(engine::upgrades(server.addr)),
        Box::pin(socket::joining(server.addr)),
        Box::pin(socket::refusals(server.addr)),
        Box::pin(socket::leaving(server.addr)),
        Box::pin(socket::messages(server.addr)),
        Box::pin(socket::invalid_packets(server.addr)),
        Box::pin(cross_origin(server.addr)),
    );
}

/// Pages from anywhere may use it.
async fn cross_origin(server: SocketAddr) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for method in ["GET", "OPTIONS"] {
        let mut stream = tokio::net::TcpStream::connect(server).await.unwrap();
        let request = format!(
            "{method} /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: {server}\r\n\
             Origin: http://elsewhere.example\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
        let head = answer.to_lowercase();
        assert!(
            head.contains("access-control-allow-origin: *\r\n"),
            "{answer}"
        );
    }
}
