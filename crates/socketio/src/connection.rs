//! What all handles of one connection share, whatever their namespace.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{Notify, Semaphore};

use crate::{
    command::Command,
    cookies::CookieJar,
    engine::Handshake,
    machine::{FIRST, SpaceId},
    options::{ConnectOptions, Limits},
    queue,
    transports::Current,
};

/// One connection, as its handles see it.
pub(crate) struct Connection {
    pub(crate) handshake: Handshake,
    /// Where it goes, so that what is recovered is presented nowhere else.
    pub(crate) origin: String,
    pub(crate) limits: Limits,
    pub(crate) ways: Ways,
    pub(crate) commands: queue::Sender<Command>,
    pub(crate) attention: Arc<Notify>,
    /// Who may wait for an answer.
    pub(crate) callers: Arc<Semaphore>,
    pub(crate) fences: Arc<Semaphore>,
    next_ack: AtomicU64,
    next_fence: AtomicU64,
    next_space: AtomicU64,
}

/// How it gets there.
pub(crate) struct Ways {
    pub(crate) transport: Current,
    pub(crate) cookies: CookieJar,
}

impl Connection {
    /// For a connection that has joined its first namespace.
    pub(crate) fn new(
        handshake: Handshake,
        options: &ConnectOptions,
        ways: Ways,
        commands: queue::Sender<Command>,
        attention: Arc<Notify>,
    ) -> Self {
        let limits = options.limits;
        let semaphore =
            |limit: usize| Arc::new(Semaphore::new(limit.clamp(1, Semaphore::MAX_PERMITS)));
        Self {
            handshake,
            origin: options.origin(),
            limits,
            ways,
            commands,
            attention,
            callers: semaphore(limits.acks),
            fences: semaphore(limits.fences),
            next_ack: AtomicU64::new(0),
            next_fence: AtomicU64::new(0),
            next_space: AtomicU64::new(FIRST + 1),
        }
    }

    /// A number for a question. None is ever used again on this connection, in
    /// whatever namespace, so that no late answer is taken for another's.
    pub(crate) fn number_question(&self) -> u64 {
        self.next_ack.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn number_fence(&self) -> u64 {
        self.next_fence.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn number_space(&self) -> SpaceId {
        self.next_space.fetch_add(1, Ordering::Relaxed)
    }
}
