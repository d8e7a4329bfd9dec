//! `private message` from a client to a server.

use serde::Serialize;
use serde_json::Value;

use crate::{
    UserId,
    limits::{CONTENT_BYTES, USER_ID_BYTES},
    pm::{Code, MessageId},
};

/// A message on its way to one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutgoingMessage {
    /// The text.
    pub content: String,
    /// The recipient.
    pub to: UserId,
    /// The sender's id for it: makes a repeat harmless. Only between pm sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// The sender's time, in milliseconds since 1970: for display only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<i64>,
}

/// Why a payload is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// Not an object, or `content` or `to` missing or not a text, or an `id`
    /// that is none.
    BadShape,
    /// `content` is empty.
    Empty,
    /// `content` is over [`CONTENT_BYTES`].
    TooLarge,
}

impl From<MessageError> for Code {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::BadShape | MessageError::Empty => Self::BadRequest,
            MessageError::TooLarge => Self::TooLarge,
        }
    }
}

impl OutgoingMessage {
    /// A message without an id, as plain clients send it.
    pub fn plain(content: impl Into<String>, to: UserId) -> Self {
        Self {
            content: content.into(),
            to,
            id: None,
            sent_at: None,
        }
    }

    /// Reads the first argument of a `private message` event, strictly.
    pub fn from_json(payload: Option<&Value>) -> Result<Self, MessageError> {
        let payload = payload.ok_or(MessageError::BadShape)?;
        let text = |key: &str| {
            payload
                .get(key)
                .and_then(Value::as_str)
                .ok_or(MessageError::BadShape)
        };
        let (content, to) = (text("content")?, text("to")?);
        if to.is_empty() || to.len() > USER_ID_BYTES {
            return Err(MessageError::BadShape);
        }
        if content.is_empty() {
            return Err(MessageError::Empty);
        }
        if content.len() > CONTENT_BYTES {
            return Err(MessageError::TooLarge);
        }
        let id = match payload.get("id") {
            None | Some(Value::Null) => None,
            Some(id) => Some(
                id.as_str()
                    .and_then(|id| id.parse().ok())
                    .ok_or(MessageError::BadShape)?,
            ),
        };
        Ok(Self {
            content: content.to_owned(),
            to: UserId::new(to),
            id,
            // Of no consequence, so whatever is no time counts as absent.
            sent_at: payload.get("sentAt").and_then(Value::as_i64),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_read_strictly() {
        let ok = OutgoingMessage::from_json(Some(&json!({"content": "hi", "to": "b", "extra": 1})));
        assert_eq!(ok, Ok(OutgoingMessage::plain("hi", "b".into())));
        for payload in [
            json!(null),
            json!([]),
            json!("hi"),
            json!({"content": "hi"}),
            json!({"to": "b"}),
            json!({"content": {"a": 1}, "to": "b"}),
            json!({"content": "hi", "to": ["b", "c"]}),
            json!({"content": "hi", "to": ""}),
            json!({"content": "hi", "to": "x".repeat(65)}),
            json!({"content": "hi", "to": "b", "id": 7}),
            json!({"content": "hi", "to": "b", "id": "no uuid"}),
        ] {
            assert_eq!(
                OutgoingMessage::from_json(Some(&payload)),
                Err(MessageError::BadShape),
                "{payload}"
            );
        }
        assert_eq!(
            OutgoingMessage::from_json(None),
            Err(MessageError::BadShape)
        );
        assert_eq!(
            OutgoingMessage::from_json(Some(&json!({"content": "", "to": "b"}))),
            Err(MessageError::Empty)
        );
        let long = json!({"content": "x".repeat(CONTENT_BYTES + 1), "to": "b"});
        assert_eq!(
            OutgoingMessage::from_json(Some(&long)),
            Err(MessageError::TooLarge)
        );
    }
}
