//! Text → packet.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{DeserializeOwned, Deserializer, Error as _, SeqAccess, Visitor},
};
use serde_json::{error::Category, value::RawValue};

use super::{Body, DecodeError, MAIN_NAMESPACE, Packet, is_reserved};

impl<'a> Packet<'a> {
    /// Reads one packet. The text should have passed [`crate::surrogate::repair`].
    ///
    /// # Errors
    /// It is no packet; no part of it is in the error.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        let (kind, rest) = text.split_at_checked(1).ok_or(DecodeError::Kind)?;
        let (attachments, rest) = match kind {
            "5" | "6" => attachments(rest)?,
            _ => (0, rest),
        };
        let (namespace, rest) = namespace(rest);
        let body = match kind {
            "0" => Body::Connect(optional(rest)?),
            "1" if rest.is_empty() => Body::Disconnect,
            "1" => return Err(DecodeError::Shape),
            "2" | "5" => {
                let (ack, rest) = number(rest)?;
                let Named { name, args } = json(rest)?;
                if is_reserved(&name) {
                    return Err(DecodeError::Reserved);
                }
                Body::Event {
                    ack,
                    attachments,
                    name,
                    args,
                }
            }
            "3" | "6" => {
                let (id, rest) = number(rest)?;
                let id = id.ok_or(DecodeError::AckId)?;
                Body::Ack {
                    id,
                    attachments,
                    args: json(rest)?,
                }
            }
            "4" => Body::ConnectError(optional(rest)?),
            _ => return Err(DecodeError::Kind),
        };
        Ok(Self { namespace, body })
    }

    /// How many binary frames the packet in `text` announces, for one that could
    /// not be read otherwise: they belong to it and must be skipped with it.
    #[must_use]
    pub fn announced_attachments(text: &str) -> u64 {
        match text.split_at_checked(1) {
            Some(("5" | "6", rest)) => attachments(rest).map_or(0, |(count, _)| count),
            _ => 0,
        }
    }
}

fn attachments(text: &str) -> Result<(u64, &str), DecodeError> {
    let (count, rest) = text.split_once('-').ok_or(DecodeError::Attachments)?;
    if !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DecodeError::Attachments);
    }
    Ok((count.parse().map_err(|_| DecodeError::Attachments)?, rest))
}

fn namespace(text: &str) -> (Cow<'_, str>, &str) {
    if !text.starts_with('/') {
        return (Cow::Borrowed(MAIN_NAMESPACE), text);
    }
    let (name, rest) = text.split_once(',').unwrap_or((text, ""));
    (Cow::Borrowed(name), rest)
}

/// The digits at the front, as a number.
fn number(text: &str) -> Result<(Option<u64>, &str), DecodeError> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    Ok((Some(digits.parse().map_err(|_| DecodeError::AckId)?), rest))
}

fn optional(text: &str) -> Result<Option<Box<RawValue>>, DecodeError> {
    if text.is_empty() {
        Ok(None)
    } else {
        json(text).map(Some)
    }
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        // The error's own text may quote the data, so it goes no further.
        Category::Data => DecodeError::Shape,
        Category::Syntax | Category::Eof | Category::Io => DecodeError::Json {
            column: error.column(),
        },
    })
}

/// `["name", …]`
struct Named {
    name: String,
    args: Vec<Box<RawValue>>,
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(NamedVisitor)
    }
}

struct NamedVisitor;

impl<'de> Visitor<'de> for NamedVisitor {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array that starts with a name")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Named, A::Error> {
        let name = seq
            .next_element()?
            .ok_or_else(|| A::Error::custom("no name"))?;
        let mut args = Vec::new();
        while let Some(arg) = seq.next_element()? {
            args.push(arg);
        }
        Ok(Named { name, args })
    }
}
