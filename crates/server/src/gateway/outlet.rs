//! The hub's way out over socketioxide.

use std::sync::Arc;

use socketioxide::{SendError, SocketError, extract::SocketRef};

use super::peers::Peer;
use crate::hub::{Frame, Full, Outlet};

/// One connection, as the hub sees it.
pub(super) struct SocketOutlet {
    socket: SocketRef,
    peer: Arc<Peer>,
}

impl SocketOutlet {
    pub(super) fn new(socket: SocketRef, peer: Arc<Peer>) -> Self {
        Self { socket, peer }
    }
}

impl Outlet for SocketOutlet {
    fn deliver(&self, frame: &Frame) -> Result<(), Full> {
        match self.socket.emit(frame.event(), frame.payload()) {
            Err(SendError::Socket(SocketError::InternalChannelFull)) => Err(Full),
            // Closed: its task is about to tell the hub.
            Ok(()) | Err(SendError::Socket(_)) => Ok(()),
            Err(SendError::Serialize(error)) => {
                tracing::error!(event = frame.event(), %error, "an event could not be encoded");
                Ok(())
            }
        }
    }

    /// Not by Socket.IO's own DISCONNECT: it does not fit into a full buffer,
    /// and official clients do not come back after it.
    fn cut(&self) {
        self.peer.cut();
    }
}
