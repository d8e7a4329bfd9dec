//! `private message`, read strictly.

use std::{borrow::Cow, sync::Arc};

use parlour_protocol::{
    MessageError, OutgoingMessage, UserId,
    limits::{CONTENT_BYTES, USER_ID_BYTES},
    pm::MessageId,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// A message that can be sent on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) content: Arc<str>,
    pub(super) to: UserId,
    pub(super) id: Option<MessageId>,
    pub(super) sent_at: Option<i64>,
}

/// The usual form, read without copying: nearly all messages have it.
#[derive(Deserialize)]
struct Usual<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(borrow)]
    to: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "sentAt")]
    sent_at: Option<&'a RawValue>,
}

/// Reads the first argument. For a plain client, `id` and `sentAt` mean
/// nothing: whatever they are, they are not ours.
pub(super) fn parse(argument: Option<&RawValue>, pm: bool) -> Result<Parsed, MessageError> {
    let json = argument.ok_or(MessageError::BadShape)?.get();
    match serde_json::from_str::<Usual<'_>>(json) {
        Ok(usual) => check(usual, pm),
        // The same field twice, or another shape: rare, and told apart elsewhere.
        Err(_) => unusual(json, pm),
    }
}

fn check(usual: Usual<'_>, pm: bool) -> Result<Parsed, MessageError> {
    let Usual {
        content,
        to,
        id,
        sent_at,
    } = usual;
    if to.is_empty() || to.len() > USER_ID_BYTES {
        return Err(MessageError::BadShape);
    }
    if content.is_empty() {
        return Err(MessageError::Empty);
    }
    if content.len() > CONTENT_BYTES {
        return Err(MessageError::TooLarge);
    }
    Ok(Parsed {
        content: content.into(),
        to: UserId::new(to),
        id: match id.filter(|_| pm) {
            None => None,
            Some(id) => Some(serde_json::from_str(id.get()).map_err(|_| MessageError::BadShape)?),
        },
        sent_at: sent_at
            .filter(|_| pm)
            .and_then(|sent_at| serde_json::from_str(sent_at.get()).ok()),
    })
}

fn unusual(json: &str, pm: bool) -> Result<Parsed, MessageError> {
    let mut value: Value = serde_json::from_str(json).map_err(|_| MessageError::BadShape)?;
    if !pm && let Some(object) = value.as_object_mut() {
        object.remove("id");
        object.remove("sentAt");
    }
    let message = OutgoingMessage::from_json(Some(&value))?;
    Ok(Parsed {
        content: message.content.into(),
        to: message.to,
        id: message.id,
        sent_at: message.sent_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "018bcfe5-6800-7707-8707-070707070707";

    fn read(json: &str, pm: bool) -> Result<Parsed, MessageError> {
        let raw = RawValue::from_string(json.to_owned()).expect("json");
        parse(Some(&raw), pm)
    }

    #[test]
    fn both_ways_of_reading_say_the_same() {
        let long = format!(
            r#"{{"content":"{}","to":"b"}}"#,
            "x".repeat(CONTENT_BYTES + 1)
        );
        let far = format!(
            r#"{{"content":"hi","to":"{}"}}"#,
            "x".repeat(USER_ID_BYTES + 1)
        );
        let with_id = format!(r#"{{"content":"h\ni","to":"b","id":"{ID}","sentAt":7,"x":[{{}}]}}"#);
        for json in [
            r#"{"content":"hi","to":"b"}"#,
            r#"{"to":"b","content":"\u0041\"","extra":{"a":[1]}}"#,
            r#"{"content":"hi","to":"b","id":null,"sentAt":null}"#,
            r#"{"content":"hi","to":"b","sentAt":"yesterday"}"#,
            r#"{"content":"hi","to":"b","id":7}"#,
            r#"{"content":"hi","to":"b","id":"no uuid"}"#,
            r#"{"content":"","to":"b"}"#,
            r#"{"content":"hi","to":""}"#,
            r#"{"content":"hi"}"#,
            r#"{"content":{"a":1},"to":"b"}"#,
            r#"{"content":"hi","to":["b","c"]}"#,
            "null",
            "[]",
            "\"hi\"",
            with_id.as_str(),
            long.as_str(),
            far.as_str(),
        ] {
            let value: Value = serde_json::from_str(json).expect("json");
            let strict = OutgoingMessage::from_json(Some(&value));
            let ours = read(json, true);
            let same = ours.map(|message| OutgoingMessage {
                content: message.content.to_string(),
                to: message.to,
                id: message.id,
                sent_at: message.sent_at,
            });
            assert_eq!(same, strict, "{json}");
        }
        assert_eq!(parse(None, true), Err(MessageError::BadShape));
    }

    #[test]
    fn the_last_of_two_fields_counts() {
        let twice = r#"{"content":"x","content":"y","to":"a","to":"b"}"#;
        let message = read(twice, false).expect("a message");
        assert_eq!((&*message.content, message.to.as_str()), ("y", "b"));
    }

    #[test]
    fn ids_of_plain_clients_are_their_own_affair() {
        for id in ["7", "\"mine\"", &format!("\"{ID}\"")] {
            let json = format!(r#"{{"content":"hi","to":"b","id":{id},"sentAt":3}}"#);
            let message = read(&json, false).expect("a message");
            assert_eq!((message.id, message.sent_at), (None, None), "{id}");
        }
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        let json = format!(r#"{{"content":"hi","to":"b","x":{deep}}}"#);
        assert!(read(&json, true).is_ok());
        assert_eq!(read(&deep, true), Err(MessageError::BadShape));
    }
}
