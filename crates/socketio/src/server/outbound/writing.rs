//! The part of the session's task in writing.

use std::{
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::io::AsyncWrite;

use super::{Link, Outbound, queue::SLICES};
use crate::server::LeaveReason;

impl Outbound {
    /// Writes what is queued into the session's stream, as far as it goes, and
    /// has the task woken when more goes. Ready when nothing waits.
    ///
    /// `stream` is the one that was attached.
    pub(crate) fn poll_write<S: AsyncWrite + Unpin>(
        &self,
        context: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<()> {
        let mut guard = self.lock();
        let state = &mut *guard;
        loop {
            match &mut state.link {
                Link::Polling(_) => return Poll::Ready(()),
                Link::Direct { tcp, blocked } => {
                    if *blocked && ready!(tcp.poll_write_ready(context)).is_err() {
                        self.end(state, LeaveReason::TransportClosed);
                        return Poll::Ready(());
                    }
                    self.write_direct(state);
                    if !matches!(state.link, Link::Direct { blocked: true, .. }) {
                        return Poll::Ready(());
                    }
                }
                Link::Task { unflushed } => {
                    if state.queue.is_empty() && !*unflushed {
                        return Poll::Ready(());
                    }
                    let stream = Pin::new(&mut *stream);
                    let result = if state.queue.is_empty() {
                        stream.poll_flush(context).map_ok(|()| 0)
                    } else {
                        let mut slices = [IoSlice::new(&[]); SLICES];
                        let count = state.queue.slices(&mut slices);
                        let slices = slices.get(..count).unwrap_or_default();
                        stream.poll_write_vectored(context, slices)
                    };
                    match result {
                        Poll::Ready(Ok(0)) if *unflushed && state.queue.is_empty() => {
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
                        Poll::Ready(_) => {
                            self.end(state, LeaveReason::TransportClosed);
                            return Poll::Ready(());
                        }
                        Poll::Pending => {
                            state.stuck.get_or_insert_with(Instant::now);
                            return Poll::Pending;
                        }
                    }
                }
            }
        }
    }
}
