//! How both sides say that they speak pm.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::VERSION;
use crate::limits;

/// `auth.pm`: what a client can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientHello {
    /// The versions that it speaks.
    pub v: Vec<u32>,
    /// What else it can do; unknown ones are ignored.
    pub caps: Vec<String>,
    /// Its name and version, for the operator's log: at most 64 bytes.
    pub client: String,
    /// How far its copy of the inbox goes, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Of which epoch that copy is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Uuid>,
}

impl ClientHello {
    /// Reads `auth.pm`. `None`: it is no hello of a version that is spoken here,
    /// and the client is served as the guide says.
    #[must_use]
    pub fn from_json(pm: &Value) -> Option<Self> {
        let versions = pm.get("v")?.as_array()?;
        if !versions.iter().any(|v| v.as_u64() == Some(VERSION.into())) {
            return None;
        }
        let caps = pm.get("caps").and_then(Value::as_array);
        let client = pm.get("client").and_then(Value::as_str).unwrap_or_default();
        Some(Self {
            v: vec![VERSION],
            caps: caps
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .take(limits::CAPS)
                .filter(|cap| cap.len() <= limits::CLIENT_BYTES)
                .map(str::to_owned)
                .collect(),
            client: client[..client.floor_char_boundary(limits::CLIENT_BYTES)].to_owned(),
            since: pm.get("since").and_then(Value::as_u64),
            epoch: pm
                .get("epoch")
                .and_then(Value::as_str)
                .and_then(|epoch| Uuid::try_parse(epoch).ok()),
        })
    }
}

/// `session.pm`: what the server can do, and where the client stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerHello {
    /// The version that holds from now on.
    pub v: u32,
    /// What else it can do; unknown ones are ignored.
    #[serde(default)]
    pub caps: Vec<String>,
    /// What it takes.
    pub limits: PeerLimits,
    /// Which server this is, whatever its address.
    pub server_id: Uuid,
    /// Changes when the database is replaced or restored: the sign that the
    /// server may have forgotten what it had acknowledged.
    pub epoch: Uuid,
    /// The server's clock, in milliseconds since 1970: for display only.
    pub now: i64,
    /// The number of the last message in this user's inbox; 0 if there is none.
    pub last_seq: u64,
    /// Whether a known session was resumed.
    pub resumed: bool,
}

/// What a server takes from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerLimits {
    /// Bytes of UTF-8 in the text of one message.
    pub content: usize,
    /// Bytes of one packet.
    pub packet: usize,
    /// Messages in one answer.
    pub page: usize,
    /// Messages on their way without an answer.
    pub window: usize,
    /// Messages in a time.
    pub rate: Rate,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// In a second, in the long run.
    #[serde(rename = "perSecond")]
    pub per_second: u32,
    /// At once, after a silence.
    pub burst: u32,
}

impl Default for PeerLimits {
    /// The limits of this crate.
    fn default() -> Self {
        Self {
            content: limits::CONTENT_BYTES,
            packet: limits::PACKET_BYTES,
            page: limits::PAGE,
            window: limits::WINDOW,
            rate: Rate {
                per_second: limits::MESSAGES_PER_SECOND,
                burst: limits::MESSAGES_BURST,
            },
        }
    }
}
