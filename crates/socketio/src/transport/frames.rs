//! An open WebSocket.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream::SplitStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message},
};

use super::{Heard, Stream, Writer, websocket::ended};
use crate::error::CloseReason;

/// See the module.
pub(super) struct Frames {
    reader: SplitStream<WebSocketStream<Stream>>,
    writer: Writer,
}

impl Frames {
    pub(super) fn new(reader: SplitStream<WebSocketStream<Stream>>, writer: Writer) -> Self {
        Self { reader, writer }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<Heard> {
        let written = self.writer.busy() && self.writer.poll_drain(cx).is_ready();
        if reading && let Poll::Ready(frame) = self.reader.poll_next_unpin(cx) {
            return Poll::Ready(heard(frame));
        }
        if written {
            return Poll::Ready(Heard::Written);
        }
        Poll::Pending
    }

    pub(super) fn text(&mut self, text: String) {
        self.writer.push(Message::text(text));
    }

    pub(super) fn binary(&mut self, part: Bytes) {
        self.writer.push(Message::Binary(part));
    }

    pub(super) fn pong(&mut self) {
        self.writer.pong();
    }

    pub(super) fn probe(&mut self, number: u32) {
        let data = Bytes::copy_from_slice(&number.to_be_bytes());
        self.writer.push(Message::Ping(data));
    }

    pub(super) fn ready(&self) -> bool {
        self.writer.ready()
    }

    pub(super) fn stall_deadline(
        &mut self,
        limit: Duration,
        now: Instant,
        written: u64,
    ) -> Option<Instant> {
        self.writer.deadline(limit, now, written)
    }

    pub(super) fn stalled(&mut self, limit: Duration, now: Instant, written: u64) -> bool {
        self.writer.stalled(limit, now, written)
    }

    pub(super) fn moves(&mut self, written: u64) -> bool {
        self.writer.moves(written)
    }

    /// Writes what is left and the close frame, and waits for the other side's.
    pub(super) async fn goodbye(&mut self) {
        self.writer.push(Message::Close(None));
        poll_fn(|cx| {
            while self.writer.busy() && self.writer.poll_drain(cx).is_ready() {}
            loop {
                match self.reader.poll_next_unpin(cx) {
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
    }
}

fn heard(frame: Option<Result<Message, Error>>) -> Heard {
    match frame {
        Some(Ok(Message::Text(text))) => Heard::Text(text),
        Some(Ok(Message::Binary(part))) => Heard::Binary(part),
        Some(Ok(Message::Close(_))) => Heard::Ended(CloseReason::ServerDisconnect),
        Some(Ok(Message::Pong(data))) => match <[u8; 4]>::try_from(&*data) {
            Ok(number) => Heard::Probed(u32::from_be_bytes(number)),
            Err(_) => Heard::Control,
        },
        Some(Ok(Message::Ping(_) | Message::Frame(_))) => Heard::Control,
        Some(Err(error)) => Heard::Ended(ended(Some(&error))),
        None => Heard::Ended(ended(None)),
    }
}
