//! Engine.IO 4 packets over WebSocket: what carries Socket.IO.
//!
//! One text frame is one packet: a digit, then data. A binary frame is a message
//! by itself and has no digit. Nothing here knows which side it works for.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// The digit of a message, put before every encoded Socket.IO packet.
pub const MESSAGE: char = '4';
/// A ping, sent by the server.
pub const PING: &str = "2";
/// The answer to a ping.
pub const PONG: &str = "3";

/// The longest time a handshake may name; more is read as this, so that adding
/// it to a point in time stays within what a clock can say.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The most bytes of a handshake: several times what any server says.
const HANDSHAKE_BYTES: usize = 16 << 10;
/// The most bytes of an id that a server gives; none known is longer than 36.
pub(crate) const ID_BYTES: usize = 256;
/// No server has more transports to offer; what it says beyond is left.
const UPGRADES: usize = 8;
/// Nor one with a longer name, in bytes.
const LONGEST_UPGRADE: usize = 32;

/// One packet, borrowed from the text of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnginePacket<'a> {
    /// `0`: the handshake, as JSON.
    Open(&'a str),
    /// `1`: the other side ends the connection.
    Close,
    /// `2`: are you there?
    Ping(&'a str),
    /// `3`: I am.
    Pong(&'a str),
    /// `4`: a Socket.IO packet.
    Message(&'a str),
    /// `5`: a change of transport, of no meaning where WebSocket is the only one.
    Upgrade,
    /// `6`: nothing.
    Noop,
}

impl<'a> EnginePacket<'a> {
    /// Reads one text frame. `None`: it is empty or starts with no known digit.
    #[must_use]
    pub fn decode(frame: &'a str) -> Option<Self> {
        let mut rest = frame.chars();
        let kind = rest.next()?;
        let data = rest.as_str();
        Some(match kind {
            '0' => Self::Open(data),
            '1' => Self::Close,
            '2' => Self::Ping(data),
            '3' => Self::Pong(data),
            MESSAGE => Self::Message(data),
            '5' => Self::Upgrade,
            '6' => Self::Noop,
            _ => return None,
        })
    }

    /// Writes the packet as one text frame.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Open(data) => format!("0{data}"),
            Self::Close => "1".to_owned(),
            Self::Ping(data) => format!("2{data}"),
            Self::Pong(data) => format!("3{data}"),
            Self::Message(data) => format!("{MESSAGE}{data}"),
            Self::Upgrade => "5".to_owned(),
            Self::Noop => "6".to_owned(),
        }
    }
}

/// What the server says first about the connection.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct Handshake {
    /// The engine's id of the connection. It is a secret of the two sides
    /// (whoever has it can speak on the connection) and not the Socket.IO id.
    pub sid: String,
    /// How often the server pings.
    pub ping_interval: Duration,
    /// How long after a ping the server waits for the answer.
    pub ping_timeout: Duration,
    /// Which transports the server offers to move to, in its own words; at most a
    /// handful of them.
    pub upgrades: Vec<String>,
    /// The most bytes the server takes in one frame; `None` where it does not say.
    pub max_payload: Option<usize>,
}

impl Handshake {
    /// Reads what a server began with, or says what is wrong with it.
    pub(crate) fn read(json: &str) -> Result<Self, &'static str> {
        if json.len() > HANDSHAKE_BYTES {
            return Err("its handshake is far too long");
        }
        match serde_json::from_str::<Self>(json) {
            Ok(handshake) if handshake.sid.is_empty() || handshake.sid.len() > ID_BYTES => {
                Err("its handshake has no proper id")
            }
            Ok(handshake) => Ok(handshake),
            Err(_) => Err("its handshake cannot be read"),
        }
    }

    /// The longest silence of the engine that both sides stand: after this long
    /// without a ping the connection is dead, and the server thinks so too.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.ping_interval + self.ping_timeout
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("ping_interval", &self.ping_interval)
            .field("ping_timeout", &self.ping_timeout)
            .field("max_payload", &self.max_payload)
            .finish_non_exhaustive()
    }
}

/// The handshake in the words of the wire; times in milliseconds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    sid: String,
    #[serde(default)]
    upgrades: Vec<String>,
    ping_interval: u64,
    ping_timeout: u64,
    #[serde(default)]
    max_payload: u64,
}

impl From<Wire> for Handshake {
    fn from(wire: Wire) -> Self {
        Self {
            sid: wire.sid,
            upgrades: wire
                .upgrades
                .into_iter()
                .filter(|name| name.len() <= LONGEST_UPGRADE)
                .take(UPGRADES)
                .collect(),
            ping_interval: Duration::from_millis(wire.ping_interval).min(LONGEST),
            ping_timeout: Duration::from_millis(wire.ping_timeout).min(LONGEST),
            // 0 means "no limit" to the library below the official server.
            max_payload: usize::try_from(wire.max_payload)
                .ok()
                .filter(|max| *max > 0),
        }
    }
}

impl From<Handshake> for Wire {
    fn from(handshake: Handshake) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            sid: handshake.sid,
            upgrades: handshake.upgrades,
            ping_interval: ms(handshake.ping_interval),
            ping_timeout: ms(handshake.ping_timeout),
            max_payload: handshake
                .max_payload
                .and_then(|max| u64::try_from(max).ok())
                .unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_survive_the_way_there_and_back() {
        for frame in [
            "0{}",
            "1",
            "2",
            "2probe",
            "3",
            "3probe",
            "42[\"a\"]",
            "4",
            "5",
            "6",
        ] {
            assert_eq!(EnginePacket::decode(frame).unwrap().encode(), frame);
        }
        for frame in ["", "7", "a", "é", " 4"] {
            assert_eq!(EnginePacket::decode(frame), None, "{frame:?}");
        }
    }

    #[test]
    fn a_handshake_is_read_and_written() {
        let text = r#"{"sid":"s3cret","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        let handshake: Handshake = serde_json::from_str(text).unwrap();
        assert_eq!(handshake.patience(), Duration::from_secs(45));
        assert_eq!(handshake.max_payload, Some(1_000_000));
        assert_eq!(serde_json::to_string(&handshake).unwrap(), text);
        assert!(!format!("{handshake:?}").contains("s3cret"));
    }

    #[test]
    fn absurd_times_are_cut_and_no_limit_is_none() {
        let text = format!(
            r#"{{"sid":"x","pingInterval":{max},"pingTimeout":{max},"maxPayload":0}}"#,
            max = u64::MAX
        );
        let handshake: Handshake = serde_json::from_str(&text).unwrap();
        assert_eq!(handshake.patience(), 2 * LONGEST);
        assert_eq!(handshake.max_payload, None);
    }
}
