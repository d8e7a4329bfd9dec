//! How the hub speaks to connections, whatever carries them.

use parlour_socketio::server::Frame;

/// The connection cannot take more: it reads too slowly. It is cut by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The way out to one connection. Calls never block; order is kept.
pub(crate) trait Outlet: Send {
    /// Queues a frame. A connection that is closed already takes it and forgets it.
    fn send(&self, frame: &Frame) -> Result<(), Full>;

    /// Queues the first, large thing that a connection gets. It may be as large as
    /// it is without counting against what else may wait.
    fn send_snapshot(&self, frame: &Frame) -> Result<(), Full>;

    /// Writes what is queued, as far as it goes.
    fn flush(&self);

    /// From now on it gets what is [announced](Announcer).
    fn follow(&self);

    /// Ends it once what is queued is written; its client does not come back by itself.
    fn dismiss(&self);

    /// Breaks it, whatever its state: its client connects again and gets a
    /// fresh snapshot.
    fn cut(&self);
}

/// Tells all connections that [follow](Outlet::follow).
pub(crate) trait Announcer: Send {
    /// Everybody gets this, in the order of the calls.
    fn announce(&self, frame: Frame);
}
