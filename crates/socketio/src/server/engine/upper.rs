//! What the engine gives to the layer above.

use std::{future::Future, sync::Arc};

use bytes::Bytes;

use crate::server::{LeaveReason, RequestInfo, outbound::Outbound};

/// Whether a session goes on after a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Yes.
    Continue,
    /// No: its client broke the rules, or there is nothing left to talk about.
    /// What is queued is still written.
    End(LeaveReason),
}

/// The layer above, one value per session.
///
/// ```text
///  made ─► text | binary | woken ─► text | binary ─► … ─► [farewell] ─► closed
/// ```
/// Calls come one after the other, in the order of the wire. Each is awaited to
/// its end, whatever happens to the connection in the meantime; while one waits
/// the client is not read, but what is queued for it is written on. After the
/// packets of one read the engine flushes the [`Outbound`] itself.
pub(crate) trait Upper: Send + 'static {
    /// A message, without the engine's digit.
    fn text(&mut self, packet: &str) -> impl Future<Output = Flow> + Send;

    /// A binary message.
    fn binary(&mut self, data: Bytes) -> impl Future<Output = Flow> + Send;

    /// Somebody has called [`Outbound::wake_upper`]: there is something to do that
    /// no packet brought, such as a socket that the application has disconnected.
    /// However often it was called before, one call here follows.
    fn woken(&mut self) -> impl Future<Output = Flow> + Send;

    /// Whether there is a reason to keep the connection. While there is none,
    /// [`ServerOptions::connect_timeout`](crate::server::ServerOptions::connect_timeout)
    /// runs, from the opening of the session.
    fn joined(&self) -> bool;

    /// The server is closing: the last moment to queue a goodbye.
    fn farewell(&mut self);

    /// The session is over. Nothing that is queued now is written any more.
    fn closed(self, reason: LeaveReason) -> impl Future<Output = ()> + Send;
}

/// Makes the upper layer of a new session.
pub(crate) trait MakeUpper: Send + Sync + 'static {
    /// What it makes.
    type Upper: Upper;

    /// A session has opened.
    fn make(&self, outbound: Arc<Outbound>, origin: Arc<RequestInfo>) -> Self::Upper;
}
