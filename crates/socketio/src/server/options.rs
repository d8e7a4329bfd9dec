//! How a server behaves: every limit with its unit and its reason.

use std::time::Duration;

/// What a [`Server`](super::Server) is told once, before it starts.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where Engine.IO is served: `/socket.io/` is where clients look.
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
    /// TCP connections at once; more wait in the backlog.
    pub tcp_connections: usize,
    /// How long a [`Feed`](super::Feed) gathers what is published before it
    /// is written: one write for a connection and tick.
    pub feed_tick: Duration,
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
