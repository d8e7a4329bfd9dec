//! A server that was started.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::AbortHandle,
    time::timeout,
};

use super::{
    Counts, LeaveReason, NamespaceHandle, engine::sessions::Sessions, registry::Registry,
    site::Phase, tally::Tally,
};

/// A server that was started.
///
/// ```text
///          stop_accepting            close                  the grace is over
///  Serving ──────────────▶ Full ───────────────▶ Closing ───────────────────▶ gone
///     └───────────────────────────────────────────────────────────────────────▲
///                                    abort, drop
/// ```
/// Dropped, it breaks everything off as [`Running::abort`] does, and waits for
/// nothing.
#[must_use = "a server that is dropped serves nobody"]
pub struct Running {
    pub(super) address: Option<SocketAddr>,
    pub(super) registry: Arc<Registry>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) tally: Arc<Tally>,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) accept: AbortHandle,
    /// Closed when no task is left.
    pub(super) gone: mpsc::Receiver<()>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("address", &self.address)
            .field("phase", &*self.phase.borrow())
            .finish_non_exhaustive()
    }
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        // A listener that cannot say has none that anybody could use.
        self.address
            .unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, 0).into())
    }

    /// A namespace, for those outside of it; `None` if it is not served.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<NamespaceHandle> {
        self.registry.handle(name)
    }

    /// What it has done and does.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.tally.counts()
    }

    /// The same for whoever looks again and again; it keeps nothing alive.
    pub fn watch(&self) -> impl Fn() -> Counts + Send + Sync + use<> {
        let tally = self.tally.clone();
        move || tally.counts()
    }

    /// Gives up the address, and lets nobody in any more: no connection, no session,
    /// no socket into a namespace. Who is in stays.
    pub fn stop_accepting(&self) {
        self.accept.abort();
        self.registry.close();
        self.enter(Phase::Full);
    }

    /// Says goodbye to everybody. What is queued is written within `grace`; then
    /// whatever is left is broken off. When this returns every socket has left its
    /// namespace, and no task is left.
    pub async fn close(mut self, grace: Duration) {
        self.stop_accepting();
        self.enter(Phase::Closing);
        for outbound in self.sessions.all() {
            outbound.stop();
        }
        let gone = async {
            self.sessions.emptied().await;
            self.enter(Phase::Empty);
            self.gone.recv().await;
        };
        if timeout(grace, gone).await.is_err() {
            tracing::debug!("some did not take leave in time");
            self.abort().await;
        }
    }

    /// Breaks every stream, as a crash would. When this returns every socket has
    /// left its namespace, and no task is left.
    pub async fn abort(mut self) {
        self.break_off();
        // Nothing is ever sent: this waits for the end.
        self.gone.recv().await;
    }

    fn break_off(&self) {
        self.accept.abort();
        self.registry.close();
        // Whoever opens a session from here on sees that it is too late…
        self.enter(Phase::Closing);
        // … and the others hear why before they notice that they are broken off.
        for outbound in self.sessions.all() {
            outbound.cut(LeaveReason::ServerClosing);
        }
        self.enter(Phase::Aborting);
    }

    fn enter(&self, next: Phase) {
        self.phase.send_if_modified(|phase| {
            let later = next > *phase;
            *phase = next.max(*phase);
            later
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.break_off();
    }
}
