//! The clients' Engine.IO sessions, by their secret id.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parlour_protocol::OutgoingMessage;
use socketioxide::{extract::SocketRef, socket::Sid};
use tokio::sync::{
    Notify,
    mpsc::{self, error::TrySendError},
    oneshot,
};

use crate::{
    hub::ConnectionId,
    limits::CONNECTION_QUEUE,
    net::{Intake, Valve},
};

/// One thing that a client asked for, in the order of the wire.
pub(super) enum Inbound {
    Message(OutgoingMessage),
    Fence(oneshot::Sender<()>),
}

/// A queue is full or nobody reads it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rejected;

/// One Engine.IO session, over whatever transports it takes.
#[derive(Debug)]
pub(super) struct Peer {
    sid: Sid,
    home: Weak<Peers>,
    cut: AtomicBool,
    intake: Arc<Intake>,
    // Of the newest connection to the main namespace.
    seat: Mutex<Seat>,
}

/// Where a connection's task is reached.
#[derive(Debug, Default)]
struct Seat {
    inbox: Option<mpsc::Sender<Inbound>>,
    ready: Option<oneshot::Sender<SocketRef>>,
    gone: Arc<Notify>,
}

/// The task's ends: where it hears that it is ready, what is asked, and that
/// the connection is gone.
pub(super) type Place = (
    oneshot::Receiver<SocketRef>,
    mpsc::Receiver<Inbound>,
    Arc<Notify>,
);

impl Peer {
    /// How much of this client's input waits.
    pub(super) fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    /// A WebSocket of this session has come. The stream keeps the peer, which
    /// nobody else may have a hand on yet: it may ask before the first packet.
    pub(super) fn take_stream(self: &Arc<Self>, valve: &Arc<Valve>) {
        self.intake.attach(valve);
        valve.keep(self.clone());
    }

    /// Whether a WebSocket of this session is there, or on its way.
    pub(super) fn has_stream(&self) -> bool {
        self.intake.has_stream()
    }

    /// Takes a new connection to the main namespace.
    pub(super) fn sit(&self) -> Place {
        let (ready, is_ready) = oneshot::channel();
        let (inbox, asked) = mpsc::channel(CONNECTION_QUEUE);
        let gone = Arc::new(Notify::new());
        *lock(&self.seat) = Seat {
            inbox: Some(inbox),
            ready: Some(ready),
            gone: gone.clone(),
        };
        (is_ready, asked, gone)
    }

    /// The client was told that it is connected.
    pub(super) fn ready(&self, socket: SocketRef) {
        let ready = lock(&self.seat).ready.take();
        if let Some(ready) = ready {
            // A task that is gone already has seen the connection end.
            let _ = ready.send(socket);
        }
    }

    /// Queues what the client asked. A client that overflows its queue is cut.
    pub(super) fn ask(&self, inbound: Inbound) -> Result<(), Rejected> {
        let seat = lock(&self.seat);
        let Some(inbox) = &seat.inbox else {
            return Err(Rejected);
        };
        self.intake.more();
        inbox.try_send(inbound).map_err(|error| {
            self.intake.less();
            if matches!(error, TrySendError::Full(_)) {
                self.cut();
            }
            Rejected
        })
    }

    /// Whether this session has a connection to the main namespace.
    pub(super) fn is_seated(&self) -> bool {
        lock(&self.seat).inbox.is_some()
    }

    /// Breaks the session, whatever its transport: a WebSocket at once, a
    /// polling client at its next request.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.intake.shut();
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            let mut all = lock(&home.all);
            // Another may have taken its place since the last hand let go.
            if all
                .get(&self.sid)
                .is_some_and(|peer| peer.strong_count() == 0)
            {
                all.remove(&self.sid);
            }
        }
    }
}

/// Every session that has a task, a socket or a stream.
#[derive(Debug, Default)]
pub(super) struct Peers {
    all: Mutex<HashMap<Sid, Weak<Peer>>>,
    next: AtomicU64,
    closed: AtomicBool,
}

impl Peers {
    /// The peer with this id, known or not: a WebSocket may ask before the
    /// client's first packet has come by polling.
    pub(super) fn of(self: &Arc<Self>, sid: Sid) -> Arc<Peer> {
        let mut all = lock(&self.all);
        if let Some(peer) = all.get(&sid).and_then(Weak::upgrade) {
            return peer;
        }
        let peer = Arc::new(Peer {
            sid,
            home: Arc::downgrade(self),
            cut: AtomicBool::new(false),
            intake: Arc::default(),
            seat: Mutex::default(),
        });
        all.insert(sid, Arc::downgrade(&peer));
        peer
    }

    /// The peer with this id, if it is known.
    pub(super) fn get(&self, sid: Sid) -> Option<Arc<Peer>> {
        lock(&self.all).get(&sid).and_then(Weak::upgrade)
    }

    pub(super) fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Tells the tasks of all connections that these are gone.
    pub(super) fn dismiss(&self) {
        let all: Vec<_> = lock(&self.all).values().filter_map(Weak::upgrade).collect();
        for peer in all {
            lock(&peer.seat).gone.notify_one();
        }
    }

    pub(super) fn close_door(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

/// What these locks guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Valves;

    #[test]
    fn a_websocket_that_comes_first_is_the_sessions_own() {
        let peers = Arc::new(Peers::default());
        let valve = Arc::new(Valves::default()).create();
        let sid = Sid::new();
        peers.of(sid).take_stream(&valve);
        let peer = peers.get(sid).expect("the stream keeps it");
        assert!(peer.has_stream());
        assert!(Arc::ptr_eq(&peer, &peers.of(sid)));
        drop(valve);
        assert!(!peer.has_stream());
        drop(peer);
        assert!(peers.get(sid).is_none());
    }
}
