//! The two answers to CONNECT.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::engine::ID_BYTES;

/// The most characters of a refusal's message that are kept: people read it.
const MESSAGE_CHARS: usize = 1_000;
/// The most bytes of what a refusal adds. More counts as nothing.
const DATA_BYTES: usize = 64 << 10;

/// The Socket.IO id with which the server lets us in, and the private one under
/// which it keeps our state, if it does.
pub(super) fn joined_as(data: Option<&RawValue>) -> Option<(String, Option<String>)> {
    #[derive(Deserialize)]
    struct Joined {
        sid: String,
        // Whatever it is, it does not keep us out.
        pid: Option<Box<RawValue>>,
    }
    let joined: Joined = serde_json::from_str(data?.get()).ok()?;
    let pid = joined
        .pid
        .and_then(|pid| serde_json::from_str(pid.get()).ok());
    let fits = |id: &String| !id.is_empty() && id.len() <= ID_BYTES;
    (joined.sid.len() <= ID_BYTES).then(|| (joined.sid, pid.filter(fits)))
}

/// The message and data of a CONNECT_ERROR. Some servers send a bare string,
/// and a refusal that cannot be read is one all the same.
pub(super) fn refusal(data: Option<&RawValue>) -> (String, Option<Box<RawValue>>) {
    #[derive(Default, Deserialize)]
    struct Refusal {
        message: Option<Box<RawValue>>,
        data: Option<Box<RawValue>>,
    }
    let text = data.map_or("", RawValue::get);
    let refusal: Refusal = serde_json::from_str(text).unwrap_or_default();
    let words = refusal.message.as_deref().map_or(text, RawValue::get);
    let mut message: String = serde_json::from_str(words).unwrap_or_default();
    if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARS) {
        message.truncate(end);
        message.shrink_to_fit();
    }
    let data = refusal.data;
    (message, data.filter(|data| data.get().len() <= DATA_BYTES))
}
