//! The part of the session's task in writing: what those who flush cannot.

use std::{
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::io::AsyncWrite;

use super::{Link, Outbound, queue::SLICES};
use crate::server::LeaveReason;

impl Outbound {
    /// Goes on with a plain stream that was full, and has the task woken when
    /// there is room.
    pub(crate) fn write_on(&self, context: &mut Context<'_>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        while let Link::Direct { tcp, blocked: true } = &state.link {
            match tcp.as_ref().poll_write_ready(context) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => self.write_direct(state),
                Poll::Ready(Err(_)) => self.end(state, LeaveReason::TransportClosed),
            }
        }
    }

    /// Writes what is queued through `stream`, as far as it goes, and has the task
    /// woken when more goes.
    pub(crate) fn write_through<S: AsyncWrite + Unpin>(
        &self,
        context: &mut Context<'_>,
        stream: &mut S,
    ) {
        let mut guard = self.lock();
        let state = &mut *guard;
        while let Link::Task { unflushed } = &mut state.link {
            let stream = Pin::new(&mut *stream);
            let written = if !state.queue.is_empty() {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let count = state.queue.slices(&mut slices);
                let slices = slices.get(..count).unwrap_or_default();
                stream.poll_write_vectored(context, slices)
            } else if *unflushed {
                stream.poll_flush(context).map_ok(|()| 0)
            } else {
                return;
            };
            match written {
                Poll::Pending => {
                    state.stuck.get_or_insert_with(Instant::now);
                    return;
                }
                Poll::Ready(Ok(0)) if state.queue.is_empty() => {
                    *unflushed = false;
                    state.stuck = None;
                    self.drained.notify_waiters();
                }
                Poll::Ready(Ok(written)) if written > 0 => {
                    *unflushed = true;
                    state.stuck = None;
                    state.queue.advance(written);
                    self.tally.wrote(written);
                }
                Poll::Ready(_) => self.end(state, LeaveReason::TransportClosed),
            }
        }
    }
}
