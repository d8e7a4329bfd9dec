//! What is to be written, and how far writing has come.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use futures_util::{Sink, stream::SplitSink};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message},
};

use super::{Stream, stall::Stall};
use crate::engine;

/// Writes frames in order without ever blocking its task: [`Self::poll_drain`]
/// goes as far as the transport takes it.
///
/// Its queue is bounded by its users: the task takes a new command only when the
/// queue is empty, and what the server can cause comes once at a time (a pong,
/// however many pings wait for one) or in bounded number (fences).
///
/// A failure to write is not reported: the reader is about to see the end of the
/// connection, and before it what the server still said, perhaps goodbye. Until
/// then the writer takes frames to no effect, and the task no commands.
pub(crate) struct Writer {
    sink: SplitSink<WebSocketStream<Stream>, Message>,
    queue: VecDeque<Message>,
    pong: bool,
    flushed: bool,
    /// The transport takes nothing at the moment.
    blocked: bool,
    broken: bool,
    stall: Stall,
}

impl Writer {
    pub(super) fn new(sink: SplitSink<WebSocketStream<Stream>, Message>) -> Self {
        Self {
            sink,
            queue: VecDeque::new(),
            pong: false,
            flushed: true,
            blocked: false,
            broken: false,
            stall: Stall::default(),
        }
    }

    /// Queues a frame.
    pub(crate) fn push(&mut self, message: Message) {
        if !self.broken {
            self.queue.push_back(message);
        }
    }

    /// Queues the answer to the engine's ping, ahead of everything else.
    pub(crate) fn pong(&mut self) {
        self.pong = !self.broken;
    }

    /// Whether anything waits to be written.
    pub(crate) fn busy(&self) -> bool {
        self.pong || !self.queue.is_empty() || !self.flushed
    }

    /// Whether new commands have a chance.
    pub(crate) fn ready(&self) -> bool {
        !self.broken && !self.busy()
    }

    /// Writes and flushes all that is queued, as far as it goes. Cancelling the
    /// wait loses nothing.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Err(error) = ready!(self.poll_write(cx)) {
            tracing::debug!(%error, "writing failed");
            self.broken = true;
            self.pong = false;
            self.queue.clear();
        }
        self.flushed = true;
        self.stall.over();
        Poll::Ready(())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.blocked {
            // The WebSocket would still take small frames into a buffer of its own.
            ready!(Pin::new(&mut self.sink).poll_flush(cx))?;
            self.blocked = false;
        }
        while self.pong || !self.queue.is_empty() {
            ready!(Pin::new(&mut self.sink).poll_ready(cx))?;
            let message = if std::mem::take(&mut self.pong) {
                Message::text(engine::PONG)
            } else if let Some(message) = self.queue.pop_front() {
                message
            } else {
                break;
            };
            self.flushed = false;
            Pin::new(&mut self.sink).start_send(message)?;
        }
        let flushing = Pin::new(&mut self.sink).poll_flush(cx);
        self.blocked = flushing.is_pending();
        flushing
    }

    /// When to look whether writing stands still; `None` while nothing waits.
    pub(crate) fn deadline(
        &mut self,
        limit: Duration,
        now: Instant,
        written: u64,
    ) -> Option<Instant> {
        if !self.busy() {
            return None;
        }
        Some(self.stall.deadline(limit, now, written))
    }

    /// Whether not a byte was written for `limit` although something waits.
    pub(crate) fn stalled(&mut self, limit: Duration, now: Instant, written: u64) -> bool {
        self.stall.stalled(limit, now, written)
    }

    /// Whether the transport takes, a part at a time, what waits.
    pub(crate) fn moves(&mut self, written: u64) -> bool {
        self.busy() && self.stall.moves(written)
    }
}
