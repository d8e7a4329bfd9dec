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
pub const PACKET_BYTES: usize = 6 * CONTENT_BYTES + 4 * 1024;
