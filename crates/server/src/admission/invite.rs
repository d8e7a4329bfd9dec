//! Invitations: a secret that makes one new user.

use std::fmt;

use sha2::{Digest, Sha256};

/// The secret of an invitation: 128 random bits as 32 hex digits. Shown once,
/// to whoever made it; after that only its [hash](InviteHash) is known.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct InviteToken(String);

/// The SHA-256 of an [`InviteToken`]: what is stored and looked for. A plain
/// hash is enough, since what it hides is random.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct InviteHash([u8; 32]);

impl InviteToken {
    /// A new one.
    pub(crate) fn new() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// The secret itself: for whoever is invited, never for a log.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What to store.
    pub(crate) fn hash(&self) -> InviteHash {
        InviteHash::of(&self.0)
    }
}

impl InviteHash {
    /// The hash of what somebody presents as an invitation.
    pub(crate) fn of(secret: &str) -> Self {
        // People copy tokens with the spaces around them.
        let secret = secret.trim().to_ascii_lowercase();
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// The 32 bytes, for storage.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for InviteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteToken(…)")
    }
}

impl fmt::Debug for InviteHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash_and_never_prints_itself() {
        let token = InviteToken::new();
        assert_eq!(token.reveal().len(), 32);
        assert_ne!(token, InviteToken::new());
        let copied = format!(" {}\n", token.reveal().to_uppercase());
        assert_eq!(InviteHash::of(&copied), token.hash());
        assert_eq!(
            format!("{token:?} {:?}", token.hash()),
            "InviteToken(…) InviteHash(…)"
        );
    }
}
