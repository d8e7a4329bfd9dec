//! WebSocket frames, as far as a load generator needs them: text that fits
//! into one frame each way, and close.

use anyhow::{Result, bail};

/// The mask of every frame from here. It may be known to everybody, since the
/// servers measured are our own; it must not be zero, since a server may have
/// a short cut for that.
pub(crate) const MASK: [u8; 4] = [0x5a, 0xc3, 0x17, 0x9e];

const FINAL: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
const MASKED: u8 = 0x80;

/// What a server sends in one frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received<'a> {
    Text(&'a [u8]),
    Ping(&'a [u8]),
    /// A pong, or binary data: nothing that is measured here.
    Other,
    Close,
}

/// A masked text frame.
pub(crate) fn text(payload: &[u8]) -> Vec<u8> {
    masked(TEXT, payload)
}

/// The answer to a WebSocket ping.
pub(crate) fn pong(payload: &[u8]) -> Vec<u8> {
    masked(PONG, payload)
}

/// A goodbye with the code for a normal end.
pub(crate) fn close() -> Vec<u8> {
    masked(CLOSE, &1000_u16.to_be_bytes())
}

/// Where the payload starts in a frame made by [`text`].
pub(crate) fn payload_start(payload_length: usize) -> usize {
    match payload_length {
        0..126 => 2 + MASK.len(),
        126..0x1_0000 => 4 + MASK.len(),
        _ => 10 + MASK.len(),
    }
}

fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    frame.push(FINAL | opcode);
    let length = payload.len();
    if let Ok(short) = u8::try_from(length)
        && short < 126
    {
        frame.push(MASKED | short);
    } else if let Ok(medium) = u16::try_from(length) {
        frame.push(MASKED | 126);
        frame.extend_from_slice(&medium.to_be_bytes());
    } else {
        frame.push(MASKED | 127);
        frame.extend_from_slice(&(length as u64).to_be_bytes());
    }
    frame.extend_from_slice(&MASK);
    let bytes = payload.iter().zip(MASK.iter().cycle());
    frame.extend(bytes.map(|(byte, mask)| byte ^ mask));
    frame
}

/// How long the payload of the first frame will be, and where it starts.
pub(crate) fn announced(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let [head, length, rest @ ..] = bytes else {
        return Ok(None);
    };
    if head & FINAL == 0 {
        bail!("the server divides its messages, which this generator does not read");
    }
    Ok(match length {
        126 => rest
            .first_chunk::<2>()
            .map(|length| (usize::from(u16::from_be_bytes(*length)), 4)),
        127 => match rest.first_chunk::<8>() {
            Some(length) => Some((usize::try_from(u64::from_be_bytes(*length))?, 10)),
            None => None,
        },
        short if *short & MASKED != 0 => bail!("the server masks its frames"),
        short => Some((usize::from(*short), 2)),
    })
}

/// The first frame of `bytes` and how long it is; nothing when a part of it is
/// still on its way.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<(Received<'_>, usize)>> {
    let Some((length, header)) = announced(bytes)? else {
        return Ok(None);
    };
    let end = header.saturating_add(length);
    let (Some(head), Some(payload)) = (bytes.first(), bytes.get(header..end)) else {
        return Ok(None);
    };
    let received = match head & 0x0f {
        TEXT => Received::Text(payload),
        PING => Received::Ping(payload),
        CLOSE => Received::Close,
        _ => Received::Other,
    };
    Ok(Some((received, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x81];
        match payload.len() {
            length @ 0..126 => frame.push(length as u8),
            length @ 126..0x1_0000 => {
                frame.push(126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(payload);
        frame
    }

    #[test]
    fn a_frame_of_any_length_is_found_once_it_is_whole() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let mut bytes = served(&payload);
            let whole = bytes.len();
            assert_eq!(first(&bytes[..whole - 1]).unwrap(), None, "{length}");
            bytes.extend(served(b"next"));
            let (received, used) = first(&bytes).unwrap().unwrap();
            assert_eq!((received, used), (Received::Text(&payload), whole));
        }
    }

    #[test]
    fn the_payload_of_our_frames_is_where_it_is_said_to_be() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let frame = text(&payload);
            let start = payload_start(length);
            assert_eq!(frame.len(), start + length);
            assert!(
                frame[start..]
                    .iter()
                    .zip(MASK.iter().cycle())
                    .all(|(byte, mask)| byte ^ mask == b'x')
            );
        }
    }

    #[test]
    fn a_divided_or_masked_message_is_refused() {
        assert!(first(&[0x01, 1, b'x']).is_err());
        assert!(first(&text(b"x")).is_err());
    }
}
