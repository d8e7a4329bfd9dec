//! What goes into the machine, and what comes out.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::spaces::SpaceId;
use crate::{
    ack::Answer, error::CloseReason, fence::FenceAnswer, liveness::Gap, packet::DecodeError,
};

/// What happened.
pub(crate) enum Input<'a> {
    /// A text frame.
    Text(&'a str),
    /// A binary frame.
    Binary(Bytes),
    /// A WebSocket ping, or a pong that answers nothing of ours.
    Control,
    /// The answer to the probe of this number.
    Answered(u32),
    /// Bytes of a frame that is not complete yet.
    Progress,
    /// Reading goes on after a pause of our own.
    Resumed,
    /// The process did not run for a while.
    Woke(Gap),
    /// Not all that is to be written is; whether some of it was since the last time.
    HeldUp { moves: bool },
    /// [`Machine::deadline`](super::Machine::deadline) has come.
    Tick,
    /// A CONNECT for one more namespace was sent.
    Join {
        space: SpaceId,
        name: String,
        /// Under which its state is to be recovered.
        pid: Option<String>,
    },
    /// This namespace is left, or no longer waited for.
    Leave(SpaceId),
    /// The transport ended.
    Ended(CloseReason),
}

/// What to do.
pub(crate) enum Effect {
    /// Send this text frame.
    Send(String),
    /// Answer the engine's ping.
    Pong,
    /// Ask for a sign of life, under this number: a WebSocket ping.
    Probe(u32),
    /// The server lets us in.
    Joined(SpaceId, Welcome),
    /// The server does not let us in.
    Refused {
        space: SpaceId,
        message: String,
        data: Option<Box<RawValue>>,
    },
    /// Tell the reader.
    Deliver(SpaceId, Incoming),
    /// An answer came.
    Answered {
        space: SpaceId,
        id: u64,
        answer: Answer,
    },
    /// A fence was answered.
    FenceAnswered { number: u64, answer: FenceAnswer },
    /// The server ended this namespace. Others go on.
    Dismissed(SpaceId),
    /// It is over.
    Close(CloseReason),
}

/// What a server says to whom it lets in.
pub(crate) struct Welcome {
    /// The Socket.IO id.
    pub(crate) sid: String,
    /// Under which the state can be recovered; `None` where the server keeps none.
    pub(crate) pid: Option<String>,
    /// Whether it was recovered.
    pub(crate) recovered: bool,
}

/// What the reader is told.
pub(crate) enum Incoming {
    /// An event.
    Event {
        name: String,
        args: Vec<Box<RawValue>>,
        attachments: Vec<Bytes>,
        ack: Option<u64>,
    },
    /// A packet that cannot be read, and its size in bytes.
    Undecodable { error: DecodeError, bytes: usize },
}
