//! The two answers to CONNECT.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The Socket.IO id with which the server lets us in.
pub(super) fn joined_as(data: Option<&RawValue>) -> Option<String> {
    #[derive(Deserialize)]
    struct Joined {
        sid: String,
    }
    serde_json::from_str::<Joined>(data?.get())
        .ok()
        .map(|joined| joined.sid)
}

/// The message and data of a CONNECT_ERROR. Some servers send a bare string,
/// and a refusal that cannot be read is one all the same.
pub(super) fn refusal(data: Option<&RawValue>) -> (String, Option<Box<RawValue>>) {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Refusal {
        Full { message: String },
        Bare(String),
    }
    #[derive(Deserialize)]
    struct Added {
        data: Option<Box<RawValue>>,
    }
    let text = data.map_or("", RawValue::get);
    let message = match serde_json::from_str(text) {
        Ok(Refusal::Full { message } | Refusal::Bare(message)) => message,
        Err(_) => String::new(),
    };
    // Untagged enums cannot hold raw JSON, hence the second look.
    let added = serde_json::from_str::<Added>(text)
        .ok()
        .and_then(|added| added.data);
    (message, added)
}
