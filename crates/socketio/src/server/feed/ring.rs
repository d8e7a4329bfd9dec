//! The last frames of a log, by their number.

use std::collections::VecDeque;

use crate::server::Frame;

/// ```text
///  base        swept       taken        head
///   │ all had   │ being had  │ to be had  │
///   ▼           ▼            ▼            ▼
///   0 0 0 0 0 0 1 1 1 1 1 1 1 2 2 2 2 2 2
/// ```
/// What all have had is kept while there is room, for those who could not be
/// brought to the head: they are still joining.
#[derive(Debug)]
pub(super) struct Ring {
    frames: VecDeque<Frame>,
    base: u64,
    swept: u64,
    taken: u64,
    bytes: usize,
    unswept_bytes: usize,
    max_frames: usize,
    max_bytes: usize,
}

/// What a socket has not had.
#[derive(Debug)]
pub(in crate::server) enum Since {
    /// It has had everything.
    Nothing,
    /// This.
    Frames(Frame),
    /// It stood still for too long: some of it is gone.
    Lost,
}

/// The frames of one sweep, joined.
#[derive(Debug)]
pub(in crate::server) struct Chunk {
    from: u64,
    frames: Frame,
    /// Where each of them begins, in bytes.
    starts: Vec<usize>,
}

impl Ring {
    pub(super) fn new(max_frames: usize, max_bytes: usize) -> Self {
        Self {
            frames: VecDeque::new(),
            base: 0,
            swept: 0,
            taken: 0,
            bytes: 0,
            unswept_bytes: 0,
            max_frames: max_frames.max(1),
            max_bytes: max_bytes.max(1),
        }
    }

    /// The number that the next frame will have.
    pub(super) fn head(&self) -> u64 {
        self.base + self.frames.len() as u64
    }

    /// Whether so much is to be had that a sweep should come first.
    pub(super) fn is_full(&self) -> bool {
        self.head() - self.swept >= self.max_frames as u64 || self.unswept_bytes >= self.max_bytes
    }

    pub(super) fn push(&mut self, frame: Frame) {
        self.bytes += frame.size();
        self.unswept_bytes += frame.size();
        self.frames.push_back(frame);
        while self.base < self.swept
            && (self.frames.len() > self.max_frames || self.bytes > self.max_bytes)
        {
            if let Some(oldest) = self.frames.pop_front() {
                self.bytes -= oldest.size();
            }
            self.base += 1;
        }
    }

    /// All from the cursor on; it then stands at the head.
    pub(super) fn since(&self, cursor: &mut u64) -> Since {
        let from = std::mem::replace(cursor, self.head());
        if from >= self.head() {
            return Since::Nothing;
        }
        match from.checked_sub(self.base).map(usize::try_from) {
            Some(Ok(skip)) => Since::Frames(Frame::joined(self.frames.range(skip..))),
            Some(Err(_)) | None => Since::Lost,
        }
    }

    /// All that no chunk has had.
    pub(super) fn chunk(&mut self) -> Chunk {
        let from = self.taken;
        self.taken = self.head();
        let skip = usize::try_from(from - self.base).unwrap_or(self.frames.len());
        let frames = self.frames.range(skip.min(self.frames.len())..);
        let starts = frames.clone().scan(0, |end, frame| {
            let start = *end;
            *end += frame.size();
            Some(start)
        });
        Chunk {
            from,
            starts: starts.collect(),
            frames: Frame::joined(frames),
        }
    }

    /// All have had the chunk.
    pub(super) fn swept(&mut self, chunk: &Chunk) {
        self.swept = self.swept.max(chunk.to());
        self.unswept_bytes = self.unswept_bytes.saturating_sub(chunk.frames.size());
    }
}

impl Chunk {
    fn to(&self) -> u64 {
        self.from + self.starts.len() as u64
    }

    /// Whether one who stands there lacks more than what is in the chunk.
    pub(super) fn begins_after(&self, cursor: u64) -> bool {
        cursor < self.from
    }

    /// What is in the chunk from the cursor on; it then stands at its end.
    pub(super) fn since(&self, cursor: &mut u64) -> Since {
        let Some(skip) = cursor.checked_sub(self.from) else {
            return Since::Lost;
        };
        let start = usize::try_from(skip)
            .ok()
            .and_then(|skip| self.starts.get(skip));
        match start {
            None => Since::Nothing,
            Some(start) => {
                *cursor = self.to();
                Since::Frames(Frame::from_wire(self.frames.wire().slice(*start..)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64) -> Frame {
        Frame::text(&format!("4{number:03}"))
    }

    fn numbers(since: Since) -> Vec<u64> {
        let Since::Frames(frames) = since else {
            return Vec::new();
        };
        let parts = frames.parts().map(|part| match part {
            crate::server::frame::Part::Text(text) => {
                std::str::from_utf8(&text[1..]).unwrap().parse().unwrap()
            }
            crate::server::frame::Part::Binary(_) => panic!("only texts here"),
        });
        parts.collect()
    }

    fn fill(ring: &mut Ring, numbers: std::ops::Range<u64>) {
        numbers.for_each(|number| ring.push(frame(number)));
    }

    #[test]
    fn everybody_gets_what_they_have_not_had() {
        let mut ring = Ring::new(100, 10_000);
        fill(&mut ring, 0..5);
        let chunk = ring.chunk();
        fill(&mut ring, 5..7);
        let (mut first, mut third, mut after) = (0, 3, 5);
        assert_eq!(numbers(chunk.since(&mut first)), [0, 1, 2, 3, 4]);
        assert_eq!(numbers(chunk.since(&mut third)), [3, 4]);
        assert!(matches!(chunk.since(&mut after), Since::Nothing));
        assert_eq!((first, third, after), (5, 5, 5));
        assert_eq!(numbers(ring.since(&mut after)), [5, 6]);
        assert!(matches!(ring.since(&mut after), Since::Nothing));
        let next = ring.chunk();
        assert_eq!(numbers(next.since(&mut first)), [5, 6]);
        assert!(next.begins_after(4) && !next.begins_after(5));
    }

    #[test]
    fn nothing_goes_before_all_have_had_it() {
        let mut ring = Ring::new(4, 10_000);
        fill(&mut ring, 0..3);
        assert!(!ring.is_full());
        fill(&mut ring, 3..9);
        assert!(ring.is_full());
        assert_eq!(numbers(ring.since(&mut 0)).len(), 9);

        let chunk = ring.chunk();
        assert!(ring.is_full());
        ring.swept(&chunk);
        assert!(!ring.is_full());
        fill(&mut ring, 9..10);
        assert!(matches!(ring.since(&mut 5), Since::Lost));
        assert_eq!(numbers(ring.since(&mut 6)), [6, 7, 8, 9]);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let size = frame(0).size();
        let mut ring = Ring::new(1_000, 10 * size);
        for number in 0..100 {
            if ring.is_full() {
                let chunk = ring.chunk();
                ring.swept(&chunk);
            }
            ring.push(frame(number));
            assert!(ring.bytes <= 10 * size);
        }
        assert_eq!(numbers(ring.since(&mut 95)), [95, 96, 97, 98, 99]);
    }

    #[test]
    fn an_empty_chunk_is_of_no_use_to_anybody() {
        let mut ring = Ring::new(4, 100);
        let chunk = ring.chunk();
        assert!(matches!(chunk.since(&mut 0), Since::Nothing));
        ring.swept(&chunk);
        assert_eq!(ring.head(), 0);
    }
}
