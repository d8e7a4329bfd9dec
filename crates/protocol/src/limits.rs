//! Every limit of the protocol: its unit, its reason, and who enforces it.

/// Bytes of UTF-8 in the text of one message. Long enough for a page of prose,
/// short enough that a conversation of thousands loads at once. Both sides.
pub const CONTENT_BYTES: usize = 16 * 1024;

/// Grapheme clusters in a username, so that it fits a line of the roster. Both sides.
pub const USERNAME_GRAPHEMES: usize = 32;

/// Bytes of UTF-8 in a username: graphemes alone can be stacked without end. Both sides.
pub const USERNAME_BYTES: usize = 128;

/// Bytes of a user id that a peer may name. Ours have 16; a UUID has 36. Server.
pub const USER_ID_BYTES: usize = 64;

/// Bytes of a session id that a client may present. Ours have 64. Server.
pub const SESSION_ID_BYTES: usize = 128;

/// Bytes of one packet from a client: the longest content with every character
/// escaped (`\u0000`, six bytes for one), and room for the envelope. Server.
pub const PACKET_BYTES: usize = 128 * 1024;

/// Bytes of what proves a sign-in: a password or an invitation. Server.
pub const SECRET_BYTES: usize = 1024;

/// Bytes of a client's own name and version. What is longer is cut. Server.
pub const CLIENT_BYTES: usize = 64;

/// Capabilities that a side may list. Both sides.
pub const CAPS: usize = 32;

/// Users that `users` holds at most. Server.
pub const USERS: usize = 5_000;

/// Messages of one conversation that `users` holds for a plain client. Server.
pub const USERS_MESSAGES: usize = 200;

/// Bytes that `users` may have in all: a plain client reads them at once. Server.
pub const USERS_BYTES: usize = 2_000_000;

/// Messages in the answer to one `pm:sync`, users in that to one `pm:users`. Server.
pub const PAGE: usize = 200;

/// Messages in the answer to one `pm:history`. Server.
pub const HISTORY_PAGE: usize = 100;

/// Bytes of text in one page: it ends early rather than filling a connection's buffer. Server.
pub const PAGE_BYTES: usize = 256 * 1024;

/// Bytes of what names are searched for. Server.
pub const QUERY_BYTES: usize = 128;

/// Graphemes of what names are searched for: as long as a name can be. Server.
pub const QUERY_GRAPHEMES: usize = 32;

/// Messages that a client may have on their way without an answer. Client.
pub const WINDOW: usize = 16;

/// Messages that a user may send in a second, in the long run. Server, by
/// reading that user's connections more slowly.
pub const MESSAGES_PER_SECOND: u32 = 20;

/// Messages that a user may send at once after a silence. Server.
pub const MESSAGES_BURST: u32 = 200;

/// Milliseconds between two `pm:received`, and between two `pm:read` of one
/// conversation. Both sides.
pub const RECEIPT_INTERVAL_MS: u64 = 1_000;

/// Milliseconds between two `pm:typing` to one user. Both sides.
pub const TYPING_INTERVAL_MS: u64 = 3_000;
