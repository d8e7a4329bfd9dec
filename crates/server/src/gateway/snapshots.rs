//! How much of what newcomers are sent first may be on its way at once.

use std::sync::Arc;

use parlour_socketio::server::Socket;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::limits::{SNAPSHOT_BYTES, SNAPSHOT_PATIENCE};

/// What one permit stands for. Smaller things are not counted.
const UNIT: usize = 1024;

/// The room for snapshots: ten thousand who come at once would otherwise have
/// ten thousand lists in memory.
#[derive(Clone)]
pub(super) struct Snapshots {
    free: Arc<Semaphore>,
}

/// Room for one snapshot; dropped, it is free again.
pub(super) struct Room {
    taken: Option<OwnedSemaphorePermit>,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self {
            free: Arc::new(Semaphore::new(SNAPSHOT_BYTES / UNIT)),
        }
    }
}

impl Snapshots {
    /// Waits until there is room for so many bytes.
    pub(super) async fn room(&self, bytes: usize) -> Room {
        let units = u32::try_from(bytes.min(SNAPSHOT_BYTES) / UNIT).unwrap_or(0);
        if units == 0 {
            return Room { taken: None };
        }
        // It is never closed.
        let taken = Arc::clone(&self.free).acquire_many_owned(units).await.ok();
        Room { taken }
    }
}

impl Room {
    /// Frees it once the socket has written everything, or after a while: one
    /// who reads slowly must not keep others out.
    pub(super) fn free_when_drained(self, socket: &Socket) {
        let Some(taken) = self.taken else {
            return;
        };
        if socket.queued() < UNIT {
            return;
        }
        let drained = socket.drained();
        tokio::spawn(async move {
            // Either way its time is over.
            let _ = timeout(SNAPSHOT_PATIENCE, drained).await;
            drop(taken);
        });
    }
}
