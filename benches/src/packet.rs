//! Engine.IO and Socket.IO packets of a server, told apart by how they start.

use crate::listing::Listing;

/// A text from the server. The events are those of the main namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// Engine.IO is open.
    Open,
    /// A heartbeat, to be answered with [`PONG`].
    Ping,
    /// The namespace is connected.
    Connected,
    /// The sign-in was refused; the reason in JSON.
    Refused(&'a [u8]),
    /// `["session",…]`, as JSON.
    Session(&'a [u8]),
    /// `["users",…]`, counted.
    Users(Listing),
    /// `["private message",…]`, as JSON.
    Message(&'a [u8]),
    /// Somebody came.
    Arrival,
    /// The answer to an event, starting with its number.
    Ack(&'a [u8]),
    /// The server said goodbye to this client.
    Goodbye,
    /// Anything else: not measured.
    Other,
}

/// How a text with `users` starts.
pub(crate) const USERS: &[u8] = br#"42["users""#;

/// The answer to a heartbeat.
pub(crate) const PONG: &[u8] = b"3";

impl<'a> Packet<'a> {
    pub(crate) fn read(text: &'a [u8]) -> Self {
        // In the order of how often they come under load.
        if let Some(event) = text.strip_prefix(b"42") {
            return Self::event(event);
        }
        match text {
            [b'4', b'3', rest @ ..] => Self::Ack(rest),
            [b'2', ..] => Self::Ping,
            [b'0', ..] => Self::Open,
            [b'4', b'0', ..] => Self::Connected,
            [b'4', b'4', rest @ ..] => Self::Refused(rest),
            [b'4', b'1', ..] | [b'1', ..] => Self::Goodbye,
            _ => Self::Other,
        }
    }

    fn event(event: &'a [u8]) -> Self {
        if event.starts_with(br#"["private message""#) {
            Self::Message(event)
        } else if event.starts_with(br#"["user connected""#) {
            Self::Arrival
        } else if event.starts_with(br#"["users""#) {
            Self::Users(Listing::whole(event))
        } else if event.starts_with(br#"["session""#) {
            Self::Session(event)
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_told_apart() {
        let cases: [(&str, Packet<'_>); 11] = [
            (r#"0{"sid":"x"}"#, Packet::Open),
            ("2", Packet::Ping),
            (r#"40{"sid":"x"}"#, Packet::Connected),
            (
                r#"44{"message":"no"}"#,
                Packet::Refused(br#"{"message":"no"}"#),
            ),
            (r#"42["session",{}]"#, Packet::Session(br#"["session",{}]"#)),
            (
                r#"42["users",[]]"#,
                Packet::Users(Listing::whole(br#"["users",[]]"#)),
            ),
            (r#"42["user connected",{}]"#, Packet::Arrival),
            (r#"42["user disconnected","x"]"#, Packet::Other),
            (
                r#"42["private message",{}]"#,
                Packet::Message(br#"["private message",{}]"#),
            ),
            (r#"4312[{"ok":true}]"#, Packet::Ack(br#"12[{"ok":true}]"#)),
            ("41", Packet::Goodbye),
        ];
        for (text, packet) in cases {
            assert_eq!(Packet::read(text.as_bytes()), packet, "{text}");
        }
    }
}
