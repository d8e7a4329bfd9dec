//! Payloads: several packets in the body of one request or answer of long polling.
//!
//! A text packet is as it would be on a WebSocket, an attachment is `b` and base64;
//! between two packets there is a control character that JSON never holds.

use std::ops::Range;

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::engine::EnginePacket;

/// Between two packets.
pub(crate) const SEPARATOR: char = '\x1e';

/// The alphabet of everybody. Some leave the padding away, which costs nothing to
/// understand.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an attachment of so many bytes takes up in a payload.
pub(crate) fn binary_size(length: usize) -> usize {
    1 + length.div_ceil(3).saturating_mul(4)
}

/// One packet of a payload that was received.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// As on a WebSocket.
    Text(Utf8Bytes),
    /// An attachment.
    Binary(Bytes),
}

/// A payload that was received, read packet by packet: decoded, all of it at once
/// would take up its size again.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    body: Bytes,
    /// Where the next packet begins; `None` behind the last.
    next: Option<usize>,
}

/// It is no payload: no text, or nothing in it is a packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoPayload;

impl Payload {
    pub(crate) fn new(body: Bytes) -> Result<Self, NoPayload> {
        let text = std::str::from_utf8(&body).map_err(|_| NoPayload)?;
        if !text.split(SEPARATOR).any(is_packet) {
            return Err(NoPayload);
        }
        Ok(Self {
            body,
            next: Some(0),
        })
    }

    /// Whether it has nothing to say, and as little as that it ends.
    pub(crate) fn is_idle(&self) -> bool {
        self.body
            .split(|byte| *byte == b'\x1e')
            .all(|packet| packet == b"6")
    }

    fn packet(&mut self) -> Option<Range<usize>> {
        let start = self.next?;
        let rest = self.body.get(start..)?;
        let length = rest.iter().position(|byte| *byte == b'\x1e');
        self.next = length.map(|length| start + length + 1);
        Some(start..start + length.unwrap_or(rest.len()))
    }
}

impl Iterator for Payload {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let Some(range) = self.packet() else {
            // A small rest must not keep a large body.
            self.body = Bytes::new();
            return None;
        };
        let packet = self.body.slice(range);
        if let Some(data) = packet.strip_prefix(b"b")
            && let Ok(data) = LENIENT.decode(data)
        {
            return Some(Part::Binary(data.into()));
        }
        // Where it is none, it is for the reader of texts to say so.
        let text = Utf8Bytes::try_from(packet).unwrap_or_default();
        Some(Part::Text(text))
    }
}

fn is_packet(text: &str) -> bool {
    match text.strip_prefix('b') {
        Some(data) => LENIENT.decode(data).is_ok(),
        None => EnginePacket::decode(text).is_some(),
    }
}

/// A payload that is put together.
#[derive(Debug, Default)]
pub(crate) struct Builder(Vec<u8>);

impl Builder {
    /// How large it would be with one packet of so many bytes more.
    pub(crate) fn size_with(&self, packet: usize) -> usize {
        let separator = usize::from(!self.0.is_empty());
        self.0.len().saturating_add(separator + packet)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.separate();
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn binary(&mut self, data: &[u8]) {
        self.separate();
        append_binary(&mut self.0, data);
    }

    pub(crate) fn finish(self) -> Bytes {
        self.0.into()
    }

    fn separate(&mut self) {
        if !self.0.is_empty() {
            self.0.push(b'\x1e');
        }
    }
}

/// Writes an attachment into a payload.
pub(crate) fn append_binary(payload: &mut Vec<u8>, data: &[u8]) {
    payload.push(b'b');
    let start = payload.len();
    // Padded: a client may insist on it.
    payload.resize(start + data.len().div_ceil(3) * 4, 0);
    if let Some(room) = payload.get_mut(start..) {
        // It has exactly the room that it needs.
        let _ = STANDARD.encode_slice(data, room);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(body: &'static str) -> Result<Vec<Part>, NoPayload> {
        Payload::new(Bytes::from_static(body.as_bytes())).map(Iterator::collect)
    }

    fn text(text: &'static str) -> Part {
        Part::Text(Utf8Bytes::from_static(text))
    }

    #[test]
    fn packets_come_one_by_one() {
        let bytes = Part::Binary(Bytes::from_static(&[1, 2, 3, 4]));
        let read_all = read("451-[]\x1ebAQIDBA==\x1e2").unwrap();
        assert_eq!(read_all, [text("451-[]"), bytes, text("2")]);
        assert_eq!(read("6").unwrap(), [text("6")]);
        let unpadded = Part::Binary(Bytes::from_static(&[1, 2, 3, 4]));
        assert_eq!(read("bAQIDBA").unwrap(), [unpadded]);
    }

    #[test]
    fn what_is_no_packet_costs_itself() {
        let read_all = read("42[1]\x1enothing\x1eb!\x1e\x1e42[2]").unwrap();
        let expected = ["42[1]", "nothing", "b!", "", "42[2]"].map(text);
        assert_eq!(read_all, expected);
    }

    #[test]
    fn where_nothing_is_a_packet_there_is_no_payload() {
        for body in ["", "<html></html>", "{}", "\x1e", "bad gateway", "b!"] {
            assert_eq!(read(body), Err(NoPayload), "{body:?}");
        }
        let body = Bytes::from_static(&[b'4', 0xff]);
        assert!(Payload::new(body).is_err());
    }

    #[test]
    fn a_payload_without_a_word_is_told_from_others() {
        let idle = |body: &'static str| Payload::new(body.into()).unwrap().is_idle();
        assert!(idle("6") && idle("6\x1e6"));
        assert!(!idle("6\x1e2") && !idle("61") && !idle("1"));
    }

    proptest! {
        #[test]
        fn what_is_put_in_comes_out(parts in proptest::collection::vec(
            prop_oneof![
                "[0-6][^\x1e]{0,20}".prop_map(|text| Part::Text(text.into())),
                proptest::collection::vec(any::<u8>(), 0..50)
                    .prop_map(|data| Part::Binary(data.into())),
            ],
            1..20,
        )) {
            let mut builder = Builder::default();
            for part in &parts {
                let before = builder.0.len();
                let announced = match part {
                    Part::Text(text) => builder.size_with(text.len()),
                    Part::Binary(data) => builder.size_with(binary_size(data.len())),
                };
                match part {
                    Part::Text(text) => builder.text(text),
                    Part::Binary(data) => builder.binary(data),
                }
                prop_assert_eq!(builder.0.len(), announced);
                prop_assert!(builder.0.len() > before);
            }
            let read: Vec<_> = Payload::new(builder.finish()).unwrap().collect();
            prop_assert_eq!(read, parts);
        }

        #[test]
        fn nothing_that_is_received_is_too_much(body in any::<Vec<u8>>()) {
            if let Ok(payload) = Payload::new(body.clone().into()) {
                prop_assert!(payload.count() <= body.len() + 1);
            }
        }
    }
}
