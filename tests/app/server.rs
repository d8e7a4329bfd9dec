//! Servers to connect to, good and bad.

use std::{
    net::{Ipv4Addr, TcpListener as StdListener},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use crate::{
    parts,
    process::{Group, ended_cleanly},
    stage,
};

/// Our own server, as people run it. Its port and its data stay through restarts.
pub(crate) struct Server {
    running: Option<Group>,
    listen: String,
    data: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut server = Self {
            running: None,
            listen: format!("127.0.0.1:{}", free_port()),
            data: TempDir::new().expect("a temporary folder"),
        };
        server.comes_back();
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Ends as a service manager ends it, and waits until it has.
    pub(crate) fn stops(&mut self) {
        let status = self.running.take().expect("it runs").terminate();
        assert!(ended_cleanly(status), "the server ended with {status}");
    }

    pub(crate) fn comes_back(&mut self) {
        let mut command = Command::new(parts::server());
        command
            .args(["--listen", &self.listen, "--data"])
            .arg(self.data.path());
        command.stderr(stage::open_log("server"));
        let (group, address) = Group::start_until(&mut command, "server listening at ");
        assert_eq!(address, self.address());
        self.running = Some(group);
    }
}

/// A web server that has never heard of Socket.IO.
pub(crate) struct WebServer {
    address: String,
    visits: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl WebServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = visits.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\
                                content-length: 12\r\nconnection: close\r\n\r\n<p>Hello</p>";
                    let _ = stream.write_all(page.as_bytes()).await;
                });
            }
        });
        Self {
            address,
            visits,
            task,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How many connections there have been.
    pub(crate) fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A port that nobody listens at just now. Not one of those that the system
/// gives to outgoing connections: it would be gone before it is used, or a
/// connection to it, with nobody there, would meet itself.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Apart from those of another run at the same time.
    let start = std::process::id().wrapping_mul(97);
    loop {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::SeqCst)) % COUNT;
        let port = FIRST + u16::try_from(offset).expect("below the count");
        if StdListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
