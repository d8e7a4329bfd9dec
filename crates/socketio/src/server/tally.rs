//! What is counted, for whoever watches the server.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::LeaveReason;

/// What the server did and does, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// TCP connections that are open.
    pub connections: u64,
    /// Sessions on long polling that are open.
    pub polling: u64,
    /// Sessions on WebSocket that are open.
    pub websocket: u64,
    /// TCP connections so far.
    pub connections_total: u64,
    /// Sessions so far.
    pub sessions_total: u64,
    /// Sessions so far that moved from polling to WebSocket.
    pub upgrades_total: u64,
    /// Requests so far that were refused by the [`Admission`](super::Admission).
    pub refused_total: u64,
    /// Sessions so far that were cut because their client read too slowly.
    pub slow_readers_total: u64,
    /// Sessions so far whose client was silent for too long.
    pub ping_timeouts_total: u64,
    /// Sessions so far that were ended because their client broke the protocol…
    pub protocol_errors_total: u64,
    /// … or sent too much at once.
    pub too_large_total: u64,
    /// Bytes received in sessions so far.
    pub bytes_in_total: u64,
    /// Bytes sent in sessions so far.
    pub bytes_out_total: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: AtomicU64,
    pub(crate) polling: AtomicU64,
    pub(crate) websocket: AtomicU64,
    pub(crate) connections_total: AtomicU64,
    pub(crate) sessions_total: AtomicU64,
    pub(crate) upgrades_total: AtomicU64,
    pub(crate) refused_total: AtomicU64,
    slow_readers_total: AtomicU64,
    ping_timeouts_total: AtomicU64,
    protocol_errors_total: AtomicU64,
    too_large_total: AtomicU64,
    bytes_in_total: AtomicU64,
    bytes_out_total: AtomicU64,
}

/// One more of something that is open; one less when dropped.
pub(crate) struct Open<'a>(&'a AtomicU64);

impl<'a> Open<'a> {
    pub(crate) fn new(counter: &'a AtomicU64) -> Self {
        counter.fetch_add(1, Relaxed);
        Self(counter)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

pub(crate) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Tally {
    pub(crate) fn read(&self, bytes: usize) {
        self.bytes_in_total.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn wrote(&self, bytes: usize) {
        self.bytes_out_total.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn ended(&self, reason: LeaveReason) {
        match reason {
            LeaveReason::SlowReader => add(&self.slow_readers_total),
            LeaveReason::PingTimeout => add(&self.ping_timeouts_total),
            LeaveReason::ProtocolError => add(&self.protocol_errors_total),
            LeaveReason::TooLarge => add(&self.too_large_total),
            _ => {}
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            connections: self.connections.load(Relaxed),
            polling: self.polling.load(Relaxed),
            websocket: self.websocket.load(Relaxed),
            connections_total: self.connections_total.load(Relaxed),
            sessions_total: self.sessions_total.load(Relaxed),
            upgrades_total: self.upgrades_total.load(Relaxed),
            refused_total: self.refused_total.load(Relaxed),
            slow_readers_total: self.slow_readers_total.load(Relaxed),
            ping_timeouts_total: self.ping_timeouts_total.load(Relaxed),
            protocol_errors_total: self.protocol_errors_total.load(Relaxed),
            too_large_total: self.too_large_total.load(Relaxed),
            bytes_in_total: self.bytes_in_total.load(Relaxed),
            bytes_out_total: self.bytes_out_total.load(Relaxed),
        }
    }
}
