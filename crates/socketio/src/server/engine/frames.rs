//! The frames of a WebSocket's client (RFC 6455), read without I/O.
//!
//! Why not the library that the client's side uses: it keeps a read buffer for
//! every connection, and hands out every message as a value of its own. Here the
//! bytes of one read are borrowed from a buffer that is shared between all
//! connections of a thread, a message that is whole within them is never copied,
//! and a connection that says nothing keeps no buffer at all.
//!
//! ```text
//!          header complete                     payload complete
//!  Header ────────────────▶ Payload ──┬──────────────────────────▶ Header
//!                                     └─ borrowed, if it came in one piece;
//!                                        collected in `message` otherwise
//! ```

use bytes::Bytes;

/// A message or a control frame, whole and unmasked.
// Shown in tests only: what is in it may be secret.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) enum Item<'a> {
    Text(&'a str),
    Binary(Bytes),
    Ping(&'a [u8]),
    Pong,
    Close,
}

/// What ends a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Not as RFC 6455 wants it.
    Protocol,
    /// A message over the limit.
    TooLarge,
}

/// 2 bytes, up to 8 of length, 4 of mask.
const LONGEST_HEADER: usize = 14;
const LONGEST_CONTROL: usize = 125;

/// See the module.
pub(crate) struct Reader {
    limit: usize,
    header: [u8; LONGEST_HEADER],
    header_size: usize,
    frame: Option<Frame>,
    /// The kind of the message of which some fragments are here.
    fragmented: Option<Kind>,
    /// What is here of a message that came in several pieces.
    message: Vec<u8>,
    /// The same of a control frame, which may come between the fragments.
    control: Vec<u8>,
    /// What was handed out last, and is to be forgotten.
    spent: Spent,
}

#[derive(Default)]
enum Spent {
    #[default]
    Nothing,
    Message,
    Control,
}

/// The frame whose payload is being read.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    last: bool,
    mask: [u8; 4],
    length: usize,
    got: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    fn item(self, payload: &[u8]) -> Result<Item<'_>, Violation> {
        Ok(match self {
            Self::Text => Item::Text(str::from_utf8(payload).map_err(|_| Violation::Protocol)?),
            Self::Binary | Self::Continuation => Item::Binary(Bytes::copy_from_slice(payload)),
            Self::Ping => Item::Ping(payload),
            Self::Pong => Item::Pong,
            Self::Close => Item::Close,
        })
    }
}

impl Reader {
    /// `limit`: the most bytes in one message.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            header: [0; LONGEST_HEADER],
            header_size: 0,
            frame: None,
            fragmented: None,
            message: Vec::new(),
            control: Vec::new(),
            spent: Spent::Nothing,
        }
    }

    /// The next item in `input` from `at` on, which is moved behind it. `None`:
    /// all is read, and more is needed.
    pub(crate) fn next<'a>(
        &'a mut self,
        input: &'a mut [u8],
        at: &mut usize,
    ) -> Result<Option<Item<'a>>, Violation> {
        // An idle connection keeps no buffer.
        match std::mem::take(&mut self.spent) {
            Spent::Nothing => {}
            Spent::Message => self.message = Vec::new(),
            Spent::Control => self.control = Vec::new(),
        }
        loop {
            let frame = match self.frame {
                Some(frame) => frame,
                None => match self.read_header(input, at)? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
            };
            let rest = input.get_mut(*at..).unwrap_or_default();
            let size = rest.len().min(frame.length - frame.got);
            let start = *at;
            *at += size;
            let piece = rest.get_mut(..size).unwrap_or_default();
            unmask(piece, frame.mask, frame.got);
            let complete = frame.got + size == frame.length;
            let alone = frame.kind.is_control() || frame.last && self.fragmented.is_none();
            if complete && frame.got == 0 && alone {
                self.frame = None;
                let piece = input.get(start..*at).unwrap_or_default();
                return frame.kind.item(piece).map(Some);
            }
            let collected = if frame.kind.is_control() {
                &mut self.control
            } else {
                &mut self.message
            };
            collected.extend_from_slice(piece);
            if !complete {
                self.frame = Some(Frame {
                    got: frame.got + size,
                    ..frame
                });
                return Ok(None);
            }
            self.frame = None;
            if frame.kind.is_control() {
                self.spent = Spent::Control;
                return frame.kind.item(&self.control).map(Some);
            }
            let kind = self.fragmented.unwrap_or(frame.kind);
            if !frame.last {
                self.fragmented = Some(kind);
                continue;
            }
            self.fragmented = None;
            self.spent = Spent::Message;
            if kind == Kind::Binary {
                let message = std::mem::take(&mut self.message);
                return Ok(Some(Item::Binary(message.into())));
            }
            return kind.item(&self.message).map(Some);
        }
    }
}

impl Reader {
    /// Reads on in the header of the next frame.
    fn read_header(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Frame>, Violation> {
        loop {
            let known = self.header.get(..self.header_size).unwrap_or_default();
            if known.get(1).is_some_and(|byte| byte & 0x80 == 0) {
                // A client masks; without a mask there is less of a header to wait for.
                return Err(Violation::Protocol);
            }
            let size = header_size(known);
            if size == self.header_size {
                self.header_size = 0;
                return self.begin(size).map(Some);
            }
            let rest = input.get(*at..).unwrap_or_default();
            let room = self.header.get_mut(self.header_size..size);
            let room = room.unwrap_or_default();
            let count = rest.len().min(room.len());
            if count == 0 {
                return Ok(None);
            }
            for (to, from) in room.iter_mut().zip(rest) {
                *to = *from;
            }
            self.header_size += count;
            *at += count;
        }
    }

    /// What a complete header of `size` bytes says.
    fn begin(&self, size: usize) -> Result<Frame, Violation> {
        let [first, second, ..] = self.header;
        let kind = match first & 0x0f {
            0 => Kind::Continuation,
            1 => Kind::Text,
            2 => Kind::Binary,
            8 => Kind::Close,
            9 => Kind::Ping,
            10 => Kind::Pong,
            _ => return Err(Violation::Protocol),
        };
        let last = first & 0x80 != 0;
        // No extension was agreed on; fragments come in a row.
        let reserved = first & 0x70 != 0;
        let in_turn =
            kind.is_control() || (kind == Kind::Continuation) == self.fragmented.is_some();
        if reserved || !in_turn {
            return Err(Violation::Protocol);
        }
        let (extended, mask) = self
            .header
            .get(2..size)
            .unwrap_or_default()
            .split_at(size - 6);
        let length = if extended.is_empty() {
            u64::from(second & 0x7f)
        } else {
            extended
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte))
        };
        let length = usize::try_from(length).map_err(|_| Violation::TooLarge)?;
        if kind.is_control() {
            if length > LONGEST_CONTROL || !last {
                return Err(Violation::Protocol);
            }
        } else if self.message.len().saturating_add(length) > self.limit {
            return Err(Violation::TooLarge);
        }
        let mask = mask.first_chunk().copied().unwrap_or_default();
        Ok(Frame {
            kind,
            last,
            mask,
            length,
            got: 0,
        })
    }
}

/// How long a header is, as far as its first bytes tell.
fn header_size(known: &[u8]) -> usize {
    match known.get(1).map(|byte| byte & 0x7f) {
        None => 2,
        Some(126) => 8,
        Some(127) => LONGEST_HEADER,
        Some(_) => 6,
    }
}

/// Takes the mask off a piece that begins `offset` bytes into the payload.
fn unmask(piece: &mut [u8], mut mask: [u8; 4], offset: usize) {
    mask.rotate_left(offset % 4);
    let (words, rest) = piece.as_chunks_mut::<4>();
    let word = u32::from_ne_bytes(mask);
    for bytes in words {
        *bytes = (u32::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests;
