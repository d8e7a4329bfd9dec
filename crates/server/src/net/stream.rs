//! A TCP stream that can be paused and shut from outside, and whose writes
//! have a time-out.
//!
//! The time-out is what frees a connection whose client has stopped reading:
//! the layers above wait for such a write without end, and would never report
//! that the connection is gone.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};

use super::valve::{Flow, Valve};
use crate::limits::WRITE_TIMEOUT;

/// See the module.
#[derive(Debug)]
pub(super) struct Stream {
    tcp: TcpStream,
    valve: Arc<Valve>,
    stalled: Option<Pin<Box<Sleep>>>,
    // Its place among the connections that may be open at once.
    _place: OwnedSemaphorePermit,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, valve: Arc<Valve>, place: OwnedSemaphorePermit) -> Self {
        Self {
            tcp,
            valve,
            stalled: None,
            _place: place,
        }
    }

    /// Runs a write unless the valve is shut or it made no progress for too long.
    fn guard<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.valve.writing(context.waker()) == Flow::Shut {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if let Poll::Ready(done) = write(Pin::new(&mut self.tcp), context) {
            self.stalled = None;
            return Poll::Ready(done);
        }
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.valve.reading(context) {
            Flow::Open => Pin::new(&mut self.tcp).poll_read(context, buffer),
            Flow::Paused => Poll::Pending,
            Flow::Shut => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.guard(context, |tcp, context| tcp.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.guard(context, |tcp, context| {
            tcp.poll_write_vectored(context, slices)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.guard(context, |tcp, context| tcp.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.guard(context, |tcp, context| tcp.poll_shutdown(context))
    }
}
