//! A hand on each TCP stream from outside of it.

use std::{
    any::Any,
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Waker},
};

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

use crate::limits::{PAUSE_READING_AT, RESUME_READING_AT};

/// How much of one client's input is waiting. While it is too much, the
/// client's WebSocket is not read.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    waiting: AtomicUsize,
    readers: Mutex<Vec<Weak<Valve>>>,
    drained: Notify,
}

impl Intake {
    /// One more thing waits.
    pub(crate) fn more(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
    }

    /// One thing less.
    pub(crate) fn less(&self) {
        let before = self.waiting.fetch_sub(1, Ordering::SeqCst);
        if before == RESUME_READING_AT {
            self.drained.notify_waiters();
            for valve in self.valves() {
                valve.reader.wake();
            }
        }
    }

    /// Waits until reading may go on.
    pub(crate) async fn ready(&self) {
        let mut drained = std::pin::pin!(self.drained.notified());
        drained.as_mut().enable();
        if self.is_paused() {
            drained.await;
        }
    }

    /// From now on `valve` is read only as far as this intake allows, and
    /// [`Intake::shut`] shuts it.
    pub(crate) fn attach(self: &Arc<Self>, valve: &Arc<Valve>) {
        if valve.intake.set(self.clone()).is_ok() {
            lock(&self.readers).push(Arc::downgrade(valve));
        }
    }

    /// Breaks every stream that is attached.
    pub(crate) fn shut(&self) {
        for valve in self.valves() {
            valve.shut();
        }
        self.drained.notify_waiters();
    }

    /// Whether a stream that is attached is still there.
    pub(crate) fn has_stream(&self) -> bool {
        lock(&self.readers)
            .iter()
            .any(|valve| valve.strong_count() > 0)
    }

    fn is_paused(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) >= PAUSE_READING_AT
    }

    fn valves(&self) -> Vec<Arc<Valve>> {
        lock(&self.readers)
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }
}

/// One TCP stream's valve.
#[derive(Debug)]
pub(crate) struct Valve {
    shut: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
    intake: OnceLock<Arc<Intake>>,
    owner: OnceLock<Arc<dyn Any + Send + Sync>>,
    home: Weak<Valves>,
    number: u64,
}

/// What a stream may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Open,
    Paused,
    Shut,
}

impl Valve {
    /// Keeps whom the stream serves for as long as there is the stream.
    pub(crate) fn keep(&self, owner: Arc<dyn Any + Send + Sync>) {
        // A stream serves one client: a second one is the same.
        let _ = self.owner.set(owner);
    }

    /// Breaks the stream: every read and write fails from now on.
    pub(crate) fn shut(&self) {
        self.shut.store(true, Ordering::SeqCst);
        self.reader.wake();
        self.writer.wake();
    }

    /// Whether the reader may go on; if not, it is woken when that changes.
    pub(super) fn reading(&self, context: &Context<'_>) -> Flow {
        // Registered before looking, so that no change is missed in between.
        self.reader.register(context.waker());
        let paused = self.intake.get().is_some_and(|intake| intake.is_paused());
        match (self.shut.load(Ordering::SeqCst), paused) {
            (true, _) => Flow::Shut,
            (false, true) => Flow::Paused,
            (false, false) => Flow::Open,
        }
    }

    /// Whether the writer may go on.
    pub(super) fn writing(&self, waker: &Waker) -> Flow {
        self.writer.register(waker);
        if self.shut.load(Ordering::SeqCst) {
            Flow::Shut
        } else {
            Flow::Open
        }
    }
}

impl Drop for Valve {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            lock(&home.all).remove(&self.number);
        }
    }
}

/// Every stream there is.
#[derive(Debug, Default)]
pub(crate) struct Valves {
    next: AtomicU64,
    all: Mutex<HashMap<u64, Weak<Valve>>>,
}

impl Valves {
    /// The valve of a new stream.
    pub(crate) fn create(self: &Arc<Self>) -> Arc<Valve> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let valve = Arc::new(Valve {
            shut: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            intake: OnceLock::new(),
            owner: OnceLock::new(),
            home: Arc::downgrade(self),
            number,
        });
        lock(&self.all).insert(number, Arc::downgrade(&valve));
        valve
    }

    /// Breaks the streams that serve no signed-in client.
    pub(crate) fn shut_idle(&self) {
        self.shut_where(|valve| valve.intake.get().is_none());
    }

    /// Breaks all streams.
    pub(crate) fn shut_all(&self) {
        self.shut_where(|_| true);
    }

    fn shut_where(&self, which: impl Fn(&Valve) -> bool) {
        // Collected first: dropping a valve takes the same lock.
        let all: Vec<_> = lock(&self.all).values().filter_map(Weak::upgrade).collect();
        for valve in all.iter().filter(|valve| which(valve)) {
            valve.shut();
        }
    }
}

/// What these locks guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(valve: &Valve) -> Flow {
        valve.reading(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_stream_is_paused_while_too_much_waits() {
        let valve = Arc::new(Valves::default()).create();
        let intake = Arc::new(Intake::default());
        intake.attach(&valve);
        for _ in 0..PAUSE_READING_AT {
            assert_eq!(reading(&valve), Flow::Open);
            intake.more();
        }
        assert_eq!(reading(&valve), Flow::Paused);
        intake.less();
        assert_eq!(reading(&valve), Flow::Open);
    }

    #[test]
    fn shutting_reaches_the_right_streams_and_dropped_ones_are_forgotten() {
        let valves = Arc::new(Valves::default());
        let (idle, busy) = (valves.create(), valves.create());
        Arc::new(Intake::default()).attach(&busy);
        valves.shut_idle();
        assert_eq!((reading(&idle), reading(&busy)), (Flow::Shut, Flow::Open));
        drop((idle, busy));
        assert!(lock(&valves.all).is_empty());
    }
}
