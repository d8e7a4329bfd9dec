//! Socket.IO 5 packets: events, answers, namespaces.
//!
//! ```text
//! <kind>[<attachments>-][<namespace>,][<ack id>][<JSON>]
//! 2["hello",1]      51-/admin,12["file",{"_placeholder":true,"num":0}]      40{"sid":"…"}
//! ```
//! Arguments stay as the JSON they are ([`RawValue`]): they are checked to be
//! well formed by a parser that does not recurse, whatever their depth, and the
//! reader decodes each into its own type. So one bad argument, or one bad entry
//! of a long list, is never the loss of the rest.

use std::borrow::Cow;

use serde_json::value::RawValue;

mod decode;
mod depth;
mod encode;

pub use encode::{encode_ack, encode_event};

/// The namespace that every server has.
pub const MAIN_NAMESPACE: &str = "/";

/// Names that Socket.IO keeps for itself; the official server ends the
/// connection of a client that emits one.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// Whether Socket.IO keeps this event name for itself.
#[must_use]
pub fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event)
}

/// One packet; its namespace may be borrowed from the text it was read from.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    /// Where it belongs, `/` for the main one.
    pub namespace: Cow<'a, str>,
    /// What it says.
    pub body: Body,
}

/// What a packet says.
#[derive(Clone, Debug)]
pub enum Body {
    /// `0`: a client asks to join the namespace (the value is its `auth`), or
    /// the server lets it in (the value holds the `sid`).
    Connect(Option<Box<RawValue>>),
    /// `1`: one side leaves the namespace.
    Disconnect,
    /// `2`, and `5` with attachments.
    Event {
        /// The number under which the sender expects an answer.
        ack: Option<u64>,
        /// How many binary frames follow and belong to this packet.
        attachments: u64,
        /// What happened.
        name: String,
        /// With what.
        args: Vec<Box<RawValue>>,
    },
    /// `3`, and `6` with attachments: the answer to an event.
    Ack {
        /// The number that came with the event.
        id: u64,
        /// How many binary frames follow and belong to this packet.
        attachments: u64,
        /// The answer.
        args: Vec<Box<RawValue>>,
    },
    /// `4`: the server refuses to let the client in.
    ConnectError(Option<Box<RawValue>>),
}

/// How much a packet may ask of its reader. What goes beyond is refused before
/// any memory is taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How deep arrays and objects may be nested; the one that holds the
    /// arguments is the first.
    pub depth: usize,
    /// How many arguments there may be. Each takes memory of its own, however
    /// short it is.
    pub arguments: usize,
    /// The length of an event's name, in bytes.
    pub name_bytes: usize,
}

impl Bounds {
    /// Everything that can be read is.
    pub const NONE: Self = Self {
        depth: usize::MAX,
        arguments: usize::MAX,
        name_bytes: usize::MAX,
    };
}

/// Why a packet cannot be read. Never holds a part of the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame is empty or does not start with a known digit.
    #[error("unknown packet type")]
    Kind,
    /// A binary packet does not say how many attachments follow.
    #[error("bad number of attachments")]
    Attachments,
    /// The number that pairs an answer with its event is missing or too long.
    #[error("bad ack id")]
    AckId,
    /// The data is not JSON.
    #[error("malformed JSON at column {column}")]
    Json {
        /// Where, in bytes from 1, within the data.
        column: usize,
    },
    /// The data is JSON of a kind that such a packet never has.
    #[error("unexpected data")]
    Shape,
    /// The event's name is one that Socket.IO keeps for itself.
    #[error("reserved event name")]
    Reserved,
    /// Arrays and objects are nested deeper than the limits allow.
    #[error("nested too deep")]
    TooDeep,
    /// More arguments than the limits allow.
    #[error("too many arguments")]
    TooManyArguments,
    /// The event's name is longer than the limits allow.
    #[error("event name too long")]
    NameTooLong,
    /// More or larger attachments than the limits allow.
    #[error("too many attachments")]
    TooManyAttachments,
    /// Another packet came before all attachments of this one had.
    #[error("attachments missing")]
    MissingAttachments,
    /// A binary frame that belongs to no packet.
    #[error("stray attachment")]
    StrayAttachment,
}
