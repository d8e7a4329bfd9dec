//! Our server, in this process, with a data folder of its own.

use std::net::SocketAddr;

use parlour_server::{Config, Limits, Running, Server};
use tempfile::TempDir;

/// A server on a free port, which it keeps across restarts.
pub struct TestServer {
    address: SocketAddr,
    data: TempDir,
    running: Option<Running>,
}

impl TestServer {
    /// Starts with no data.
    pub async fn start() -> Self {
        let data = tempfile::tempdir().expect("a data folder");
        let running = run(SocketAddr::from(([127, 0, 0, 1], 0)), &data).await;
        Self {
            address: running.addr(),
            data,
            running: Some(running),
        }
    }

    /// The address for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it in order.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Ends it as a crash would.
    pub async fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill().await;
        }
    }

    /// Starts it again on the same port, with the same data.
    pub async fn restart(&mut self) {
        assert!(self.running.is_none(), "the server runs already");
        self.running = Some(run(self.address, &self.data).await);
    }

    /// Starts it again on the same port, with nothing left of its data.
    pub async fn restart_empty(&mut self) {
        self.data = tempfile::tempdir().expect("a data folder");
        self.restart().await;
    }
}

async fn run(listen: SocketAddr, data: &TempDir) -> Running {
    let mut config = Config::new(listen, data.path());
    // Stories say more in a second than a person can.
    config.limits = Limits::NONE;
    Server::start(config).await.expect("the server starts")
}
