//! Every limit of this server that is not part of the wire protocol (those are
//! in [`parlour_protocol::limits`]): its unit, its reason, and who enforces it.

use std::time::Duration;

use parlour_protocol::limits::USERS;

/// Commands waiting for the hub. Full: the connections' tasks wait, and with
/// them the reading of their sockets. Hub.
pub(crate) const HUB_QUEUE: usize = 1024;

/// Commands that the hub takes at once, and so messages that share one commit:
/// from 64 on, a larger batch gains little on SQLite. Hub.
pub(crate) const HUB_BATCH: usize = 512;

/// Bytes that wait to be written to one connection, besides its first list. A
/// thousand short messages; over it, the connection is cut. Engine.
pub(crate) const OUTGOING_BYTES: usize = 1024 * 1024;

/// How long what waits may make no progress before the peer counts as gone. Engine.
pub(crate) const STALL_TIMEOUT: Duration = Duration::from_secs(20);

/// How often each connection is pinged, and how long its pong may take: a dead
/// one is noticed within the sum. Engine.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(10);

/// See [`PING_INTERVAL`]. Engine.
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may stay without signing in. Engine.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the head of an HTTP request may take (slow loris). Engine.
pub(crate) const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the body of a POST may take. Engine.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// TCP connections at once: more wait in the backlog. Engine.
pub(crate) const TCP_CONNECTIONS: usize = 20_000;

/// How often the hub is told that time has passed: then it stores who was here,
/// and looks for what is due. Server.
pub(crate) const TICK: Duration = Duration::from_secs(5);

/// How long the hub may take to tell everybody that the server ends. The steps of
/// an end in order are together under the ten seconds that a supervisor gives. Server.
pub(crate) const STOP_DRAIN: Duration = Duration::from_secs(2);

/// How long connections may take to say goodbye. Server.
pub(crate) const STOP_CLOSE: Duration = Duration::from_secs(3);

/// How long those may take that were broken off: they wait for nothing but the hub. Server.
pub(crate) const STOP_BREAK: Duration = Duration::from_millis(500);

/// How long the hub may take to store what it has and to tidy up. Server.
pub(crate) const STOP_HUB: Duration = Duration::from_secs(3);

/// How long the audit log may take to be written to its end. Server.
pub(crate) const STOP_AUDIT: Duration = Duration::from_secs(1);

/// Questions that a user may ask the server in a second, in the long run: pages,
/// receipts. Gateway, by reading that user's connections more slowly.
pub(crate) const REQUESTS_PER_SECOND: u32 = 50;

/// Questions that a user may ask at once after a silence: with full pages, a
/// hundred thousand messages. Gateway.
pub(crate) const REQUESTS_BURST: u32 = 500;

/// Connections of one user that may come in a second, in the long run: each is sent
/// up to two megabytes of what was said. Gateway, by letting them wait.
pub(crate) const JOINS_PER_SECOND: u32 = 5;

/// Connections of one user that may come at once: each device a few times. Gateway.
pub(crate) const JOINS_BURST: u32 = 50;

/// New users of one address (IPv6: of a /64) in a minute, in the long run: whoever
/// came once is kept, so a loop would fill the disk. Gateway.
pub(crate) const NEW_USERS_PER_MINUTE: u32 = 60;

/// New users of one address at once: a school that starts. Gateway.
pub(crate) const NEW_USERS_BURST: u32 = 200;

/// Names that one question for users looks at: longer searches go on with the
/// next page. Hub.
pub(crate) const USERS_SCAN: usize = 2_000;

/// Bytes of text in one page of an export. Hub.
pub(crate) const EXPORT_BYTES: usize = 1024 * 1024;

/// Milliseconds after which to try again what could not be stored. Hub.
pub(crate) const BUSY_RETRY_MS: u64 = 5_000;

/// Milliseconds after which to come back to a server that restarts. Hub.
pub(crate) const RESTART_RETRY_MS: u64 = 1_000;

/// Milliseconds between two moments at which it is stored that a session is in
/// use. Hub.
pub(crate) const SESSION_RENEWAL_MS: i64 = 60 * 60 * 1_000;

/// Things that one tick writes at most: nobody waits for them, but everybody waits
/// while they are written. Hub.
pub(crate) const UPKEEP: usize = 1_000;

/// Ticks between two moments at which what is too old is looked for: an hour. Hub.
pub(crate) const SWEEP_TICKS: u32 = 720;

/// Bytes of lists for newcomers that may be on their way at once. Gateway.
pub(crate) const SNAPSHOT_BYTES: usize = 64 * 1024 * 1024;

/// How long such a list counts as on its way, if its reader is slow. Gateway.
pub(crate) const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(2);

/// How long an event may wait for its user's pace before it is refused. Gateway.
pub(crate) const PACE_PATIENCE: Duration = Duration::from_secs(10);

/// Rows of one inbox that are walked to tell who is to hear that their messages
/// were received; where there are more, conversations are searched instead. In
/// tests both happen. Storage.
pub(crate) const RECEIVED_ROWS: u64 = if cfg!(test) { 4 } else { 2_000 };

/// Conversations that somebody's first list has, the newest ones: as many as it has
/// users. Storage.
pub(crate) const CONVERSATIONS: usize = if cfg!(test) { 50 } else { USERS };
