//! The bytes that wait to be written, in order.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes};

use crate::server::frame::{Frame, Part};

/// How many frames one write takes.
pub(super) const SLICES: usize = 64;

/// How long the list may stay that once was long: an idle connection keeps no
/// more than this.
const KEPT: usize = 32;

/// Frames that wait. The first may be written in part.
#[derive(Default)]
pub(super) struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Bytes among them, as good as at the front, that count for no limit.
    beyond: usize,
}

impl Queue {
    pub(super) fn push(&mut self, wire: Bytes) {
        self.bytes += wire.len();
        self.frames.push_back(wire);
    }

    /// A frame that counts for no limit. One at a time: if another of its kind waits,
    /// it counts, so that who asks for it again and again fills no memory.
    pub(super) fn push_beyond(&mut self, wire: Bytes) {
        if self.beyond == 0 {
            self.beyond = wire.len();
        }
        self.push(wire);
    }

    /// What counts of what waits.
    pub(super) fn counted(&self) -> usize {
        self.bytes.saturating_sub(self.beyond)
    }

    /// What waits, in bytes on a WebSocket.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What waits, in frames.
    pub(super) fn frames(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The only frame, as it is as a rule.
    pub(super) fn only(&self) -> Option<&[u8]> {
        match self.frames.len() {
            1 => self.frames.front().map(Bytes::as_ref),
            _ => None,
        }
    }

    /// The first frames, for one write; says how many there are.
    pub(super) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; SLICES]) -> usize {
        let mut count = 0;
        for (slice, frame) in slices.iter_mut().zip(&self.frames) {
            *slice = IoSlice::new(frame);
            count += 1;
        }
        count
    }

    /// So many bytes of the first frames are written.
    pub(super) fn advance(&mut self, mut written: usize) {
        self.bytes = self.bytes.saturating_sub(written);
        self.beyond = self.beyond.saturating_sub(written);
        while let Some(first) = self.frames.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.frames.pop_front();
        }
        if self.frames.capacity() > KEPT {
            self.frames = VecDeque::new();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes packets from the front, as the body of the answer to one poll: as
    /// many as fit into `limit` bytes, but at least one.
    ///
    /// The end of the session always comes alone: the official client closes as
    /// soon as it sees it, before the messages beside it have reached anybody,
    /// and an answer that waits for its question is lost thereby.
    ///
    /// Only whole packets are ever taken, so that a session that moves to
    /// WebSocket finds a whole frame at the front.
    pub(super) fn take_payload(&mut self, limit: usize) -> Vec<u8> {
        let mut payload = Vec::new();
        while let Some(first) = self.frames.front() {
            let frame = Frame::from_wire(first.clone());
            let mut taken = 0;
            let mut full = false;
            for part in frame.parts() {
                let separator = usize::from(!payload.is_empty());
                let fits = payload.len() + encoded(part) + separator <= limit;
                full = !payload.is_empty() && (!fits || is_close(part));
                if full {
                    break;
                }
                append(&mut payload, part);
                taken += on_wire(part);
            }
            if !full {
                // Whatever is left of it is no packet.
                taken = frame.size();
            }
            self.advance(taken);
            if full {
                break;
            }
        }
        payload
    }
}

/// Whether this is the engine's own word that the session ends.
fn is_close(part: Part<'_>) -> bool {
    matches!(part, Part::Text(payload) if payload == CLOSE_PACKET)
}

/// See [`fixed::CLOSE`](crate::server::engine::fixed::CLOSE).
const CLOSE_PACKET: &[u8] = b"1";

/// Between the packets of a payload.
const SEPARATOR: u8 = 0x1e;

/// What a packet takes up on a WebSocket, with its header.
fn on_wire(part: Part<'_>) -> usize {
    let (Part::Text(payload) | Part::Binary(payload)) = part;
    payload.len()
        + match payload.len() {
            ..126 => 2,
            126..65_536 => 4,
            _ => 10,
        }
}

fn encoded(part: Part<'_>) -> usize {
    match part {
        Part::Text(text) => text.len(),
        Part::Binary(data) => 1 + data.len().div_ceil(3) * 4,
    }
}

fn append(payload: &mut Vec<u8>, part: Part<'_>) {
    if !payload.is_empty() {
        payload.push(SEPARATOR);
    }
    match part {
        Part::Text(text) => payload.extend_from_slice(text),
        Part::Binary(data) => crate::server::engine::payload::append_binary(payload, data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(frames: &[Frame]) -> Queue {
        let mut queue = Queue::default();
        frames
            .iter()
            .for_each(|frame| queue.push(frame.wire().clone()));
        queue
    }

    fn text(text: &str) -> Frame {
        Frame::text(text)
    }

    #[test]
    fn writes_go_on_where_they_stopped() {
        let mut queue = queue(&[text("4aa"), text("4bbb")]);
        assert_eq!((queue.frames(), queue.bytes()), (2, 5 + 6));
        assert_eq!(queue.only(), None);
        queue.advance(7);
        assert_eq!((queue.frames(), queue.bytes()), (1, 4));
        let mut slices = [IoSlice::new(&[]); SLICES];
        assert_eq!(queue.slices(&mut slices), 1);
        assert_eq!(queue.only(), Some(&b"4bbb"[..]));
        assert_eq!(&*slices[0], b"4bbb");
        queue.advance(4);
        assert!(queue.is_empty());
    }

    #[test]
    fn what_is_beyond_the_limits_counts_for_nothing_until_it_is_written() {
        let mut queue = queue(&[text("4aa")]);
        queue.push_beyond(text(&"x".repeat(1_000)).wire().clone());
        queue.push(text("4bbb").wire().clone());
        assert_eq!((queue.bytes(), queue.counted()), (5 + 1_004 + 6, 5 + 6));
        queue.advance(1_000);
        assert_eq!((queue.bytes(), queue.counted()), (15, 11));
        queue.advance(9);
        assert_eq!((queue.bytes(), queue.counted()), (6, 6));
        queue.advance(6);
        assert_eq!(queue.counted(), 0);
    }

    #[test]
    fn a_payload_holds_what_fits_but_at_least_one_packet() {
        let long = "x".repeat(200);
        let mut queue = queue(&[
            text(&long),
            Frame::joined(&[text("4a"), text("4b"), text(&long), text("4c")]),
            text("4d"),
        ]);
        assert_eq!(queue.take_payload(5), long.as_bytes());
        assert_eq!(queue.take_payload(5), b"4a\x1e4b");
        assert_eq!(
            queue.take_payload(203),
            [long.as_bytes(), b"\x1e4c"].concat()
        );
        assert_eq!(queue.take_payload(203), b"4d");
        assert!(queue.is_empty());
        assert_eq!(queue.bytes(), 0);
        assert_eq!(queue.take_payload(5), b"");
    }

    #[test]
    fn the_end_comes_alone() {
        let mut queue = queue(&[text("4a"), text("41"), text("1")]);
        assert_eq!(queue.take_payload(1_000), b"4a\x1e41");
        assert_eq!(queue.take_payload(1_000), b"1");
        assert!(queue.is_empty());
    }

    #[test]
    fn attachments_become_base64() {
        let bytes = [Bytes::from_static(&[1, 2, 3, 4])];
        let frame = Frame::event_with_attachments("/", None, "f", &(), &bytes).unwrap();
        let mut queue = queue(&[frame]);
        assert_eq!(queue.take_payload(1_000), b"451-[\"f\"]\x1ebAQIDBA==");
    }

    #[test]
    fn a_long_list_gives_its_memory_back() {
        let mut queue = queue(&vec![text("4"); 1_000]);
        queue.advance(queue.bytes());
        assert!(queue.frames.capacity() <= KEPT);
    }
}
