//! What can go wrong with a connection.

use std::time::Duration;

/// What happens to a connection. "Up" is towards the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Both sides see its end (FIN).
    Cut,
    /// Both sides see a reset (RST), which also throws away what they have not read.
    Reset,
    /// The client sees its end; the server sees a connection that is silent.
    CutNear,
    /// The server sees its end; the client sees a connection that is silent.
    CutFar,
    /// The client sees its end, and what it had sent reaches the server only later.
    Late,
    /// The server is told that the client writes no more; the other way stays open.
    HalfCloseUp,
    /// The client is told that the server writes no more; the other way stays open.
    HalfCloseDown,
    /// Both ways are open, and nothing arrives any more.
    Swallow,
    /// As [`Self::Swallow`], towards the server only.
    SwallowUp,
    /// As [`Self::Swallow`], towards the client only: everything arrives, and no answer.
    SwallowDown,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Cut,
        Self::Reset,
        Self::CutNear,
        Self::CutFar,
        Self::Late,
        Self::HalfCloseUp,
        Self::HalfCloseDown,
        Self::Swallow,
        Self::SwallowUp,
        Self::SwallowDown,
    ];
}

/// How a connection carries bytes before anything happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// At once.
    Prompt,
    /// Each piece some milliseconds later, never the same number.
    Jitter,
    /// The first kibibytes in pieces of a few bytes.
    Slices,
    /// So many bytes a second.
    Throttled,
}

impl Manner {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Prompt, Self::Jitter, Self::Slices, Self::Throttled];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// The life of one connection.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) fault: Fault,
    /// Whose bytes are counted.
    pub(super) direction: Direction,
    pub(super) after: usize,
    pub(super) manner: Manner,
    /// For how long a late connection gathers bytes before the client sees its end.
    pub(super) gather: Duration,
    /// How much later they arrive.
    pub(super) late: Duration,
    pub(super) seed: u64,
}
