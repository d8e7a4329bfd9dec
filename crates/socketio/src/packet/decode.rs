//! Text → packet.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::{error::Category, value::RawValue};

use super::{Body, Bounds, DecodeError, MAIN_NAMESPACE, Packet, depth, is_reserved};

impl<'a> Packet<'a> {
    /// Reads one packet, whatever its extent. The text should have passed
    /// [`crate::surrogate::repair`].
    ///
    /// # Errors
    /// It is no packet; no part of it is in the error.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        Self::decode_within(text, &Bounds::NONE)
    }

    /// Reads one packet that keeps within `bounds`. What a CONNECT or its refusal
    /// says beyond them counts as not said: the packet decides about the
    /// connection all the same.
    ///
    /// # Errors
    /// As [`Self::decode`], or it goes beyond the bounds.
    pub fn decode_within(text: &'a str, bounds: &Bounds) -> Result<Self, DecodeError> {
        let (kind, rest) = text.split_at_checked(1).ok_or(DecodeError::Kind)?;
        let (attachments, rest) = match kind {
            "5" | "6" => attachments(rest)?,
            _ => (0, rest),
        };
        let (namespace, rest) = namespace(rest);
        let body = match kind {
            "0" => Body::Connect(optional(rest, bounds)?),
            "1" if rest.is_empty() => Body::Disconnect,
            "1" => return Err(DecodeError::Shape),
            "2" | "5" => {
                let (ack, rest) = number(rest)?;
                let (name, args) = read(rest, Named::Yes, bounds)?;
                if name.len() > bounds.name_bytes {
                    return Err(DecodeError::NameTooLong);
                }
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
                let (_, args) = read(rest, Named::No, bounds)?;
                Body::Ack {
                    id,
                    attachments,
                    args,
                }
            }
            "4" => Body::ConnectError(optional(rest, bounds)?),
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

fn optional(text: &str, bounds: &Bounds) -> Result<Option<Box<RawValue>>, DecodeError> {
    if text.is_empty() || depth::exceeds(text, bounds.depth) {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|e| error(&e))
}

/// What was wrong with the JSON. The error's own text may quote it, so that
/// goes no further.
fn error(error: &serde_json::Error) -> DecodeError {
    match error.classify() {
        Category::Data => DecodeError::Shape,
        Category::Syntax | Category::Eof | Category::Io => DecodeError::Json {
            column: error.column(),
        },
    }
}

/// Whether the first item of an array is a name.
#[derive(Clone, Copy)]
enum Named {
    Yes,
    No,
}

/// Reads `["name", …]`, or without the name.
fn read(
    text: &str,
    named: Named,
    bounds: &Bounds,
) -> Result<(String, Vec<Box<RawValue>>), DecodeError> {
    if depth::exceeds(text, bounds.depth) {
        return Err(DecodeError::TooDeep);
    }
    let too_many = Cell::new(false);
    let items = Items {
        named,
        most: bounds.arguments,
        too_many: &too_many,
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = json
        .deserialize_seq(items)
        .and_then(|read| json.end().map(|()| read));
    read.map_err(|e| match too_many.get() {
        true => DecodeError::TooManyArguments,
        false => error(&e),
    })
}

struct Items<'a> {
    named: Named,
    most: usize,
    /// That this was what was wrong: the errors of serde say it in words only.
    too_many: &'a Cell<bool>,
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = (String, Vec<Box<RawValue>>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.named {
            Named::Yes => "an array that starts with a name",
            Named::No => "an array",
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let name = match self.named {
            Named::Yes => seq.next_element()?,
            Named::No => Some(String::new()),
        };
        let name = name.ok_or_else(|| A::Error::custom("no name"))?;
        let mut args = Vec::new();
        while let Some(arg) = seq.next_element()? {
            if args.len() >= self.most {
                self.too_many.set(true);
                return Err(A::Error::custom("too many"));
            }
            args.push(arg);
        }
        Ok((name, args))
    }
}
