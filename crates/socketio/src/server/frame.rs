//! A packet on its way out, encoded once for however many connections.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    Arguments,
    engine::MESSAGE,
    packet::{Packet, encode_ack, encode_event},
};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;

/// One packet, ready for any transport: a text, and the attachments that follow
/// it. Cloning shares the bytes.
#[derive(Clone)]
pub struct Frame {
    text: Part,
    attachments: Option<Box<[Part]>>,
}

/// One WebSocket frame with its header, which polling leaves out.
#[derive(Clone)]
pub(crate) struct Part {
    wire: Bytes,
    header: u8,
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
        let mut text = String::from(MESSAGE);
        encode_event(&mut text, namespace, ack, 0, name, args)?;
        Ok(Self::text(&text))
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
        let mut text = String::from(MESSAGE);
        let count = attachments.len() as u64;
        encode_event(&mut text, namespace, ack, count, name, args)?;
        Ok(Self::text(&text).followed_by(attachments))
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
        let mut text = String::from(MESSAGE);
        encode_ack(&mut text, namespace, id, args)?;
        Ok(Self::text(&text))
    }

    /// Any packet, with the attachments that it announces.
    pub(crate) fn packet(packet: &Packet<'_>, attachments: &[Bytes]) -> Self {
        let mut text = String::from(MESSAGE);
        packet.encode_into(&mut text);
        Self::text(&text).followed_by(attachments)
    }

    /// An Engine.IO packet as it stands, with its digit.
    pub(crate) fn text(text: &str) -> Self {
        Self {
            text: Part::new(TEXT, text.as_bytes()),
            attachments: None,
        }
    }

    fn followed_by(mut self, attachments: &[Bytes]) -> Self {
        let parts: Vec<_> = attachments
            .iter()
            .map(|bytes| Part::new(BINARY, bytes))
            .collect();
        self.attachments = (!parts.is_empty()).then(|| parts.into());
        self
    }

    /// The text, then the attachments.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.text).chain(self.attachments.iter().flatten())
    }

    /// Bytes on a WebSocket: what the frame counts for in a queue.
    #[must_use]
    pub fn size(&self) -> usize {
        self.parts().map(|part| part.wire.len()).sum()
    }
}

impl Part {
    /// An unmasked, final frame: what a server sends (RFC 6455, 5.2).
    fn new(kind: u8, payload: &[u8]) -> Self {
        let mut wire = BytesMut::with_capacity(payload.len() + 10);
        wire.put_u8(kind);
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(length @ ..=125), _) => wire.put_u8(length),
            (_, Ok(length)) => {
                wire.put_u8(126);
                wire.put_u16(length);
            }
            _ => {
                wire.put_u8(127);
                wire.put_u64(payload.len() as u64);
            }
        }
        let header = u8::try_from(wire.len()).unwrap_or(u8::MAX);
        wire.extend_from_slice(payload);
        Self {
            wire: wire.freeze(),
            header,
        }
    }

    /// The frame as a WebSocket has it: header and payload.
    pub(crate) fn wire(&self) -> &Bytes {
        &self.wire
    }

    /// What is in it.
    pub(crate) fn payload(&self) -> &[u8] {
        self.wire.get(usize::from(self.header)..).unwrap_or_default()
    }

    /// Whether it is an attachment.
    pub(crate) fn is_binary(&self) -> bool {
        self.wire.first() == Some(&BINARY)
    }
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

    #[test]
    fn headers_have_the_length_that_the_protocol_says() {
        for (size, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let part = Part::new(TEXT, &vec![b'a'; size]);
            assert_eq!(usize::from(part.header), header);
            assert_eq!(part.payload().len(), size);
            assert_eq!(part.wire().len(), size + header);
        }
    }

    #[test]
    fn attachments_follow_their_event() {
        let bytes = [Bytes::from_static(&[1, 2])];
        let frame =
            Frame::event_with_attachments("/", None, "file", &(Placeholder(0),), &bytes).unwrap();
        let parts: Vec<_> = frame.parts().collect();
        assert_eq!(
            parts[0].payload(),
            br#"451-["file",{"_placeholder":true,"num":0}]"#
        );
        assert!(!parts[0].is_binary() && parts[1].is_binary());
        assert_eq!(parts[1].payload(), [1, 2]);
        assert_eq!(Frame::ack("/a", 7, &(1,)).unwrap().parts().next().unwrap().payload(), b"43/a,7[1]");
    }
}
