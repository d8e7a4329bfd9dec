//! The engine's id of a session.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Who knows it can speak in the session, so it is a secret of the two sides: 192
/// bits at random, never logged, and not the id that Socket.IO shows.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Sid([u8; LENGTH]);

const BYTES: usize = 24;
const LENGTH: usize = BYTES / 3 * 4;

impl Sid {
    pub(crate) fn random() -> Self {
        let mut sid = [0; LENGTH];
        // It has exactly the room that it needs.
        let _ = URL_SAFE_NO_PAD.encode_slice(rand::random::<[u8; BYTES]>(), &mut sid);
        Self(sid)
    }

    /// What a client presents, if it can be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.as_bytes().try_into().ok().map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_come_back_as_they_went() {
        let sid = Sid::random();
        assert!(sid != Sid::random());
        assert_eq!(sid.as_str().len(), LENGTH);
        assert!(Sid::parse(sid.as_str()) == Some(sid));
        assert!(Sid::parse("short").is_none());
    }
}
