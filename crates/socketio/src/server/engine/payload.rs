//! What a client says, packet by packet, by itself or in a payload.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

use crate::engine::EnginePacket;
pub(crate) use crate::payload::{SEPARATOR, append_binary};

/// What a client can say.
// Shown in tests only: what is in it may be secret.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) enum Received<'a> {
    /// `4`, without the digit.
    Text(&'a str),
    /// An attachment.
    Binary(Bytes),
    /// `3`.
    Pong,
    /// `1`.
    Close,
    /// `6`, or what has no meaning any more.
    Nothing,
}

/// Reads one packet of a payload. `None`: it is no packet, or one that a client
/// never sends.
pub(crate) fn packet(text: &str) -> Option<Received<'_>> {
    if let Some(data) = text.strip_prefix('b') {
        return STANDARD
            .decode(data)
            .ok()
            .map(|data| Received::Binary(data.into()));
    }
    text_packet(text)
}

/// Reads one packet that came by itself.
pub(crate) fn text_packet(text: &str) -> Option<Received<'_>> {
    // By far the most frequent first.
    match EnginePacket::decode(text)? {
        EnginePacket::Message(data) => Some(Received::Text(data)),
        EnginePacket::Pong(_) => Some(Received::Pong),
        EnginePacket::Close => Some(Received::Close),
        EnginePacket::Noop | EnginePacket::Upgrade => Some(Received::Nothing),
        EnginePacket::Open(_) | EnginePacket::Ping(_) => None,
    }
}

/// Whether every packet of a payload can be read.
pub(crate) fn is_valid(payload: &str) -> bool {
    payload.split(SEPARATOR).all(|text| packet(text).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_a_client_are_read() {
        assert_eq!(packet("42[1]"), Some(Received::Text("2[1]")));
        assert_eq!(packet("3"), Some(Received::Pong));
        assert_eq!(packet("1"), Some(Received::Close));
        assert_eq!(packet("6"), Some(Received::Nothing));
        let bytes = Bytes::from_static(&[1, 2, 3, 4]);
        assert_eq!(packet("bAQIDBA=="), Some(Received::Binary(bytes)));
        for text in ["", "abc", "b!", "0{}", "2", "7"] {
            assert_eq!(packet(text), None, "{text:?}");
        }
        assert!(is_valid("4a\x1e3\x1eb") && !is_valid("4a\x1e") && !is_valid("abc"));
    }

    #[test]
    fn attachments_survive_the_way_there_and_back() {
        for length in 0..5 {
            let data = vec![7; length];
            let mut payload = Vec::new();
            append_binary(&mut payload, &data);
            let text = String::from_utf8(payload).unwrap();
            assert_eq!(packet(&text), Some(Received::Binary(data.into())));
        }
    }
}
