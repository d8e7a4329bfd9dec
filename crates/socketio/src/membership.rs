//! What the two ends of one namespace share: its handles and its reader on one
//! side, the connection's task on the other.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Notify;

/// Our being in one namespace.
pub(crate) struct Membership {
    left: AtomicBool,
    /// Whether the server keeps our state, so that offsets mean something.
    kept: AtomicBool,
    offset: Mutex<Option<String>>,
    /// Makes the task look who has left.
    attention: Arc<Notify>,
}

impl Membership {
    pub(crate) fn new(attention: Arc<Notify>) -> Self {
        Self {
            left: AtomicBool::new(false),
            kept: AtomicBool::new(false),
            offset: Mutex::new(None),
            attention,
        }
    }

    /// Asks the task to leave. Nothing more is taken from now on.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::Release);
        self.attention.notify_one();
    }

    /// The namespace is no more. Nothing more is taken from now on.
    pub(crate) fn end(&self) {
        self.left.store(true, Ordering::Release);
    }

    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// The server keeps our state; we have what comes up to this offset.
    pub(crate) fn keeps_from(&self, offset: Option<String>) {
        *self.lock() = offset;
        self.kept.store(true, Ordering::Release);
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Acquire)
    }

    /// The reader has got the event with this offset.
    pub(crate) fn got(&self, offset: String) {
        *self.lock() = Some(offset);
    }

    pub(crate) fn offset(&self) -> Option<String> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
