//! What a server can and cannot do, told in codes: for people who wonder why a
//! message stays unsure, and for authors of compatible servers.

mod learned;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub(crate) use self::learned::Learned;

/// What is known of the server of this account: of its present connection, or of
/// the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Compatibility {
    /// What it speaks; `None` until its first list of users.
    pub dialect: Option<DialectCode>,
    /// One for each code, in the order of the codes.
    pub findings: Vec<Finding>,
}

/// The compatible protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum DialectCode {
    /// The guide's part 1: a user is a connection; nothing is kept.
    A,
    /// Part 2: users outlive their connections; messages are not kept.
    B,
    /// Parts 3 and 4: users and messages are kept.
    C,
    /// The chat example of socketioxide: as C, but oneself is not listed,
    /// everybody is sent everything, and one's other devices hear nothing.
    D,
    /// Parlour's own: ids, numbers, acknowledgements.
    Pm,
}

/// One thing that is known of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Finding {
    /// What it is about.
    pub code: FindingCode,
    /// Whether it is so.
    pub verdict: Verdict,
    /// Where there is something to measure or to count: the code says in what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub number: Option<u64>,
}

/// Whether something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum Verdict {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// Nothing has shown it yet.
    Unknown,
}

/// The stable codes of a [`Finding`]. Each says what a server does to get a *yes*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum FindingCode {
    /// It says `session` with a `sessionID`, and takes that in `auth` the next time.
    /// Without, everybody who comes back is somebody else.
    SessionsKept,
    /// A user keeps their `userID` over connections. Without, what waits for
    /// somebody is held when they come back.
    IdsLast,
    /// `users` holds the `messages` of each conversation, or pm sends what was
    /// missed. Without, messages to somebody who is away wait here, and one that
    /// was on its way when the connection broke stays unsure.
    HistoryKept,
    /// The histories hold messages between other people, which nobody should get:
    /// a *yes* is a leak. They are neither kept nor shown here; the number says how
    /// many there were in the last list.
    HistoryOfOthersLeaked,
    /// `users` holds oneself, too.
    ListsOneself,
    /// It acknowledges each message under its id, after it is stored (pm).
    Acknowledges,
    /// It answers a CONNECT to a namespace that does not exist with CONNECT_ERROR,
    /// as Socket.IO 5 demands. That proves that what was sent before has arrived.
    FenceAnswered,
    /// It sends a message to the other connections of whoever wrote it. Without,
    /// one's other devices do not see it before they connect again.
    EchoesToOwnDevices,
    /// It tells what was received and read (pm).
    Receipts,
    /// The connection is a WebSocket now; *no*: it is long polling.
    WebSocket,
    /// The connection is encrypted on its way. Whoever runs the server can read all
    /// the same.
    Encrypted,
    /// It says how long a packet may be; the number is that, in bytes. What is longer
    /// is not sent.
    MaxMessageSize,
    /// How often it pings: milliseconds.
    PingInterval,
    /// How long it waits for the answer to a ping: milliseconds. This and the
    /// interval together are how long it may take a dead client for a live one.
    PingTimeout,
    /// After how much silence we take the connection for dead: milliseconds.
    DeadLinkSeen,
    /// It offers to give back what a short break costs (connection state recovery).
    RecoveryOffered,
    /// Events came that cannot be read, or packets; the number says how many.
    UnreadableEvents,
    /// Entries of `users`, or of histories in it, cannot be read; the number says how
    /// many. Each costs only itself.
    UnreadableEntries,
    /// It lists more users than are kept here; the number says how many were left out.
    UsersLeftOut,
    /// It named users who cannot be (an empty id, an endless one); the number says how
    /// often that was dropped.
    ImpossibleIds,
    /// It sent messages between other people while we were connected; the number
    /// says how many were dropped.
    MessagesBetweenOthers,
}
