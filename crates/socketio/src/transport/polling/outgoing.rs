//! What is to be said.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{
    engine::PONG,
    payload::{Builder, binary_size},
};

/// So many packets share a request at the most: a server that takes its time for
/// each answers the request when it has dealt with those of the one before.
const PACKETS: usize = 128;

/// One packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Text(String),
    Binary(Bytes),
}

/// The packets that wait, bounded as the queue of the
/// [`Writer`](crate::transport::writer::Writer) is.
#[derive(Debug)]
pub(super) struct Outgoing {
    queue: VecDeque<Frame>,
    pong: bool,
    /// What the server takes in one request, in bytes.
    max_payload: usize,
}

impl Outgoing {
    pub(super) fn new(max_payload: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            pong: false,
            max_payload,
        }
    }

    pub(super) fn push(&mut self, frame: Frame) {
        self.queue.push_back(frame);
    }

    /// The answer to a ping goes ahead of everything else.
    pub(super) fn pong(&mut self) {
        self.pong = true;
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.pong && self.queue.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.pong = false;
        self.queue.clear();
    }

    /// All of it, in order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Frame> {
        let pong = std::mem::take(&mut self.pong).then(|| Frame::Text(PONG.to_owned()));
        pong.into_iter().chain(self.queue.drain(..))
    }

    /// The body of the next request: as many packets as fit. A packet that fits in
    /// no request goes alone, for the server to refuse.
    pub(super) fn payload(&mut self) -> Option<Bytes> {
        let mut payload = Builder::default();
        if std::mem::take(&mut self.pong) {
            payload.text(PONG);
        }
        for _ in 0..PACKETS {
            let size = match self.queue.front() {
                Some(Frame::Text(text)) => text.len(),
                Some(Frame::Binary(data)) => binary_size(data.len()),
                None => break,
            };
            if !payload.is_empty() && payload.size_with(size) > self.max_payload {
                break;
            }
            match self.queue.pop_front() {
                Some(Frame::Text(text)) => payload.text(&text),
                Some(Frame::Binary(data)) => payload.binary(&data),
                None => break,
            }
        }
        (!payload.is_empty()).then(|| payload.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(outgoing: &mut Outgoing) -> Vec<String> {
        std::iter::from_fn(|| outgoing.payload())
            .map(|body| String::from_utf8(body.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn packets_share_requests_as_far_as_they_fit() {
        let mut outgoing = Outgoing::new(10);
        for text in ["4aaa", "4bbbb", "4c", "4ddddddddddddd", "4e"] {
            outgoing.push(Frame::Text(text.to_owned()));
        }
        outgoing.push(Frame::Binary(Bytes::from_static(&[0; 5])));
        outgoing.pong();
        let expected = [
            "3\x1e4aaa",
            "4bbbb\x1e4c",
            "4ddddddddddddd",
            "4e",
            "bAAAAAAA=",
        ];
        assert_eq!(bodies(&mut outgoing), expected);
        assert!(outgoing.is_empty() && outgoing.payload().is_none());
    }

    #[test]
    fn packets_that_share_a_request_are_bounded_in_number() {
        let mut outgoing = Outgoing::new(1 << 20);
        for _ in 0..PACKETS + 1 {
            outgoing.push(Frame::Text("4".to_owned()));
        }
        assert_eq!(bodies(&mut outgoing).len(), 2);
    }
}
