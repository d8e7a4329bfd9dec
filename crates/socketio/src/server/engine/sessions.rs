//! All sessions of a server.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::{Notify, mpsc};

use super::{session::Input, sid::Sid};
use crate::server::{Guard, outbound::Outbound};

#[derive(Default)]
pub(crate) struct Sessions {
    next: AtomicU64,
    /// All of them.
    open: Mutex<HashMap<u64, Arc<Outbound>>>,
    /// Those that began with polling, by their ids. Nobody asks for the others.
    polled: Mutex<HashMap<Sid, Arc<Polled>>>,
    emptied: Notify,
}

/// A session that requests belong to.
pub(crate) struct Polled {
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) inputs: mpsc::Sender<Input>,
    /// A POST is being read.
    pub(crate) posting: AtomicBool,
}

/// A session's entry. It goes when the session's task does.
pub(crate) struct Entry {
    sessions: Arc<Sessions>,
    number: u64,
    sid: Option<Sid>,
    _guard: Option<Guard>,
}

impl Sessions {
    /// A number that no other session has.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Enters a session that was opened by WebSocket.
    pub(crate) fn enter(self: &Arc<Self>, outbound: Arc<Outbound>, guard: Option<Guard>) -> Entry {
        let number = outbound.number();
        lock(&self.open).insert(number, outbound);
        Entry {
            sessions: self.clone(),
            number,
            sid: None,
            _guard: guard,
        }
    }

    /// Enters a session that was opened by polling.
    pub(crate) fn enter_polled(
        self: &Arc<Self>,
        sid: Sid,
        polled: Polled,
        guard: Option<Guard>,
    ) -> Entry {
        let mut entry = self.enter(polled.outbound.clone(), guard);
        lock(&self.polled).insert(sid.clone(), Arc::new(polled));
        entry.sid = Some(sid);
        entry
    }

    pub(crate) fn find(&self, sid: &str) -> Option<Arc<Polled>> {
        lock(&self.polled).get(&Sid::parse(sid)?).cloned()
    }

    /// How many are open that began with polling.
    pub(crate) fn polled(&self) -> usize {
        lock(&self.polled).len()
    }

    /// The queues of all sessions that are open now.
    pub(crate) fn all(&self) -> Vec<Arc<Outbound>> {
        lock(&self.open).values().cloned().collect()
    }
}

impl Sessions {
    /// Waits until none is open.
    pub(crate) async fn emptied(&self) {
        let mut emptied = std::pin::pin!(self.emptied.notified());
        // Before looking, so that nothing happens in between.
        emptied.as_mut().enable();
        if !lock(&self.open).is_empty() {
            emptied.await;
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(sid) = &self.sid {
            lock(&self.sessions.polled).remove(sid);
        }
        let mut open = lock(&self.sessions.open);
        open.remove(&self.number);
        if open.is_empty() {
            self.sessions.emptied.notify_waiters();
        }
    }
}

fn lock<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    // A map is whole after every single operation.
    map.lock().unwrap_or_else(PoisonError::into_inner)
}
