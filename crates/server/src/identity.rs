//! Ids and secrets: made from the operating system's randomness, stored as hashes.

use std::fmt;

use parlour_protocol::{SessionId, UserId};
use sha2::{Digest, Sha256};

/// The SHA-256 of a session id: all that storage ever sees of it. A plain hash
/// is enough, since what it hides has 256 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionHash([u8; 32]);

impl SessionHash {
    /// The hash of `session_id`.
    pub(crate) fn of(session_id: &SessionId) -> Self {
        Self(Sha256::digest(session_id.reveal().as_bytes()).into())
    }

    /// The 32 bytes, for storage.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From storage.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SessionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionHash(…)")
    }
}

/// A new secret: 256 random bits as 64 hex digits.
pub(crate) fn new_session_id() -> SessionId {
    SessionId::new(hex(&rand::random::<[u8; 32]>()))
}

/// A new public id: 64 random bits as 16 hex digits, as the guide has it.
pub(crate) fn new_user_id() -> UserId {
    UserId::new(hex(&rand::random::<[u8; 8]>()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_promised_length_and_differ() {
        let (one, other) = (new_session_id(), new_session_id());
        assert_eq!(one.reveal().len(), 64);
        assert_ne!(one, other);
        assert_eq!(new_user_id().as_str().len(), 16);
    }

    #[test]
    fn a_hash_is_the_well_known_one_and_never_prints_itself() {
        let hash = SessionHash::of(&SessionId::new("abc"));
        assert_eq!(hash.as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(format!("{hash:?}"), "SessionHash(…)");
    }
}
