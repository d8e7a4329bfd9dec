//! How a session ends, and what its task is told of it.

use std::{sync::atomic::Ordering, task::Waker, time::Instant};

use super::{Asked, End, Link, Outbound, State};
use crate::server::{LeaveReason, engine::fixed};

/// What a session's task has to know of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It goes on.
    Open,
    /// It goes on, and the upper layer is to be called.
    Woken,
    /// The server is closing: say goodbye, then close.
    Stop,
    /// What waits is to be written, then it is over.
    Closing(LeaveReason),
    /// It is over.
    Cut(LeaveReason),
}

impl Outbound {
    /// Takes nothing more; what waits is still written, then the session ends.
    pub(crate) fn close(&self, reason: LeaveReason) {
        self.close_with(reason, true);
    }

    /// The client has closed the session, or its WebSocket: what waits is written
    /// if it still reads, and a WebSocket is closed in turn.
    pub(crate) fn close_back(&self, reason: LeaveReason) {
        if self.is_polling() {
            // Whoever says goodbye does not come for the rest.
            self.cut(reason);
        } else {
            self.close_with(reason, false);
        }
    }

    fn close_with(&self, reason: LeaveReason, tell: bool) {
        {
            let mut state = self.lock();
            if state.end != End::Open {
                return;
            }
            state.end = End::Closing(reason);
            self.over.store(true, Ordering::Release);
            if tell {
                state.queue.push(fixed::CLOSE);
            }
            if !matches!(state.link, Link::Polling(_)) {
                state.queue.push(fixed::websocket_close(reason));
            }
        }
        self.flush();
        self.task.wake();
    }

    /// Ends it now: the stream is broken, nothing is written any more. The first
    /// reason stays.
    pub(crate) fn cut(&self, reason: LeaveReason) {
        self.end(&mut self.lock(), reason);
    }

    pub(super) fn end(&self, state: &mut State, reason: LeaveReason) {
        let reason = match state.end {
            End::Cut(_) => return,
            End::Closing(first) => first,
            End::Open => reason,
        };
        state.end = End::Cut(reason);
        self.over.store(true, Ordering::Release);
        state.queue.clear();
        state.stuck = None;
        if !matches!(state.link, Link::Polling(_)) {
            // This half of the stream is shut thereby; the task has the other.
            state.link = Link::Gone;
        }
        self.task.wake();
        self.poll.wake();
        self.drained.notify_waiters();
    }

    /// Has the upper layer called ([`Upper::woken`](super::engine::upper::Upper::woken)).
    pub(crate) fn wake_upper(&self) {
        self.ask(Asked::Wake);
    }

    /// Asks the session's task to say goodbye and close, because the server does.
    pub(crate) fn stop(&self) {
        self.ask(Asked::Stop);
    }

    /// Waits until nothing is queued or the session is over.
    pub(crate) async fn drained(&self) {
        let mut drained = std::pin::pin!(self.drained.notified());
        loop {
            // Before looking, so that nothing happens in between.
            drained.as_mut().enable();
            {
                let state = self.lock();
                if state.queue.is_empty() || matches!(state.end, End::Cut(_)) {
                    return;
                }
            }
            drained.as_mut().await;
            drained.set(self.drained.notified());
        }
    }

    fn ask(&self, what: Asked) {
        {
            let mut state = self.lock();
            state.asked = state.asked.max(what);
        }
        self.task.wake();
    }
}

/// For the session's task.
impl Outbound {
    /// Wakes `waker` when there is something to do for the task.
    pub(crate) fn register(&self, waker: &Waker) {
        self.task.register(waker);
    }

    /// Where the session stands, and since when something waits and nothing
    /// moves. What was asked for is said once.
    pub(crate) fn standing(&self) -> (Standing, Option<Instant>) {
        let mut state = self.lock();
        let standing = match state.end {
            End::Closing(reason) => Standing::Closing(reason),
            End::Cut(reason) => Standing::Cut(reason),
            End::Open => match std::mem::take(&mut state.asked) {
                Asked::Nothing => Standing::Open,
                Asked::Wake => Standing::Woken,
                Asked::Stop => Standing::Stop,
            },
        };
        (standing, state.stuck)
    }

    /// Whether nothing is left to write.
    pub(crate) fn is_drained(&self) -> bool {
        let state = self.lock();
        state.queue.is_empty() || matches!(state.end, End::Cut(_))
    }

    /// Lets go of the stream. What is queued now is forgotten.
    pub(crate) fn release(&self) {
        let mut state = self.lock();
        self.end(&mut state, LeaveReason::TransportClosed);
        state.link = Link::Gone;
    }
}
