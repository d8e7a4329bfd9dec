//! That the server is about to end, for those who wait.

use std::sync::Arc;

use tokio::sync::watch;

/// Whether the end has begun. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Ending(Arc<watch::Sender<bool>>);

impl Default for Ending {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Ending {
    /// It begins.
    pub(crate) fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it has begun.
    pub(super) async fn begun(&self) {
        // The sender is here, so it cannot be gone.
        let _ = self.0.subscribe().wait_for(|begun| *begun).await;
    }
}
