//! Everything hostile that one can think of, on every level of the wire. After
//! each of it another pair of people still chats; at the end nothing is left of it.

mod chat;
mod engine;
mod http;
mod nested;
mod packets;
mod websocket;

use std::time::{Duration, Instant};

use parlour_tests::{pm::Device, program::ServerProgram};

/// What all of it together may leave behind in memory, in a program that was
/// not optimised and whose allocator keeps some.
const MEMORY: usize = 48 << 20;

/// How long a connection that must be closed may stay open.
const CLOSED_WITHIN: Duration = Duration::from_secs(15);

/// A server that is attacked, and two people who are there meanwhile.
struct Stage {
    server: ServerProgram,
    address: String,
    ann: Device,
    bob: Device,
    count: usize,
    memory: usize,
    files: usize,
}

impl Stage {
    async fn set() -> Self {
        let server = ServerProgram::start();
        let url = server.url();
        let (ann, bob) = (
            Device::signs_in(&url, "Ann").await,
            Device::signs_in(&url, "Bob").await,
        );
        Self {
            address: server.address(),
            ann,
            bob,
            count: 0,
            memory: server.memory(),
            files: server.open_files(),
            server,
        }
    }

    /// The two chat, both ways. `after` names what came before.
    async fn chats(&mut self, after: &str) {
        assert!(
            !self.ann.is_closed() && !self.bob.is_closed(),
            "somebody else was cut after: {after}"
        );
        self.count += 1;
        let text = format!("text {}", self.count);
        self.ann.says(self.bob.user(), &text).await;
        self.bob.hears(&text).await;
        self.bob.says(self.ann.user(), &text).await;
        self.ann.hears(&text).await;
    }

    /// Nothing came through to anybody, nothing is left behind.
    async fn strikes(mut self) {
        self.chats("all of it").await;
        let heard =
            |device: &Device| device.heard(|heard| (heard.messages.len(), heard.unreadable));
        assert_eq!(heard(&self.ann), (self.count, 0));
        assert_eq!(heard(&self.bob), (self.count, 0));
        assert_eq!(self.bob.inbox().await.messages.len(), 2 * self.count);
        let end = Instant::now() + Duration::from_secs(30);
        while self.server.open_files() > self.files + 4 {
            let open = self.server.open_files();
            assert!(
                Instant::now() < end,
                "{open} files open, {} before",
                self.files
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let grown = self.server.memory().saturating_sub(self.memory);
        assert!(grown < MEMORY, "{grown} bytes are left behind");
        assert!(self.server.terminate().0.success());
        let log = self.server.log();
        assert!(!log.contains("panicked"), "{log}");
    }
}

pub(crate) async fn http_that_is_none() {
    let mut stage = Stage::set().await;
    http::strikes(&mut stage).await;
    stage.strikes().await;
}

pub(crate) async fn dawdlers_are_not_waited_for() {
    let mut stage = Stage::set().await;
    http::dawdles(&mut stage).await;
    stage.strikes().await;
}

pub(crate) async fn sessions_that_break_the_engines_rules() {
    let mut stage = Stage::set().await;
    engine::strikes(&mut stage).await;
    stage.strikes().await;
}

pub(crate) async fn websocket_frames_that_are_none() {
    let mut stage = Stage::set().await;
    websocket::strikes(&mut stage).await;
    stage.strikes().await;
}

pub(crate) async fn packets_that_are_none() {
    let mut stage = Stage::set().await;
    packets::strikes(&mut stage).await;
    stage.strikes().await;
}

pub(crate) async fn requests_of_the_wrong_shape() {
    let mut stage = Stage::set().await;
    chat::strikes(&mut stage).await;
    stage.strikes().await;
}
