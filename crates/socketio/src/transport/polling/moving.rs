//! The move of a session from polling to WebSocket.
//!
//! ```text
//!            2probe, 3probe              the poll and the request that are on
//!  Probing ────────────────▶ Pausing ──── their way have come back ───▶ 5, WebSocket
//!     │                         │
//!     └── it fails, or hangs ───┴───▶ Done: polling goes on as if nothing had been
//! ```
//! While it is probed, polling goes on. While it pauses, nothing new goes out; the
//! server answers the poll that waits. So at `5` nothing is on its way by a request
//! any more: what came is handed out first, what waits follows by WebSocket.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{
    SinkExt, Stream as _, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::time::{Sleep, sleep, timeout};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use super::outgoing::{Frame, Outgoing};
use crate::{
    cookies::CookieJar,
    transport::{Dialer, Frames, Meter, Stream, Writer, websocket},
};

/// From the question to the answer that the WebSocket works. Servers give the move
/// up after 10 s, of which a pause takes its part.
const PROBING: Duration = Duration::from_secs(6);
/// For the poll that waits to come back.
const PAUSING: Duration = Duration::from_secs(3);

/// What it takes to move.
pub(in crate::transport) struct Mover {
    pub(in crate::transport) dialer: Dialer,
    pub(in crate::transport) cookies: CookieJar,
    pub(in crate::transport) incoming_bytes: usize,
}

type Reader = SplitStream<WebSocketStream<Stream>>;
type Sending = SplitSink<WebSocketStream<Stream>, Message>;
type Probing = Pin<Box<dyn Future<Output = Option<(Sending, Reader)>> + Send>>;

/// See the module.
pub(super) enum Move {
    Probing {
        probing: Probing,
        meter: Arc<Meter>,
    },
    Pausing {
        sending: Sending,
        reader: Reader,
        meter: Arc<Meter>,
        until: Pin<Box<Sleep>>,
    },
    Done,
}

impl Move {
    pub(super) fn new(mover: Option<Mover>, sid: &str) -> Self {
        let Some(mover) = mover else {
            return Self::Done;
        };
        let meter = Arc::new(Meter::default());
        let probing = probe(mover, sid.to_owned(), Arc::clone(&meter));
        let probing = Box::pin(async move { timeout(PROBING, probing).await.ok().flatten() });
        Self::Probing { probing, meter }
    }

    /// Whether nothing new may go out.
    pub(super) fn is_pausing(&self) -> bool {
        matches!(self, Self::Pausing { .. })
    }

    pub(super) fn give_up(&mut self) {
        *self = Self::Done;
    }

    /// Goes on with it. `true`: polling stops, or goes on again.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        match self {
            Self::Done => false,
            Self::Probing { probing, meter } => {
                let Poll::Ready(probed) = probing.as_mut().poll(cx) else {
                    return false;
                };
                *self = match probed {
                    Some((sending, reader)) => Self::Pausing {
                        sending,
                        reader,
                        meter: Arc::clone(meter),
                        until: Box::pin(sleep(PAUSING)),
                    },
                    None => {
                        tracing::debug!("no move to WebSocket: it does not work");
                        Self::Done
                    }
                };
                true
            }
            Self::Pausing { reader, until, .. } => {
                let late = until.as_mut().poll(cx).is_ready();
                let ended = has_ended(reader, cx);
                if late || ended {
                    tracing::debug!(late, "no move to WebSocket: it was given up");
                    *self = Self::Done;
                }
                late || ended
            }
        }
    }

    /// The WebSocket, with everything that waits in it; `None` if it pauses not.
    pub(super) fn take(&mut self, outgoing: &mut Outgoing) -> Option<(Frames, Arc<Meter>)> {
        let Self::Pausing {
            sending,
            reader,
            meter,
            ..
        } = std::mem::replace(self, Self::Done)
        else {
            return None;
        };
        let mut frames = Frames::new(reader, Writer::new(sending));
        frames.text(UPGRADE.to_owned());
        for frame in outgoing.drain() {
            match frame {
                Frame::Text(text) => frames.text(text),
                Frame::Binary(part) => frames.binary(part),
            }
        }
        Some((frames, meter))
    }
}

/// The server says nothing by WebSocket before the move, but it may hang up.
fn has_ended(reader: &mut Reader, cx: &mut Context<'_>) -> bool {
    loop {
        match Pin::new(&mut *reader).poll_next(cx) {
            Poll::Ready(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Poll::Ready(_) => return true,
            Poll::Pending => return false,
        }
    }
}

const PROBE: &str = "2probe";
const PROBED: &str = "3probe";
const UPGRADE: &str = "5";

/// Opens a WebSocket for the session, and sees whether frames pass.
async fn probe(mover: Mover, sid: String, meter: Arc<Meter>) -> Option<(Sending, Reader)> {
    let target = mover.dialer.target();
    let request = websocket::request(&mover.dialer, Some(&sid)).ok()?;
    let stream = mover.dialer.dial(meter).await.ok()?;
    let websocket = websocket::upgrade(
        target,
        request,
        &mover.cookies,
        stream,
        mover.incoming_bytes,
    );
    let (mut sending, mut reader) = websocket.await.ok()?.split();
    sending.send(Message::text(PROBE)).await.ok()?;
    loop {
        match reader.next().await?.ok()? {
            Message::Text(text) if text.as_str() == PROBED => return Some((sending, reader)),
            Message::Ping(_) | Message::Pong(_) => {}
            _ => return None,
        }
    }
}
