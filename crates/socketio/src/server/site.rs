//! What all connections of a server share.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::{mpsc, watch};

use super::{
    Admission, LeaveReason, ServerOptions, engine::sessions::Sessions, outbound::Outbound,
    tally::Tally,
};

/// Answers requests that are not for the engine.
pub(crate) type Fallback = dyn Fn(&Request<()>) -> Response<Bytes> + Send + Sync;

/// See the module. Every task of a server holds it, so that the server is gone
/// when it is.
pub(crate) struct Site<M> {
    pub(crate) options: ServerOptions,
    pub(crate) maker: M,
    pub(crate) admission: Box<dyn Admission>,
    pub(crate) fallback: Box<Fallback>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) phase: watch::Receiver<Phase>,
    /// Closed when the site is gone.
    pub(crate) _alive: mpsc::Sender<()>,
}

/// How far a server has come in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It serves.
    Serving,
    /// What is open is served, and nothing new.
    Full,
    /// It says goodbye; requests of sessions are still answered.
    Closing,
    /// All sessions are gone.
    Empty,
    /// Every stream is broken.
    Aborting,
}

impl<M> Site<M> {
    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Tells a session that was just entered if the others have been told already.
    pub(crate) fn tell(&self, outbound: &Outbound) {
        match self.phase() {
            Phase::Serving | Phase::Full => {}
            Phase::Closing | Phase::Empty => outbound.stop(),
            Phase::Aborting => outbound.cut(LeaveReason::ServerClosing),
        }
    }

    /// Waits for something, unless it is broken off.
    pub(crate) async fn unless_aborting<T>(&self, what: impl Future<Output = T>) -> Option<T> {
        let mut phase = self.phase.clone();
        tokio::select! {
            _ = phase.wait_for(|phase| *phase == Phase::Aborting) => None,
            done = what => Some(done),
        }
    }
}
