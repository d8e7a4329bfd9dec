//! The only part that touches the network: name → TCP → TLS → WebSocket, or HTTP.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{
    error::CloseReason,
    transports::{Current, Transport},
};

mod dial;
mod dialer;
mod frames;
mod meter;
mod opening;
mod polling;
mod proxy;
mod stall;
mod stream;
mod target;
mod tls;
mod websocket;
mod writer;

use dialer::Dialer;
use frames::Frames;
use meter::Meter;
pub(crate) use opening::open;
use polling::{Polling, Step};
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
    way: Way,
    current: Current,
    /// What came first, where it was waited for.
    first: Option<Heard>,
    /// Bytes that came by a way that is left.
    read_before: u64,
}

enum Way {
    WebSocket(Box<Frames>, Arc<Meter>),
    Polling(Box<Polling>),
}

impl Wire {
    fn by_websocket(frames: Frames, meter: Arc<Meter>) -> Self {
        Self {
            way: Way::WebSocket(Box::new(frames), meter),
            current: Current::new(Transport::WebSocket),
            first: None,
            read_before: 0,
        }
    }

    fn by_polling(polling: Polling) -> Self {
        Self {
            way: Way::Polling(Box::new(polling)),
            current: Current::new(Transport::Polling),
            first: None,
            read_before: 0,
        }
    }

    /// Which transport it is, now and later.
    pub(crate) fn current(&self) -> &Current {
        &self.current
    }

    /// Goes on with reading, where `reading`, and with writing. Cancelling the
    /// wait loses nothing.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<Heard> {
        if reading && let Some(heard) = self.first.take() {
            return Poll::Ready(heard);
        }
        loop {
            match &mut self.way {
                Way::WebSocket(frames, _) => return frames.poll(cx, reading),
                Way::Polling(polling) => match ready!(polling.poll(cx, reading)) {
                    Step::Heard(heard) => return Poll::Ready(heard),
                    Step::Moved(frames, meter) => {
                        tracing::debug!("moved to WebSocket");
                        self.read_before = polling.bytes_read();
                        self.way = Way::WebSocket(frames, meter);
                        self.current.moved();
                    }
                },
            }
        }
    }

    /// What is heard next.
    pub(crate) async fn next(&mut self) -> Heard {
        poll_fn(|cx| self.poll(cx, true)).await
    }

    /// Queues a packet of the engine.
    pub(crate) fn text(&mut self, text: String) {
        match &mut self.way {
            Way::WebSocket(frames, _) => frames.text(text),
            Way::Polling(polling) => polling.text(text),
        }
    }

    /// Queues an attachment.
    pub(crate) fn binary(&mut self, part: Bytes) {
        match &mut self.way {
            Way::WebSocket(frames, _) => frames.binary(part),
            Way::Polling(polling) => polling.binary(part),
        }
    }

    /// Queues the answer to the engine's ping, ahead of everything else.
    pub(crate) fn pong(&mut self) {
        match &mut self.way {
            Way::WebSocket(frames, _) => frames.pong(),
            Way::Polling(polling) => polling.pong(),
        }
    }

    /// Queues a question that any server answers, in one way or the other.
    pub(crate) fn probe(&mut self, number: u32) {
        match &mut self.way {
            Way::WebSocket(frames, _) => frames.probe(number),
            Way::Polling(polling) => polling.probe(number),
        }
    }

    /// Whether new packets have a chance.
    pub(crate) fn ready(&self) -> bool {
        match &self.way {
            Way::WebSocket(frames, _) => frames.ready(),
            Way::Polling(polling) => polling.ready(),
        }
    }

    /// How many bytes have come, those of unfinished packets included.
    pub(crate) fn bytes_read(&self) -> u64 {
        let read = match &self.way {
            Way::WebSocket(_, meter) => meter.read(),
            Way::Polling(polling) => polling.bytes_read(),
        };
        self.read_before + read
    }

    /// When to look whether writing stands still; `None` while nothing waits.
    pub(crate) fn stall_deadline(&mut self, limit: Duration, now: Instant) -> Option<Instant> {
        match &mut self.way {
            Way::WebSocket(frames, meter) => frames.stall_deadline(limit, now, meter.written()),
            Way::Polling(polling) => polling.stall_deadline(limit, now),
        }
    }

    /// Whether not a byte was written for `limit` although something waits.
    pub(crate) fn stalled(&mut self, limit: Duration, now: Instant) -> bool {
        match &mut self.way {
            Way::WebSocket(frames, meter) => frames.stalled(limit, now, meter.written()),
            Way::Polling(polling) => polling.stalled(limit, now),
        }
    }

    /// Whether what waits is being written: some of it since the last look, and
    /// not yet all.
    pub(crate) fn moves(&mut self) -> bool {
        match &mut self.way {
            Way::WebSocket(frames, meter) => frames.moves(meter.written()),
            Way::Polling(polling) => polling.moves(),
        }
    }

    /// Writes what is left and says goodbye, within `limit`. What else arrives is
    /// dropped: nobody is there for it any more.
    pub(crate) async fn goodbye(mut self, limit: Duration) {
        let goodbye = async {
            match &mut self.way {
                Way::WebSocket(frames, _) => frames.goodbye().await,
                Way::Polling(polling) => polling.goodbye().await,
            }
        };
        if tokio::time::timeout(limit, goodbye).await.is_err() {
            tracing::debug!("the goodbye took too long");
        }
    }
}
