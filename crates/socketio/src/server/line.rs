//! What is on its way to one socket, in one order.
//!
//! ```text
//!          CONNECT answered
//! Waiting ─────────────────▶ Open ──┐
//!    │ refused, or the end          │ the end, whoever brought it
//!    └────────────▶ Gone ◀──────────┘
//! ```
//! While `Waiting`, what is sent is kept: it follows the answer. `Open`, it goes
//! to the connection's queue. `Gone` is final: what is sent is forgotten.

use std::sync::Arc;

use super::{
    Frame, Full,
    acks::Acks,
    feed::{Chunk, Follow, Log, Since},
    outbound::Outbound,
};

/// How many frames are kept for a socket that has not joined yet: its namespace
/// may say a few things to it while it decides.
const KEPT_FRAMES: usize = 64;
/// How many bytes are kept before another frame is: as much as one large
/// frame, which always finds room.
const KEPT_BYTES: usize = 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Line {
    stage: Stage,
    /// The log that this socket follows.
    follow: Option<Follow>,
    /// Most sockets are never asked anything.
    acks: Option<Box<Acks>>,
}

#[derive(Debug)]
enum Stage {
    Waiting { kept: Vec<Frame>, bytes: usize },
    Open,
    Gone,
}

impl Default for Stage {
    fn default() -> Self {
        Self::Waiting {
            kept: Vec::new(),
            bytes: 0,
        }
    }
}

impl Line {
    /// Queues a frame, behind what the log has had until now.
    pub(super) fn send(&mut self, frame: &Frame, out: &Outbound) -> Result<(), Full> {
        self.catch_up(out)?;
        self.put(frame, out)
    }

    /// The same with one that counts for no limit. Before the socket has joined it
    /// counts like any other.
    pub(super) fn send_beyond(&mut self, frame: &Frame, out: &Outbound) -> Result<(), Full> {
        self.catch_up(out)?;
        match self.stage {
            Stage::Open => out.push_beyond(frame),
            Stage::Waiting { .. } | Stage::Gone => self.put(frame, out),
        }
    }

    /// Queues the log's frames that this socket has not had.
    pub(super) fn catch_up(&mut self, out: &Outbound) -> Result<(), Full> {
        let Some(follow) = &mut self.follow else {
            return Ok(());
        };
        match follow.take() {
            Since::Nothing => Ok(()),
            Since::Frames(frames) => self.put(&frames, out),
            Since::Lost => Err(Full),
        }
    }

    /// The same, with most of them at hand. Whether anything was queued.
    pub(super) fn catch_up_by(&mut self, chunk: &Chunk, out: &Outbound) -> Result<bool, Full> {
        let (Stage::Open, Some(follow)) = (&self.stage, &mut self.follow) else {
            return Ok(false);
        };
        match follow.take_from(chunk) {
            Since::Nothing => Ok(false),
            Since::Frames(frames) => self.put(&frames, out).map(|()| true),
            Since::Lost => Err(Full),
        }
    }

    fn put(&mut self, frame: &Frame, out: &Outbound) -> Result<(), Full> {
        match &mut self.stage {
            Stage::Open => out.push(frame),
            Stage::Waiting { kept, bytes } => {
                if kept.len() >= KEPT_FRAMES || *bytes >= KEPT_BYTES {
                    return Err(Full);
                }
                *bytes += frame.size();
                kept.push(frame.clone());
                Ok(())
            }
            Stage::Gone => Ok(()),
        }
    }

    /// Joined: the answer goes out, and what was kept behind it. `false`: it
    /// has gone before it was there.
    pub(super) fn open(&mut self, answer: &Frame, out: &Outbound) -> Result<bool, Full> {
        let Stage::Waiting { kept, .. } = &mut self.stage else {
            return Ok(false);
        };
        let kept = std::mem::take(kept);
        self.stage = Stage::Open;
        out.push(answer)?;
        kept.iter().try_for_each(|frame| out.push(frame))?;
        self.catch_up(out)?;
        Ok(true)
    }

    /// The end. `false`: it had gone before. Nobody gets an answer any more.
    pub(super) fn end(&mut self) -> bool {
        let first = !matches!(self.stage, Stage::Gone);
        *self = Self {
            stage: Stage::Gone,
            ..Self::default()
        };
        first
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }

    pub(super) fn has_gone(&self) -> bool {
        matches!(self.stage, Stage::Gone)
    }

    /// The answers that this socket owes; `None` if it has gone.
    pub(super) fn acks(&mut self) -> Option<&mut Acks> {
        if self.has_gone() {
            return None;
        }
        Some(self.acks.get_or_insert_default())
    }

    /// Follows a log from where `follow` begins; what came before in another
    /// one is queued first. `false`: it has gone, or follows that log already.
    pub(super) fn follow(&mut self, follow: Follow, out: &Outbound) -> Result<bool, Full> {
        let already = self.follow.as_ref().is_some_and(|now| now.same(&follow));
        if already || self.has_gone() {
            return Ok(false);
        }
        self.catch_up(out)?;
        self.follow = Some(follow);
        Ok(true)
    }

    /// Follows that log no longer; what it has had until now is queued first.
    pub(super) fn unfollow(&mut self, log: &Arc<Log>, out: &Outbound) -> Result<(), Full> {
        if self.follow.as_ref().is_some_and(|follow| follow.is_of(log)) {
            self.catch_up(out)?;
            self.follow = None;
        }
        Ok(())
    }

    /// Whether it follows under this ticket.
    pub(super) fn has_ticket(&self, ticket: u64) -> bool {
        self.follow
            .as_ref()
            .is_some_and(|follow| follow.ticket() == ticket)
    }
}
