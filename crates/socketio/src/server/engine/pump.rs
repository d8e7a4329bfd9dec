//! What goes on in a session beside its handlers: writing, pings, time limits.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use tokio::time::{Sleep, sleep_until, timeout};

use super::{
    fixed,
    pulse::{Circumstances, Due, Pulse},
    stream::{Buffer, Half, LEAVE},
};
use crate::server::{
    LeaveReason, ServerOptions,
    outbound::{Outbound, Standing},
};

pub(super) struct Pump {
    pub(super) outbound: Arc<Outbound>,
    pub(super) pulse: Pulse,
    /// Whether there is a reason to keep the session.
    pub(super) joined: bool,
    stream: Option<Half>,
    timer: Pin<Box<Sleep>>,
    armed: Instant,
    woken: bool,
    stop: bool,
}

/// Why a wait for input ended without any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The upper layer is to be called.
    Woken,
    /// The server is closing.
    Stop,
    /// Nothing more is read: it is closing, or cut.
    Over,
}

impl Pump {
    pub(super) fn new(outbound: Arc<Outbound>, options: &ServerOptions) -> Self {
        let now = Instant::now();
        let pulse = Pulse::new(options, now);
        let armed = now + options.ping_interval.min(options.connect_timeout);
        Self {
            outbound,
            pulse,
            joined: false,
            stream: None,
            timer: Box::pin(sleep_until(armed.into())),
            armed,
            woken: false,
            stop: false,
        }
    }

    pub(super) fn attach(&mut self, stream: Half) {
        self.stream = Some(stream);
    }

    /// Does what is due. `reading`: whether the session is read at the moment.
    /// Ready when the reader has to look up.
    pub(super) fn poll_turn(&mut self, context: &mut Context<'_>, reading: bool) -> Poll<Turn> {
        self.outbound.register(context.waker());
        loop {
            match &mut self.stream {
                Some(Half::Tls(stream)) => self.outbound.write_through(context, stream),
                Some(Half::Plain(_)) => self.outbound.write_on(context),
                None => {}
            }
            let (standing, stuck) = self.outbound.standing();
            match standing {
                Standing::Open => {}
                Standing::Woken => self.woken = true,
                Standing::Stop => self.stop = true,
                Standing::Closing(_) if reading => return Poll::Ready(Turn::Over),
                Standing::Closing(_) => {}
                Standing::Cut(_) => {
                    // The other side is to see it now, whatever a handler does.
                    self.stream = None;
                    return Poll::Ready(Turn::Over);
                }
            }
            if reading && std::mem::take(&mut self.stop) {
                return Poll::Ready(Turn::Stop);
            }
            if reading && std::mem::take(&mut self.woken) {
                return Poll::Ready(Turn::Woken);
            }
            if stuck.is_some() && self.stream.is_some() {
                // The ping is behind what waits, and a client that reads gets there;
                // for one that does not there is the stall rule.
                self.pulse.heard(Instant::now());
            }
            let circumstances = Circumstances {
                reading,
                joined: self.joined,
                stuck,
            };
            // The timer is moved only to an earlier time; if it rings too early it
            // is set anew. So a busy session hardly ever touches it.
            if let Some(deadline) = self.pulse.deadline(circumstances)
                && deadline < self.armed
            {
                self.arm(deadline);
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            match self.pulse.due(circumstances, Instant::now()) {
                Due::Nothing(until) => self.arm(until),
                Due::Ping => {
                    // One at a time is on its way, whatever the limits say.
                    self.outbound.push_ping(fixed::PING);
                    self.outbound.flush();
                }
                Due::Close(reason) => self.outbound.close(reason),
                Due::Cut(reason) => self.outbound.cut(reason),
            }
        }
    }

    fn arm(&mut self, until: Instant) {
        self.armed = until;
        self.timer.as_mut().reset(until.into());
    }

    /// Waits for the next bytes.
    pub(super) async fn read(&mut self) -> Result<Buffer, Turn> {
        poll_fn(|context| {
            if let Poll::Ready(turn) = self.poll_turn(context, true) {
                return Poll::Ready(Err(turn));
            }
            let Some(stream) = &mut self.stream else {
                return Poll::Ready(Err(Turn::Over));
            };
            let mut buffer = Buffer::new();
            match buffer.poll_fill(context, stream) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => Poll::Ready(Ok(buffer)),
                // The stream has ended; how is of no interest.
                Poll::Ready(_) => {
                    self.outbound.cut(LeaveReason::TransportClosed);
                    Poll::Ready(Err(Turn::Over))
                }
            }
        })
        .await
    }

    /// Waits for a handler, to its end, and does what is due in the meantime.
    pub(super) async fn during<T>(&mut self, handler: impl Future<Output = T>) -> T {
        let mut handler = pin!(handler);
        poll_fn(|context| {
            if let Poll::Ready(done) = handler.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            let _ = self.poll_turn(context, false);
            Poll::Pending
        })
        .await
    }

    /// Writes what is left, and lets go of the stream.
    pub(super) async fn leave(mut self) -> Option<Half> {
        let polling = self.stream.is_none();
        let drained = poll_fn(|context| {
            let over = self.poll_turn(context, false).is_ready();
            if over || self.outbound.is_drained() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        if polling {
            // It may never come for it, which is its right.
            let _ = timeout(LEAVE, drained).await;
        } else {
            drained.await;
        }
        self.outbound.release();
        self.stream.take()
    }
}
