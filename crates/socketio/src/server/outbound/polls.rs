//! The queue of a session on long polling, and its move to WebSocket.
//!
//! ```text
//!            claim            probed           moving           attach
//!  Settled ────────▶ Claimed ────────▶ Probed ────────▶ Moving ────────▶ (WebSocket)
//!     ▲                 │ abandon         │ abandon
//!     └─────────────────┴─────────────────┘
//! ```
//! From the probe to the end of the move no poll waits any more: each is answered
//! at once, with what is queued or with a noop, so that the client can stop polling
//! without losing a poll that carries something. Nothing is held back in the
//! meantime and nothing is in two places: a frame leaves the queue with the answer
//! to a poll, or with the WebSocket.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{self, Context},
    time::Instant,
};

use bytes::Bytes;
use tokio::net::tcp::OwnedWriteHalf;

use super::{End, Link, Outbound};
use crate::server::{LeaveReason, engine::fixed};

/// Several packets share an answer up to this size, in bytes: about what the
/// official server takes in one request, so that no proxy on the way back that is
/// tuned for it stumbles. A larger packet comes alone.
const ANSWER_BYTES: usize = 1_000_000;

#[derive(Default)]
pub(super) struct Polling {
    /// The number of the poll that waits for something to say.
    waiting: Option<u64>,
    /// How many polls there were.
    polls: u64,
    upgrade: Upgrade,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Upgrade {
    #[default]
    Settled,
    /// A stream is there for it.
    Claimed,
    /// The stream works.
    Probed,
    /// The client has left polling.
    Moving,
}

impl Polling {
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    pub(super) fn is_moving(&self) -> bool {
        self.upgrade == Upgrade::Moving
    }
}

/// Why a poll has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPoll {
    /// Another one waits. The session closes over this.
    Duplicate,
    /// The session is on WebSocket.
    Moved,
    /// The session is over.
    Over,
}

/// A poll that waits for its [`Answer`]. If it is dropped before, its client has
/// hung up, and the session ends.
pub(crate) struct Poll {
    outbound: Arc<Outbound>,
    number: u64,
    done: bool,
}

/// The body of the answer to a poll.
pub(crate) type Answer = Bytes;

const NOOP: Answer = Bytes::from_static(b"6");
const CLOSE: Answer = Bytes::from_static(b"1");

impl Outbound {
    /// Begins a poll.
    pub(crate) fn poll(self: &Arc<Self>) -> Result<Poll, NoPoll> {
        let mut state = self.lock();
        if matches!(state.end, End::Cut(_)) {
            return Err(NoPoll::Over);
        }
        let polling = match &mut state.link {
            Link::Polling(polling) if polling.upgrade != Upgrade::Moving => polling,
            _ => return Err(NoPoll::Moved),
        };
        if polling.waiting.is_some() && polling.upgrade != Upgrade::Probed {
            self.end(&mut state, LeaveReason::ProtocolError);
            return Err(NoPoll::Duplicate);
        }
        // One that waits still is set free by this: the move is on.
        let number = polling.polls;
        polling.polls += 1;
        polling.waiting = Some(number);
        Ok(Poll {
            outbound: self.clone(),
            number,
            done: false,
        })
    }

    fn poll_answer(&self, number: u64, context: &mut Context<'_>) -> task::Poll<Answer> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let end = state.end;
        let answer = match (&mut state.link, end) {
            (_, End::Cut(LeaveReason::TransportClosed)) => NOOP,
            (_, End::Cut(_)) => CLOSE,
            (Link::Polling(polling), _) if polling.waiting != Some(number) => NOOP,
            (Link::Polling(polling), _) if state.queue.is_empty() => {
                if matches!(polling.upgrade, Upgrade::Settled | Upgrade::Claimed) {
                    self.poll.register(context.waker());
                    return task::Poll::Pending;
                }
                polling.waiting = None;
                NOOP
            }
            (Link::Polling(polling), _) => {
                polling.waiting = None;
                let answer = Bytes::from(state.queue.take_payload(ANSWER_BYTES));
                self.tally.wrote(answer.len());
                if state.queue.is_empty() {
                    state.stuck = None;
                    self.drained.notify_waiters();
                } else {
                    state.stuck = Some(Instant::now());
                }
                if end != End::Open {
                    self.task.wake();
                }
                answer
            }
            _ => NOOP,
        };
        task::Poll::Ready(answer)
    }

    fn poll_dropped(&self, number: u64) {
        let mut state = self.lock();
        if let Link::Polling(polling) = &mut state.link
            && polling.waiting == Some(number)
        {
            polling.waiting = None;
            if polling.upgrade == Upgrade::Settled {
                self.end(&mut state, LeaveReason::TransportClosed);
            }
        }
    }

    /// Reserves the move to WebSocket for one stream. `false`: there is none to
    /// make, or another stream has it.
    pub(crate) fn claim_upgrade(&self) -> bool {
        let mut state = self.lock();
        let open = state.end == End::Open;
        match &mut state.link {
            Link::Polling(polling) if open && polling.upgrade == Upgrade::Settled => {
                polling.upgrade = Upgrade::Claimed;
                true
            }
            _ => false,
        }
    }

    /// The stream has proved that it works: from now on no poll waits.
    pub(crate) fn upgrade_probed(&self) {
        if let Link::Polling(polling) = &mut self.lock().link {
            polling.upgrade = Upgrade::Probed;
        }
        self.poll.wake();
    }

    /// The stream failed: polling goes on, unless the client has stopped it.
    pub(crate) fn abandon_upgrade(&self) {
        if let Link::Polling(polling) = &mut self.lock().link
            && polling.upgrade != Upgrade::Moving
        {
            polling.upgrade = Upgrade::Settled;
        }
    }

    /// Whether it is on long polling, and stays there for now.
    pub(crate) fn is_polling(&self) -> bool {
        matches!(&self.lock().link, Link::Polling(polling) if polling.upgrade != Upgrade::Moving)
    }

    /// The client has stopped polling, and what it says from now on comes by the
    /// stream.
    pub(crate) fn upgrade_moving(&self) {
        let mut state = self.lock();
        if let Link::Polling(polling) = &mut state.link {
            polling.upgrade = Upgrade::Moving;
            // From now on it is the session's task that is waited for.
            state.stuck = None;
        }
    }

    /// Whether its client may come for what is queued by a stream that the
    /// session's task has not taken up yet.
    pub(crate) fn is_upgrading(&self) -> bool {
        let state = self.lock();
        let over = matches!(state.end, End::Cut(_));
        matches!(&state.link, Link::Polling(polling) if polling.upgrade != Upgrade::Settled && !over)
    }

    /// Goes on by WebSocket: straight into `tcp`, or by the session's task.
    pub(crate) fn attach(&self, tcp: Option<OwnedWriteHalf>) {
        let mut state = self.lock();
        if matches!(state.end, End::Cut(_)) {
            return;
        }
        state.stuck = None;
        if let End::Closing(reason) = state.end {
            state.queue.push(fixed::websocket_close(reason));
        }
        state.link = match tcp {
            Some(tcp) => Link::Direct {
                tcp,
                blocked: false,
            },
            None => Link::Task { unflushed: false },
        };
        drop(state);
        self.poll.wake();
        self.flush();
    }
}

impl Poll {
    /// Waits until there is something to say.
    pub(crate) async fn answer(mut self) -> Answer {
        let answer = poll_fn(|context| self.outbound.poll_answer(self.number, context)).await;
        self.done = true;
        answer
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        if !self.done {
            self.outbound.poll_dropped(self.number);
        }
    }
}
