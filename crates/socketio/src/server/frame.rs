//! What goes out, encoded once for however many connections.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    Arguments,
    engine::MESSAGE,
    packet::{Packet, encode_ack, encode_event},
};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;

/// The longest header of a WebSocket frame that a server sends.
const HEADER: usize = 10;
/// Room for it in front of a text that is being written.
const ROOM: &str = "\0\0\0\0\0\0\0\0\0\0";

/// One packet with its attachments, or several in a row, ready for any
/// transport. Cloning shares the bytes.
///
/// The bytes are those of a WebSocket, frame after frame, each unmasked and
/// final: the transport that most connections have writes them as they are.
/// Polling finds the packets in them again (`Frame::parts`).
#[derive(Clone)]
pub struct Frame {
    wire: Bytes,
}

/// One packet of the engine, in whatever way it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// A text, with the engine's digit.
    Text(&'a [u8]),
    /// An attachment.
    Binary(&'a [u8]),
}

impl Frame {
    /// An event in `namespace`. `ack` is the number under which an answer is wanted.
    ///
    /// # Errors
    /// An argument has no form in JSON.
    pub fn event(
        namespace: &str,
        ack: Option<u64>,
        name: &str,
        args: &(impl Arguments + ?Sized),
    ) -> Result<Self, serde_json::Error> {
        Self::event_with_attachments(namespace, ack, name, args, &[])
    }

    /// An event with attachments; where one belongs, the arguments have a
    /// [`Placeholder`](crate::Placeholder).
    ///
    /// # Errors
    /// As [`Frame::event`].
    pub fn event_with_attachments(
        namespace: &str,
        ack: Option<u64>,
        name: &str,
        args: &(impl Arguments + ?Sized),
        attachments: &[Bytes],
    ) -> Result<Self, serde_json::Error> {
        let mut text = begin();
        let count = attachments.len() as u64;
        encode_event(&mut text, namespace, ack, count, name, args)?;
        Ok(finish(text, attachments))
    }

    /// The answer to event number `id`.
    ///
    /// # Errors
    /// As [`Frame::event`].
    pub fn ack(
        namespace: &str,
        id: u64,
        args: &(impl Arguments + ?Sized),
    ) -> Result<Self, serde_json::Error> {
        Self::ack_with_attachments(namespace, id, args, &[])
    }

    /// The answer to event number `id`, with attachments where the arguments
    /// have a [`Placeholder`](crate::Placeholder).
    ///
    /// # Errors
    /// As [`Frame::event`].
    pub fn ack_with_attachments(
        namespace: &str,
        id: u64,
        args: &(impl Arguments + ?Sized),
        attachments: &[Bytes],
    ) -> Result<Self, serde_json::Error> {
        let mut text = begin();
        let count = attachments.len() as u64;
        encode_ack(&mut text, namespace, id, count, args)?;
        Ok(finish(text, attachments))
    }

    /// Any packet without attachments.
    pub(crate) fn packet(packet: &Packet<'_>) -> Self {
        let mut text = begin();
        packet.encode_into(&mut text);
        finish(text, &[])
    }

    /// An Engine.IO packet as it stands, with its digit.
    pub(crate) fn text(text: &str) -> Self {
        let mut wire = BytesMut::with_capacity(HEADER + text.len());
        put(&mut wire, TEXT, text.as_bytes());
        Self::from_wire(wire.freeze())
    }

    /// What [`Frame::wire`] gave, or a part of it that begins and ends with a
    /// packet.
    pub(crate) fn from_wire(wire: Bytes) -> Self {
        Self { wire }
    }

    /// All of these in a row, as one.
    pub(crate) fn joined<'a, I>(frames: I) -> Self
    where
        I: IntoIterator<Item = &'a Self, IntoIter: Clone>,
    {
        let frames = frames.into_iter();
        let mut others = frames.clone();
        if let (Some(only), None) = (others.next(), others.next()) {
            return only.clone();
        }
        let mut wire = BytesMut::with_capacity(frames.clone().map(Self::size).sum());
        frames.for_each(|frame| wire.put_slice(&frame.wire));
        Self::from_wire(wire.freeze())
    }

    /// What a WebSocket has of it: every frame with its header.
    pub(crate) fn wire(&self) -> &Bytes {
        &self.wire
    }

    /// What other transports have of it: every packet by itself.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let mut rest = self.wire.as_ref();
        std::iter::from_fn(move || {
            let (part, behind) = take(rest)?;
            rest = behind;
            Some(part)
        })
    }

    /// The texts of its packets, as a client reads them: `42["hello"]`. For tests
    /// of what an application sends.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts().filter_map(|part| match part {
            Part::Text(text) => std::str::from_utf8(text).ok(),
            Part::Binary(_) => None,
        })
    }

    /// Bytes on a WebSocket: what the frame counts for in a queue.
    #[must_use]
    pub fn size(&self) -> usize {
        self.wire.len()
    }
}

fn begin() -> String {
    // Most events of a chat fit without growing.
    let mut text = String::with_capacity(256);
    text.push_str(ROOM);
    text.push(MESSAGE);
    text
}

/// Puts the header into the room in front of the text, so that the text is
/// written once and never moved.
fn finish(text: String, attachments: &[Bytes]) -> Frame {
    let mut bytes = text.into_bytes();
    let mut header = BytesMut::with_capacity(HEADER);
    put_header(&mut header, TEXT, bytes.len().saturating_sub(HEADER));
    let start = HEADER - header.len();
    if let Some(room) = bytes.get_mut(start..HEADER) {
        room.copy_from_slice(&header);
    }
    if !attachments.is_empty() {
        let size: usize = attachments.iter().map(|part| part.len() + HEADER).sum();
        bytes.reserve_exact(size);
        attachments
            .iter()
            .for_each(|part| put(&mut bytes, BINARY, part));
    }
    let mut wire = Bytes::from(bytes);
    bytes::Buf::advance(&mut wire, start);
    Frame::from_wire(wire)
}

fn put(wire: &mut impl BufMut, kind: u8, payload: &[u8]) {
    put_header(wire, kind, payload.len());
    wire.put_slice(payload);
}

/// The header of an unmasked, final frame: what a server sends (RFC 6455, 5.2).
fn put_header(wire: &mut impl BufMut, kind: u8, length: usize) {
    wire.put_u8(kind);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=125), _) => wire.put_u8(length),
        (_, Ok(length)) => {
            wire.put_u8(126);
            wire.put_u16(length);
        }
        _ => {
            wire.put_u8(127);
            wire.put_u64(length as u64);
        }
    }
}

/// The first frame in bytes that [`put_header`] has a part in, and the rest.
fn take(wire: &[u8]) -> Option<(Part<'_>, &[u8])> {
    let (&[kind, short], rest) = wire.split_first_chunk()?;
    let (length, rest) = match short {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        _ => (usize::from(short), rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    let part = if kind == BINARY {
        Part::Binary(payload)
    } else {
        Part::Text(payload)
    };
    Some((part, rest))
}

impl fmt::Debug for Frame {
    // What is in it may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Placeholder;

    fn only(frame: &Frame) -> Vec<u8> {
        let parts: Vec<_> = frame.parts().collect();
        match parts[..] {
            [Part::Text(text)] => text.to_vec(),
            _ => panic!("one text: {parts:?}"),
        }
    }

    #[test]
    fn headers_have_the_length_that_the_protocol_says() {
        for (size, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let frame = Frame::text(&"a".repeat(size));
            assert_eq!(frame.size(), size + header);
            assert_eq!(only(&frame).len(), size);
            // The same from the path that leaves room for the header.
            let mut text = begin();
            text.push_str(&"a".repeat(size));
            let frame = finish(text, &[]);
            assert_eq!(only(&frame).len(), size + 1);
            assert_eq!(frame.wire()[0], TEXT);
        }
    }

    #[test]
    fn attachments_follow_their_event() {
        let bytes = [Bytes::from_static(&[1, 2])];
        let frame =
            Frame::event_with_attachments("/", None, "file", &(Placeholder(0),), &bytes).unwrap();
        let text = br#"451-["file",{"_placeholder":true,"num":0}]"#;
        assert!(frame.texts().map(str::as_bytes).eq([text.as_slice()]));
        let parts: Vec<_> = frame.parts().collect();
        assert_eq!(parts, [Part::Text(text), Part::Binary(&[1, 2])]);
        assert_eq!(only(&Frame::ack("/a", 7, &(1,)).unwrap()), b"43/a,7[1]");
        let ack = Frame::ack_with_attachments("/", 7, &(Placeholder(0),), &bytes).unwrap();
        assert!(ack.parts().eq([
            Part::Text(br#"461-7[{"_placeholder":true,"num":0}]"#),
            Part::Binary(&[1, 2])
        ]));
    }

    #[test]
    fn joined_frames_stay_apart() {
        let frames = [
            Frame::text("2"),
            Frame::event("/", None, "long", &("x".repeat(70_000),)).unwrap(),
            Frame::text("6"),
        ];
        let joined = Frame::joined(&frames);
        assert_eq!(joined.size(), frames.iter().map(Frame::size).sum::<usize>());
        assert!(joined.parts().eq(frames.iter().flat_map(Frame::parts)));
    }
}
