//! The hub's way out over sockets.

use parlour_socketio::server::{Feed, Frame, Socket};

use crate::hub::{Announcer, Full, Outlet};

/// One connection, as the hub sees it.
pub(super) struct SocketOutlet {
    socket: Socket,
    feed: Feed,
}

impl SocketOutlet {
    pub(super) fn new(socket: Socket, feed: Feed) -> Self {
        Self { socket, feed }
    }
}

impl Outlet for SocketOutlet {
    fn send(&self, frame: &Frame) -> Result<(), Full> {
        self.socket.send(frame).map_err(|_| Full)
    }

    fn send_snapshot(&self, frame: &Frame) -> Result<(), Full> {
        self.socket.send_beyond(frame).map_err(|_| Full)
    }

    fn flush(&self) {
        self.socket.flush();
    }

    fn follow(&self) {
        self.feed.subscribe(&self.socket);
    }

    /// By Socket.IO's DISCONNECT, after which official clients do not come
    /// back; and then the connection has nothing left to carry.
    fn dismiss(&self) {
        self.socket.disconnect();
        self.socket.close();
    }

    /// Not by DISCONNECT: it would not fit, and official clients do not come
    /// back after it.
    fn cut(&self) {
        self.socket.cut();
    }
}

/// Tells all who follow a feed.
pub(crate) struct FeedAnnouncer(pub(crate) Feed);

impl Announcer for FeedAnnouncer {
    fn announce(&self, frame: Frame) {
        self.0.publish(frame);
    }
}
