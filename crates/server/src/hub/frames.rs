//! What goes out, encoded once for however many connections.

use parlour_protocol::{
    SessionEvent, UserId, names,
    pm::{self, Bye, MessageId, TypingFrom},
};
use parlour_socketio::{
    Arguments,
    server::{AckId, Frame},
};
use serde::Serialize;

/// The one namespace of the chat.
pub(crate) const NAMESPACE: &str = "/";

/// An argument that is JSON already.
pub(super) struct RawJson<'a>(pub(super) &'a [u8]);

impl Arguments for RawJson<'_> {
    fn append_to(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        json.reserve(self.0.len() + 2);
        json.push(b',');
        json.extend_from_slice(self.0);
        Ok(())
    }
}

/// A message as plain clients get it, borrowed from where it was stored.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Plain<'a> {
    pub(super) content: &'a str,
    pub(super) from: &'a UserId,
    pub(super) to: &'a UserId,
}

/// A message as those get it who speak pm: see
/// [`StampedMessage`](parlour_protocol::pm::StampedMessage).
#[derive(Clone, Copy, Serialize)]
pub(super) struct Stamped<'a> {
    pub(super) content: &'a str,
    pub(super) from: &'a UserId,
    pub(super) to: &'a UserId,
    pub(super) id: MessageId,
    pub(super) seq: u64,
    pub(super) ts: i64,
    #[serde(rename = "sentAt", skip_serializing_if = "Option::is_none")]
    pub(super) sent_at: Option<i64>,
}

/// `session`: who one is, with the secret.
pub(super) fn session(event: &SessionEvent<'_>) -> Option<Frame> {
    self::event(names::SESSION, &(event,))
}

/// `user connected`.
pub(super) fn user_connected(entry: &str) -> Option<Frame> {
    let json = format!(r#"{entry}true,"messages":[]}}"#);
    event(names::USER_CONNECTED, &RawJson(json.as_bytes()))
}

/// `user disconnected`: the bare id.
pub(super) fn user_disconnected(id: &UserId) -> Option<Frame> {
    event(names::USER_DISCONNECTED, &(id,))
}

/// `private message`.
pub(super) fn private_message(message: &impl Serialize) -> Option<Frame> {
    event(names::PRIVATE_MESSAGE, &(message,))
}

/// `pm:typing`.
pub(super) fn typing(from: &UserId) -> Option<Frame> {
    let from = from.clone();
    event(pm::names::TYPING, &(TypingFrom { from },))
}

/// `pm:bye`.
pub(super) fn bye(reason: &str, retry_after_ms: Option<u64>) -> Option<Frame> {
    let bye = Bye {
        reason: reason.to_owned(),
        retry_after_ms,
    };
    event(pm::names::BYE, &(bye,))
}

/// An event.
pub(super) fn event(name: &str, args: &impl Arguments) -> Option<Frame> {
    encoded(name, Frame::event(NAMESPACE, None, name, args))
}

/// The answer to an event.
pub(crate) fn answer(ack: AckId, answer: &impl Serialize) -> Option<Frame> {
    encoded("answer", ack.answer(NAMESPACE, &(answer,)))
}

/// A text as JSON has it, with its quotes.
pub(super) fn json(text: &impl Serialize) -> String {
    // Cannot fail with a text.
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

/// `None` never happens with these types, whose maps have text keys; if it did,
/// a missing event must not end the server.
fn encoded(event: &str, frame: Result<Frame, serde_json::Error>) -> Option<Frame> {
    frame
        .inspect_err(|error| tracing::error!(event, %error, "an event could not be encoded"))
        .ok()
}
