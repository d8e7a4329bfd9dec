//! The only part that touches the network: name → TCP → TLS → WebSocket.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{
    error::{CloseReason, ConnectError},
    options::ConnectOptions,
};

mod dial;
mod dialer;
mod frames;
mod meter;
mod stream;
mod target;
mod tls;
mod websocket;
mod writer;

use dialer::Dialer;
use frames::Frames;
use meter::Meter;
use stream::Stream;
use writer::Writer;

/// What an open transport has to tell.
pub(crate) enum Heard {
    /// A packet of the engine.
    Text(Utf8Bytes),
    /// An attachment.
    Binary(Bytes),
    /// The answer to the probe of this number.
    Probed(u32),
    /// A sign of life that says nothing.
    Control,
    /// All that was to be written is.
    Written,
    /// The end. Nothing follows.
    Ended(CloseReason),
}

/// An open transport. It reads and writes only while it is polled.
pub(crate) struct Wire {
    frames: Frames,
    meter: Arc<Meter>,
}

impl Wire {
    /// Goes on with reading, where `reading`, and with writing. Cancelling the
    /// wait loses nothing.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<Heard> {
        self.frames.poll(cx, reading)
    }

    /// What is heard next.
    pub(crate) async fn next(&mut self) -> Heard {
        poll_fn(|cx| self.poll(cx, true)).await
    }

    /// Queues a packet of the engine.
    pub(crate) fn text(&mut self, text: String) {
        self.frames.text(text);
    }

    /// Queues an attachment.
    pub(crate) fn binary(&mut self, part: Bytes) {
        self.frames.binary(part);
    }

    /// Queues the answer to the engine's ping, ahead of everything else.
    pub(crate) fn pong(&mut self) {
        self.frames.pong();
    }

    /// Queues a question that any server answers, in one way or the other.
    pub(crate) fn probe(&mut self, number: u32) {
        self.frames.probe(number);
    }

    /// Whether new packets have a chance.
    pub(crate) fn ready(&self) -> bool {
        self.frames.ready()
    }

    /// How many bytes have come, those of unfinished packets included.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.meter.read()
    }

    /// When to look whether writing stands still; `None` while nothing waits.
    pub(crate) fn stall_deadline(&mut self, limit: Duration, now: Instant) -> Option<Instant> {
        self.frames.stall_deadline(limit, now, self.meter.written())
    }

    /// Whether not a byte was written for `limit` although something waits.
    pub(crate) fn stalled(&mut self, limit: Duration, now: Instant) -> bool {
        self.frames.stalled(limit, now, self.meter.written())
    }

    /// Writes what is left and says goodbye, within `limit`. What else arrives is
    /// dropped: nobody is there for it any more.
    pub(crate) async fn goodbye(mut self, limit: Duration) {
        if tokio::time::timeout(limit, self.frames.goodbye())
            .await
            .is_err()
        {
            tracing::debug!("the goodbye took too long");
        }
    }
}

/// Connects, up to the answered upgrade. Takes as long as it takes; dropping the
/// future gives the attempt up.
pub(crate) async fn open(options: &ConnectOptions) -> Result<Wire, ConnectError> {
    let dialer = Dialer::from_options(options)?;
    let meter = Arc::new(Meter::default());
    let stream = dialer.dial(Arc::clone(&meter)).await?;
    let request = websocket::request(&dialer)?;
    let websocket = websocket::upgrade(
        dialer.target(),
        request,
        stream,
        options.limits.incoming_bytes,
    )
    .await?;
    let (sink, reader) = websocket.split();
    Ok(Wire {
        frames: Frames::new(reader, Writer::new(sink)),
        meter,
    })
}
