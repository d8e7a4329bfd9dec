//! The task of one session: it reads, calls the upper layer, and ends both.
//!
//! ```text
//!  opened by polling ──▶ Polling ──────────────┐
//!                          │ upgrade           │ over
//!                          ▼                   ▼
//!  opened by WebSocket ─▶ WebSocket ────────▶ Leaving: the upper layer is told,
//!                                    over     what is queued is written
//! ```

use std::{future::poll_fn, sync::Arc, task::Poll, time::Instant};

use tokio::{sync::mpsc, task::coop::consume_budget, time::timeout};

use super::{
    frames::{Item, Reader, Violation},
    payload::{self, Received},
    pump::{Pump, Turn},
    stream::{Half, LEAVE, Stream, drain, linger},
    upper::{Flow, Upper},
};
use crate::server::{
    LeaveReason, ServerOptions,
    outbound::{Outbound, Standing},
    tally::{Open, Tally, add},
};

/// See the module.
///
/// What happens rarely or holds much for a short time is boxed throughout: most
/// sessions do nothing but wait, and what they wait in is memory that each of them
/// has.
pub(crate) struct Session<U> {
    upper: U,
    pump: Pump,
    max_payload: usize,
    tally: Arc<Tally>,
}

/// What reaches a session on long polling.
pub(crate) enum Input {
    /// The body of a POST, every packet of which can be read.
    Payload(String),
    /// The client has moved to this stream, of which so much is read already.
    Moved(Stream, Vec<u8>),
}

/// What is left of a session's stream when all is said.
pub(crate) struct Rest(Option<Half>);

impl Rest {
    /// Waits a moment, so that what was said last arrives.
    pub(crate) async fn linger(self) {
        match self.0 {
            Some(Half::Tls(stream)) => linger(stream).await,
            // The other half is shut already.
            Some(Half::Plain(mut stream)) => drop(timeout(LEAVE, drain(&mut stream)).await),
            None => {}
        }
    }
}

/// The stream that the client has moved to.
async fn stream_of(inputs: &mut mpsc::Receiver<Input>) -> Option<(Stream, Vec<u8>)> {
    loop {
        if let Input::Moved(stream, early) = inputs.recv().await? {
            return Some((stream, early));
        }
    }
}

impl<U: Upper> Session<U> {
    pub(crate) fn new(
        upper: U,
        outbound: Arc<Outbound>,
        options: &ServerOptions,
        tally: Arc<Tally>,
    ) -> Box<Self> {
        Box::new(Self {
            upper,
            pump: Pump::new(outbound, options),
            max_payload: options.max_payload,
            tally,
        })
    }

    /// Runs a session that was opened by WebSocket, of which `early` is read.
    pub(crate) async fn over_websocket(
        mut self: Box<Self>,
        stream: Stream,
        early: Vec<u8>,
    ) -> Rest {
        let tally = self.tally.clone();
        let open = Open::new(&tally.websocket);
        self.websocket(stream, early).await;
        drop(open);
        Box::pin(self.leave()).await
    }

    /// Runs a session that was opened by polling.
    pub(crate) async fn over_polling(
        mut self: Box<Self>,
        mut inputs: mpsc::Receiver<Input>,
    ) -> Rest {
        let tally = self.tally.clone();
        let open = Open::new(&tally.polling);
        let mut moved = self.polling(&mut inputs).await;
        drop(open);
        if moved.is_none() && self.pump.outbound.is_upgrading() {
            // Its client may have stopped polling already, or be about to: what is
            // left is said in whichever way it comes for it.
            let outbound = self.pump.outbound.clone();
            let come = async {
                tokio::select! {
                    stream = stream_of(&mut inputs) => stream,
                    () = outbound.drained() => None,
                }
            };
            moved = timeout(LEAVE, come).await.ok().flatten();
        }
        if let Some((stream, early)) = moved {
            add(&tally.upgrades_total);
            let open = Open::new(&tally.websocket);
            // What came by the last POSTs came before.
            inputs.close();
            while let Some(input) = inputs.recv().await {
                if let Input::Payload(payload) = input {
                    Box::pin(self.payload(&payload)).await;
                }
            }
            self.websocket(stream, early).await;
            drop(open);
        }
        drop(inputs);
        Box::pin(self.leave()).await
    }

    /// Until it is over, or goes on by a stream.
    async fn polling(&mut self, inputs: &mut mpsc::Receiver<Input>) -> Option<(Stream, Vec<u8>)> {
        loop {
            let pump = &mut self.pump;
            let next = poll_fn(|context| match pump.poll_turn(context, true) {
                Poll::Ready(turn) => Poll::Ready(Err(turn)),
                Poll::Pending => inputs.poll_recv(context).map(Ok),
            })
            .await;
            match next {
                Ok(Some(Input::Payload(payload))) => Box::pin(self.payload(&payload)).await,
                Ok(Some(Input::Moved(stream, early))) => return Some((stream, early)),
                // Whoever could send holds the session's entry, which its task holds.
                Ok(None) => self.pump.outbound.cut(LeaveReason::TransportClosed),
                Err(turn) => {
                    if !Box::pin(self.turn(turn)).await {
                        return None;
                    }
                }
            }
        }
    }

    async fn websocket(&mut self, stream: Stream, mut early: Vec<u8>) {
        let (read, write) = stream.split();
        self.pump.outbound.attach(write);
        self.pump.attach(read);
        let mut reader = Reader::new(self.max_payload);
        if !early.is_empty() {
            Box::pin(self.batch(&mut reader, &mut early)).await;
            early = Vec::new();
        }
        drop(early);
        loop {
            match self.pump.read().await {
                Ok(mut buffer) => Box::pin(self.batch(&mut reader, buffer.filled())).await,
                Err(turn) => {
                    if !Box::pin(self.turn(turn)).await {
                        return;
                    }
                }
            }
        }
    }

    /// Looks up from reading. `false`: it is over.
    async fn turn(&mut self, turn: Turn) -> bool {
        match turn {
            Turn::Woken => {
                let flow = self.pump.during(self.upper.woken()).await;
                self.follow(flow);
                self.batch_done();
                true
            }
            Turn::Stop => {
                self.upper.farewell();
                self.pump.outbound.close(LeaveReason::ServerClosing);
                true
            }
            Turn::Over => false,
        }
    }

    /// All that one read brought.
    async fn batch(&mut self, reader: &mut Reader, bytes: &mut [u8]) {
        self.tally.read(bytes.len());
        let mut at = 0;
        while self.pump.outbound.is_open() {
            match reader.next(bytes, &mut at) {
                Ok(None) => break,
                Ok(Some(Item::Text(text))) => match payload::text_packet(text) {
                    Some(received) => self.received(received).await,
                    None => self.pump.outbound.close(LeaveReason::ProtocolError),
                },
                Ok(Some(Item::Binary(data))) => self.received(Received::Binary(data)).await,
                Ok(Some(Item::Ping(data))) => {
                    // If too much waits already, the session is cut by this.
                    let _ = self.pump.outbound.push_wire(super::fixed::pong(data));
                }
                Ok(Some(Item::Pong)) => {}
                Ok(Some(Item::Close)) => {
                    self.pump.outbound.close_back(LeaveReason::TransportClosed);
                }
                Err(Violation::TooLarge) => self.pump.outbound.close(LeaveReason::TooLarge),
                Err(Violation::Protocol) => self.pump.outbound.close(LeaveReason::ProtocolError),
            }
            // A client that floods lets others have their turn.
            consume_budget().await;
        }
        self.batch_done();
    }

    /// All that one POST brought.
    async fn payload(&mut self, payload: &str) {
        self.tally.read(payload.len());
        for packet in payload.split(payload::SEPARATOR) {
            if !self.pump.outbound.is_open() {
                break;
            }
            if let Some(received) = payload::packet(packet) {
                self.received(received).await;
            }
            consume_budget().await;
        }
        self.batch_done();
    }

    fn batch_done(&mut self) {
        self.pump.outbound.flush();
        // Reading begins again now.
        self.pump.pulse.heard(Instant::now());
    }

    async fn received(&mut self, received: Received<'_>) {
        let flow = match received {
            Received::Text(text) => self.pump.during(self.upper.text(text)).await,
            Received::Binary(data) => self.pump.during(self.upper.binary(data)).await,
            Received::Pong => {
                self.pump.pulse.pong(Instant::now());
                Flow::Continue
            }
            Received::Nothing => Flow::Continue,
            Received::Close => {
                self.pump.outbound.close_back(LeaveReason::TransportClosed);
                Flow::Continue
            }
        };
        self.follow(flow);
    }

    fn follow(&mut self, flow: Flow) {
        self.pump.joined = self.upper.joined();
        if let Flow::End(reason) = flow {
            self.pump.outbound.close(reason);
        }
    }

    /// Tells the upper layer, and writes what is left.
    async fn leave(self: Box<Self>) -> Rest {
        let reason = match self.pump.outbound.standing().0 {
            Standing::Closing(reason) | Standing::Cut(reason) => reason,
            Standing::Open | Standing::Woken | Standing::Stop => LeaveReason::TransportClosed,
        };
        self.tally.ended(reason);
        let Self {
            upper, mut pump, ..
        } = *self;
        pump.during(upper.closed(reason)).await;
        Rest(pump.leave().await)
    }
}
