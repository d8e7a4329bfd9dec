//! Long polling: two kinds of requests, one of each at a time.
//!
//! ```text
//!  GET   waits at the server until that has something to say, then another
//!  POST  what was queued meanwhile, as many packets as fit
//! ```
//! What an answer brought is handed out packet by packet, and no further GET goes
//! out before it is all taken: a slow reader slows the server. A request is never
//! repeated, for nobody can tell whether what was in it, or in its answer, would
//! then come twice. So any failure is the end.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::time::Sleep;

use self::{
    moving::Move,
    outgoing::{Frame, Outgoing},
    probe::Probes,
    site::Site,
};
use super::{Frames, Heard, Meter, stall::Stall};
use crate::{
    error::CloseReason,
    payload::{NoPayload, Part, Payload},
};

mod failure;
mod lane;
mod moving;
mod opening;
mod outgoing;
mod pace;
mod probe;
mod requests;
mod site;
mod watch;

pub(super) use moving::Mover;
pub(super) use opening::open;
use requests::{Requests, Turn};

/// For the last words of a server that takes none any more: how long the poll
/// that waits may still bring them.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Polling {
    site: Arc<Site>,
    sid: String,
    /// How long the server may let a poll wait.
    patience: Duration,
    polls: Requests,
    posts: Requests,
    /// What was received, as far as it is not handed out.
    payload: Payload,
    /// Whether the server has said goodbye.
    over: bool,
    outgoing: Outgoing,
    stall: Stall,
    probes: Probes,
    /// The probe that is to go out.
    probe: Option<u32>,
    pace: pace::Pace,
    failed: Option<Failed>,
    moving: Move,
}

/// A request of ours failed.
struct Failed {
    reason: CloseReason,
    until: Pin<Box<Sleep>>,
}

/// What long polling has to tell.
pub(super) enum Step {
    Heard(Heard),
    /// It goes on by WebSocket, with all that was queued.
    Moved(Box<Frames>, Arc<Meter>),
}

impl Polling {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<Step> {
        if let Some(heard) = self.poll_posts(cx) {
            return Poll::Ready(Step::Heard(heard));
        }
        if !reading {
            return Poll::Pending;
        }
        self.poll_polls(cx)
    }

    /// Says what there is to say. `Some`: the server has taken a part of it.
    fn poll_posts(&mut self, cx: &mut Context<'_>) -> Option<Heard> {
        loop {
            match self.posts.poll(cx) {
                Turn::Idle => {
                    if self.failed.is_some() || self.moving.is_pausing() {
                        return None;
                    }
                    if let Some(number) = self.probe.take() {
                        let packet = self.probes.ask(number);
                        self.outgoing.push(Frame::Text(packet));
                    }
                    let body = self.outgoing.payload()?;
                    self.posts.post(&self.site, &self.sid, body);
                }
                Turn::Pending => return None,
                Turn::Done(Ok(_)) => {
                    self.stall.over();
                    return Some(match self.probes.posted() {
                        Some(number) => Heard::Probed(number),
                        None if self.probes.need_posts() => Heard::Control,
                        None => Heard::Written,
                    });
                }
                Turn::Done(Err(failure)) => {
                    tracing::debug!(?failure, "a request with packets failed");
                    self.stall.over();
                    self.outgoing.clear();
                    self.failed = Some(Failed {
                        reason: failure.into_close(),
                        until: Box::pin(tokio::time::sleep(LAST_WORDS)),
                    });
                    return None;
                }
            }
        }
    }

    fn poll_polls(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            if let Some(part) = self.payload.next() {
                return Poll::Ready(Step::Heard(self.heard(part)));
            }
            match self.polls.poll(cx) {
                Turn::Idle => {
                    if let Some(failed) = &self.failed {
                        return ended(failed.reason.clone());
                    }
                    if self.over {
                        // There is nothing more to come.
                        return ended(CloseReason::ServerDisconnect);
                    }
                    if self.moving.is_pausing() {
                        if !self.posts.is_idle() {
                            break;
                        }
                        // It may have ended while nobody read.
                        if self.moving.poll(cx) {
                            continue;
                        }
                        if let Some((mut frames, meter)) = self.moving.take(&mut self.outgoing) {
                            if let Some(number) = self.probe.take() {
                                frames.probe(number);
                            }
                            return Poll::Ready(Step::Moved(Box::new(frames), meter));
                        }
                    }
                    self.polls
                        .poll_again(&self.site, &self.sid, self.patience, self.pace.pause());
                }
                Turn::Pending => break,
                Turn::Done(Ok(body)) => match Payload::new(body) {
                    Ok(payload) => {
                        self.pace.answered(payload.is_idle());
                        self.payload = payload;
                    }
                    Err(NoPayload) => {
                        let what = "an answer holds no packets".to_owned();
                        return ended(CloseReason::Protocol(what));
                    }
                },
                Turn::Done(Err(failure)) => {
                    tracing::debug!(?failure, "a poll failed");
                    let first = self.failed.take().map(|failed| failed.reason);
                    return ended(first.unwrap_or_else(|| failure.into_close()));
                }
            }
        }
        if let Some(failed) = &mut self.failed
            && failed.until.as_mut().poll(cx).is_ready()
        {
            return ended(failed.reason.clone());
        }
        if self.moving.poll(cx) {
            // Polling stops, or goes on: there may be nobody else to notice.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn heard(&mut self, part: Part) -> Heard {
        match part {
            Part::Binary(part) => Heard::Binary(part),
            Part::Text(text) => {
                if let Some(echo) = self.probes.echo(&text) {
                    if let Some(leave) = echo.leave {
                        self.outgoing.push(Frame::Text(leave));
                    }
                    return Heard::Probed(echo.number);
                }
                self.over |= text.as_str() == CLOSE;
                Heard::Text(text)
            }
        }
    }

    pub(super) fn text(&mut self, text: String) {
        self.push(Frame::Text(text));
    }

    pub(super) fn binary(&mut self, part: Bytes) {
        self.push(Frame::Binary(part));
    }

    pub(super) fn pong(&mut self) {
        if self.failed.is_none() {
            self.outgoing.pong();
        }
    }

    /// However many are asked for while a request is on its way, the last goes out
    /// behind it.
    pub(super) fn probe(&mut self, number: u32) {
        self.probe = Some(number);
    }

    fn push(&mut self, frame: Frame) {
        if self.failed.is_none() {
            self.outgoing.push(frame);
        }
    }

    pub(super) fn ready(&self) -> bool {
        self.failed.is_none()
            && self.posts.is_idle()
            && self.outgoing.is_empty()
            && !self.moving.is_pausing()
    }

    /// Of what comes with polls only: the answers to the others say nothing of it.
    pub(super) fn bytes_read(&self) -> u64 {
        self.polls.meter().read()
    }

    pub(super) fn stall_deadline(&mut self, limit: Duration, now: Instant) -> Option<Instant> {
        let written = self.posts.meter().written();
        (!self.posts.is_idle()).then(|| self.stall.deadline(limit, now, written))
    }

    pub(super) fn stalled(&mut self, limit: Duration, now: Instant) -> bool {
        let written = self.posts.meter().written();
        self.stall.stalled(limit, now, written)
    }

    pub(super) fn moves(&mut self) -> bool {
        let written = self.posts.meter().written();
        !self.posts.is_idle() && self.stall.moves(written)
    }

    /// Says what is left and ends the session.
    pub(super) async fn goodbye(&mut self) {
        self.moving.give_up();
        if !self.over {
            self.push(Frame::Text(CLOSE.to_owned()));
        }
        poll_fn(|cx| {
            while self.poll_posts(cx).is_some() {}
            if self.posts.is_idle() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// The engine's own word that a session ends.
const CLOSE: &str = "1";

fn ended(reason: CloseReason) -> Poll<Step> {
    Poll::Ready(Step::Heard(Heard::Ended(reason)))
}
