//! How a server behaves: every limit with its unit and its reason.

use std::time::Duration;

use tokio::sync::Semaphore;

/// The longest time that is told apart from for ever. Every clock can be that far ahead.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What a [`Server`](super::Server) is told once, before it starts. A limit that nobody
/// wants is the largest value there is: `Duration::MAX`, `usize::MAX`.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where Engine.IO is served, with or without a slash at its ends: `/socket.io/`
    /// is where clients look.
    pub path: String,
    /// Serve HTTP long polling.
    pub polling: bool,
    /// Serve WebSocket, from the start and as an upgrade.
    pub websocket: bool,
    /// How often each connection is pinged.
    pub ping_interval: Duration,
    /// How long the answer to a ping may take.
    pub ping_timeout: Duration,
    /// How long a connection may stay without having joined a namespace.
    pub connect_timeout: Duration,
    /// How long an upgrade may take from its probe to its end.
    pub upgrade_timeout: Duration,
    /// The most bytes in one incoming WebSocket message, in one attachment
    /// or in the body of one POST.
    pub max_payload: usize,
    /// Attachments of one packet.
    pub max_attachments: usize,
    /// Bytes that may wait to be written to one connection before another frame
    /// is taken. At that point the connection is cut: its client connects again.
    pub out_bytes: usize,
    /// Frames that may wait, likewise.
    pub out_frames: usize,
    /// How long what waits may make no progress before the connection is cut.
    pub stall_timeout: Duration,
    /// How long the head of an HTTP request may take (slow loris).
    pub header_timeout: Duration,
    /// How long the body of a POST may take.
    pub body_timeout: Duration,
    /// TCP connections at once; more wait in the backlog. And sessions at once that
    /// began with long polling, which need no connection to be open: more are refused
    /// with 503.
    pub tcp_connections: usize,
    /// How long a [`Feed`](super::Feed) gathers what is published before it
    /// is written: one write for a connection and tick.
    pub feed_tick: Duration,
}

impl ServerOptions {
    /// The same as far as clocks and counters go, with the path as requests have it.
    pub(super) fn bounded(mut self) -> Self {
        for time in [
            &mut self.ping_interval,
            &mut self.ping_timeout,
            &mut self.connect_timeout,
            &mut self.upgrade_timeout,
            &mut self.stall_timeout,
            &mut self.header_timeout,
            &mut self.body_timeout,
            &mut self.feed_tick,
        ] {
            *time = (*time).min(FOR_EVER);
        }
        self.tcp_connections = self.tcp_connections.min(Semaphore::MAX_PERMITS);
        let path = self.path.trim_matches('/');
        self.path = if path.is_empty() {
            "/".to_owned()
        } else {
            format!("/{path}/")
        };
        self
    }
}

impl Default for ServerOptions {
    /// The official server's times; sizes that a chat needs.
    fn default() -> Self {
        Self {
            path: "/socket.io/".to_owned(),
            polling: true,
            websocket: true,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(45),
            upgrade_timeout: Duration::from_secs(10),
            max_payload: 1_000_000,
            max_attachments: 16,
            out_bytes: 1024 * 1024,
            out_frames: 4096,
            stall_timeout: Duration::from_secs(20),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(20),
            tcp_connections: 20_000,
            feed_tick: Duration::from_millis(5),
        }
    }
}
