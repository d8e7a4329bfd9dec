//! The end, step by step, none of which may take for ever.

use std::{thread, time::Duration};

use tokio::{sync::oneshot, time::timeout};

use crate::{
    audit::AuditThread,
    hub::{HubHandle, HubThread, Stop},
    limits::{STOP_AUDIT, STOP_HUB},
};

/// Ends the hub, which stores what it was given before.
pub(super) async fn end_hub(hub: &HubHandle, thread: HubThread, stop: Stop) {
    let ended = async {
        // Gone already: then it is only joined.
        let _ = hub.stop(stop).await;
        tokio::task::spawn_blocking(|| thread.join()).await
    };
    match within(STOP_HUB, ended).await {
        Ok(Ok(Ok(()))) => {}
        Ok(_) => tracing::error!("the hub ended by a fault"),
        Err(()) => tracing::error!("the hub did not end in time"),
    }
}

/// On a thread of its own, which nobody waits for if somebody else still has
/// something to write down.
pub(super) async fn end_audit(audit: AuditThread) {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        audit.join();
        let _ = ended.send(());
    });
    if timeout(STOP_AUDIT, end).await.is_err() {
        tracing::debug!("the audit log is still in use");
    }
}

/// `Err`: it took longer, and was dropped.
pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, ()> {
    timeout(limit, work).await.map_err(|_| ())
}
