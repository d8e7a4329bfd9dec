//! The bounded queue of what one session has to say.
//!
//! ```text
//!              push, flush            (whoever has something to say)
//!  anyone ───────────────▶ queue ──▶ TCP stream      plain WebSocket: written
//!                            │                       by the thread that flushes
//!                            ├─────▶ session's task  TLS, or a full TCP stream
//!                            └─────▶ waiting poll    long polling
//! ```
//! States of a session as the queue sees them; there is no way back:
//! ```text
//!  Open ──close──▶ Closing (nothing more is taken, what waits is written)
//!    │                │
//!    └────cut─────────┴──▶ Cut (nothing is written any more)
//! ```

mod ending;
mod polls;
mod queue;
mod writing;

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::{net::tcp::OwnedWriteHalf, sync::Notify};

use self::queue::{Queue, SLICES};
use super::{Frame, LeaveReason, ServerOptions, tally::Tally};

pub(crate) use self::{ending::Standing, polls::NoPoll};

/// Too much waits for this socket already. It is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much waits for this socket")]
pub struct Full;

/// See the module.
pub(crate) struct Outbound {
    number: u64,
    max_bytes: usize,
    max_frames: usize,
    state: Mutex<State>,
    /// The session's task.
    task: AtomicWaker,
    /// The poll that waits.
    poll: AtomicWaker,
    drained: Notify,
    /// Whether it is over, without the lock.
    over: AtomicBool,
    tally: Arc<Tally>,
}

struct State {
    queue: Queue,
    link: Link,
    end: End,
    /// What the session's task was asked to do, and has not yet taken up.
    asked: Asked,
    /// Since when something waits and nothing moves.
    stuck: Option<Instant>,
}

/// Where it goes.
enum Link {
    /// Into the answers to polls.
    Polling(polls::Polling),
    /// Straight into the stream, by whoever flushes. While it is `blocked`,
    /// only by the task, which learns when there is room.
    Direct { tcp: OwnedWriteHalf, blocked: bool },
    /// To the task, which writes. `unflushed`: the stream itself holds some of it.
    Task { unflushed: bool },
    /// Nowhere any more.
    Gone,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    #[default]
    Nothing,
    /// To call the upper layer.
    Wake,
    /// To say goodbye and close: the server does.
    Stop,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Closing(LeaveReason),
    Cut(LeaveReason),
}

impl Outbound {
    /// The queue of a session that begins with polling. `number` is unique in
    /// this process.
    pub(crate) fn new(number: u64, options: &ServerOptions, tally: Arc<Tally>) -> Arc<Self> {
        Arc::new(Self {
            number,
            max_bytes: options.out_bytes,
            max_frames: options.out_frames,
            state: Mutex::new(State {
                queue: Queue::default(),
                link: Link::Polling(polls::Polling::default()),
                end: End::Open,
                asked: Asked::Nothing,
                stuck: None,
            }),
            task: AtomicWaker::new(),
            poll: AtomicWaker::new(),
            drained: Notify::new(),
            over: AtomicBool::new(false),
            tally,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unique in this process.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Queues a frame; [`Self::flush`] writes it. A session that is over takes
    /// everything and forgets it.
    ///
    /// The limits count what waits before the frame, so that a single large one
    /// always fits.
    ///
    /// # Errors
    /// Too much waits. The session is cut by that, as a slow reader.
    pub(crate) fn push(&self, frame: &Frame) -> Result<(), Full> {
        let mut state = self.lock();
        if state.end != End::Open {
            return Ok(());
        }
        self.put(&mut state, frame.wire().clone())
    }

    /// The same with a frame that counts for no limit: something large that a
    /// client gets once. Behind another of its kind it counts like any frame.
    pub(crate) fn push_beyond(&self, frame: &Frame) -> Result<(), Full> {
        let mut state = self.lock();
        if state.end != End::Open {
            return Ok(());
        }
        self.make_room(&mut state)?;
        state.queue.push_beyond(frame.wire().clone());
        Ok(())
    }

    /// Queues what the engine answers its client, which counts as much.
    pub(crate) fn push_wire(&self, wire: Bytes) -> Result<(), Full> {
        let mut state = self.lock();
        if state.end != End::Open {
            return Ok(());
        }
        self.put(&mut state, wire)
    }

    /// Queues a ping, of which only one is ever on its way.
    pub(crate) fn push_ping(&self, wire: Bytes) {
        let mut state = self.lock();
        if state.end == End::Open {
            state.queue.push(wire);
        }
    }

    fn put(&self, state: &mut State, wire: Bytes) -> Result<(), Full> {
        self.make_room(state)?;
        state.queue.push(wire);
        Ok(())
    }

    fn make_room(&self, state: &mut State) -> Result<(), Full> {
        if self.is_full(state) {
            // A batch that is pushed before it is flushed is no slow reader.
            self.write_direct(state);
            if self.is_full(state) {
                self.end(state, LeaveReason::SlowReader);
                return Err(Full);
            }
        }
        Ok(())
    }

    /// Whether another frame is taken where so much waits already.
    pub(crate) fn takes(&self, frames: usize, bytes: usize) -> bool {
        bytes < self.max_bytes && frames < self.max_frames
    }

    fn is_full(&self, state: &State) -> bool {
        !self.takes(state.queue.frames(), state.queue.counted())
    }

    /// Writes what is queued, as far as it goes at once: from the calling thread
    /// where the transport allows, which needs no runtime.
    pub(crate) fn flush(&self) {
        let mut state = self.lock();
        if state.queue.is_empty() {
            return;
        }
        match &state.link {
            Link::Direct { blocked: true, .. } => {}
            Link::Direct { .. } => self.write_direct(&mut state),
            Link::Polling(polling) => {
                if polling.is_waiting() {
                    self.poll.wake();
                } else if state.stuck.is_none() && !polling.is_moving() {
                    state.stuck = Some(Instant::now());
                    self.task.wake();
                }
            }
            Link::Task { .. } => self.task.wake(),
            Link::Gone => {}
        }
    }

    /// Writes into the stream until all is written or the stream is full.
    fn write_direct(&self, state: &mut State) {
        let State {
            queue,
            link: Link::Direct { tcp, blocked },
            end: End::Open | End::Closing(_),
            stuck,
            ..
        } = state
        else {
            return;
        };
        let mut written = 0;
        let result = loop {
            if queue.is_empty() {
                break Ok(());
            }
            let result = if let Some(only) = queue.only() {
                tcp.try_write(only)
            } else {
                let mut slices = [io::IoSlice::new(&[]); SLICES];
                let count = queue.slices(&mut slices);
                tcp.try_write_vectored(slices.get(..count).unwrap_or_default())
            };
            match result {
                Ok(bytes) => {
                    written += bytes;
                    queue.advance(bytes);
                }
                Err(error) => break Err(error.kind()),
            }
        };
        self.tally.wrote(written);
        if written > 0 {
            *stuck = None;
        }
        match result {
            Ok(()) => {
                *blocked = false;
                self.drained.notify_waiters();
            }
            Err(io::ErrorKind::WouldBlock) => {
                *blocked = true;
                stuck.get_or_insert_with(Instant::now);
                self.task.wake();
            }
            Err(_) => self.end(state, LeaveReason::TransportClosed),
        }
    }

    /// How many bytes wait.
    pub(crate) fn queued(&self) -> usize {
        self.lock().queue.bytes()
    }

    /// Whether it still takes frames.
    pub(crate) fn is_open(&self) -> bool {
        !self.over.load(Ordering::Acquire)
    }
}
