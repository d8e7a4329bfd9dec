//! What a connection says of itself, apart from what a server says on it.

use std::time::Duration;

/// What is known of a connection once it stands; `None` where its connector
/// does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkFacts {
    /// Whether it is encrypted on its way.
    pub encrypted: Option<bool>,
    /// The most bytes that the server takes in one packet; `Some(None)` where it
    /// names no limit.
    pub max_payload: Option<Option<usize>>,
    /// How often the server pings.
    pub ping_interval: Option<Duration>,
    /// How long the server then waits for an answer.
    pub ping_timeout: Option<Duration>,
    /// After how much silence this side takes the connection for dead.
    pub dead_after: Option<Duration>,
    /// Whether the server offered to give back what a short break costs.
    pub recovery: Option<bool>,
}

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One WebSocket.
    WebSocket,
    /// Requests that wait for their answers.
    Polling,
}

/// What became of a fence that was to be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// It stands behind everything that was sent before.
    Raised,
    /// There is no room for it now; it is to be tried again.
    NotNow,
    /// This connector has none.
    Never,
}
