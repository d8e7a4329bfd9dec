//! What the engine itself says, as a WebSocket has it.

use bytes::Bytes;

use crate::server::LeaveReason;

/// `1`: the session ends.
pub(crate) const CLOSE: Bytes = Bytes::from_static(b"\x81\x011");
/// `2`: are you there?
pub(crate) const PING: Bytes = Bytes::from_static(b"\x81\x012");
/// `3probe`: the answer to a probe.
pub(crate) const PROBED: Bytes = Bytes::from_static(b"\x81\x063probe");

/// The close frame of a WebSocket, with the code of RFC 6455, 7.4.1.
pub(crate) fn websocket_close(reason: LeaveReason) -> Bytes {
    Bytes::from_static(match reason {
        LeaveReason::ServerClosing => b"\x88\x02\x03\xe9",
        LeaveReason::ProtocolError => b"\x88\x02\x03\xea",
        LeaveReason::TooLarge => b"\x88\x02\x03\xf1",
        _ => b"\x88\x02\x03\xe8",
    })
}

/// The answer to a ping of the WebSocket itself.
pub(crate) fn pong(data: &[u8]) -> Bytes {
    // A control frame holds 125 bytes at most.
    let length = u8::try_from(data.len()).unwrap_or_default();
    [&[0x8a, length], data].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_protocol() {
        for (reason, code) in [
            (LeaveReason::ServerLeft, 1000),
            (LeaveReason::ServerClosing, 1001),
            (LeaveReason::ProtocolError, 1002),
            (LeaveReason::TooLarge, 1009),
        ] {
            let frame = websocket_close(reason);
            assert_eq!(frame[..2], [0x88, 2]);
            assert_eq!(u16::from_be_bytes([frame[2], frame[3]]), code);
        }
    }
}
