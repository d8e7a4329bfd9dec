//! Which transports there are, and which to use.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One stream for everything.
    WebSocket,
    /// Long polling: a request for what the server has to say, and one for each
    /// thing that we have. It passes where WebSocket does not, and costs more.
    Polling,
}

/// Which transports to use, and in which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transports {
    /// WebSocket; and polling where the server, or something on the way to it,
    /// refuses WebSocket itself: by an answer in HTTP, by hanging up, by breaking
    /// it, or by no answer within two fifths of `connect_timeout`. A connection
    /// that began so stays on polling: what was refused is not asked for again.
    /// The next connection asks again, and may wait as long: whose
    /// [`Socket::transport`](crate::Socket::transport) was polling to its end may
    /// begin the next one by [`Self::PollingFirst`].
    ///
    /// Not where nobody can be reached, nor where the server has refused *us*:
    /// neither would be better by polling.
    #[default]
    WebSocketFirst,
    /// Polling, and a move to WebSocket as soon as that is proved to work, where
    /// the server offers it: the order of the official client.
    PollingFirst,
    /// WebSocket or nothing.
    WebSocket,
    /// Polling, and no move.
    Polling,
}

/// The transport of a connection, as its handles see it.
#[derive(Clone, Debug)]
pub(crate) struct Current(Arc<AtomicBool>);

impl Current {
    pub(crate) fn new(transport: Transport) -> Self {
        let polling = transport == Transport::Polling;
        Self(Arc::new(AtomicBool::new(polling)))
    }

    pub(crate) fn get(&self) -> Transport {
        if self.0.load(Ordering::Relaxed) {
            Transport::Polling
        } else {
            Transport::WebSocket
        }
    }

    /// The only change there is.
    pub(crate) fn moved(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
