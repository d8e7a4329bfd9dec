//! Packet → text.

use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::{Body, MAIN_NAMESPACE, Packet};
use crate::arguments::Arguments;

impl Packet<'_> {
    /// Writes the packet behind what is already in `text`, which may hold the
    /// digit of the layer below.
    pub fn encode_into(&self, text: &mut String) {
        match &self.body {
            Body::Connect(data) => {
                header(text, '0', 0, &self.namespace, None);
                text.push_str(data.as_deref().map_or("", RawValue::get));
            }
            Body::Disconnect => header(text, '1', 0, &self.namespace, None),
            Body::Event {
                ack,
                attachments,
                name,
                args,
            } => {
                let kind = if *attachments > 0 { '5' } else { '2' };
                header(text, kind, *attachments, &self.namespace, *ack);
                text.push('[');
                text.push_str(&serde_json::Value::from(name.as_str()).to_string());
                args.iter().for_each(|arg| {
                    text.push(',');
                    text.push_str(arg.get());
                });
                text.push(']');
            }
            Body::Ack {
                id,
                attachments,
                args,
            } => {
                let kind = if *attachments > 0 { '6' } else { '3' };
                header(text, kind, *attachments, &self.namespace, Some(*id));
                text.push('[');
                for (number, arg) in args.iter().enumerate() {
                    if number > 0 {
                        text.push(',');
                    }
                    text.push_str(arg.get());
                }
                text.push(']');
            }
            Body::ConnectError(data) => {
                header(text, '4', 0, &self.namespace, None);
                text.push_str(data.as_deref().map_or("", RawValue::get));
            }
        }
    }
}

/// Writes an event straight from typed arguments, behind what is in `text`.
///
/// # Errors
/// An argument has no form in JSON; `text` then holds a part of the packet.
pub fn encode_event(
    text: &mut String,
    namespace: &str,
    ack: Option<u64>,
    attachments: u64,
    name: &str,
    args: &(impl Arguments + ?Sized),
) -> Result<(), serde_json::Error> {
    let kind = if attachments > 0 { '5' } else { '2' };
    header(text, kind, attachments, namespace, ack);
    let mut json = std::mem::take(text).into_bytes();
    json.push(b'[');
    serde_json::to_writer(&mut json, name)?;
    args.append_to(&mut json)?;
    json.push(b']');
    give_back(text, json)
}

/// Writes the answer to event number `id` straight from typed arguments.
///
/// # Errors
/// As [`encode_event`].
pub fn encode_ack(
    text: &mut String,
    namespace: &str,
    id: u64,
    attachments: u64,
    args: &(impl Arguments + ?Sized),
) -> Result<(), serde_json::Error> {
    let kind = if attachments > 0 { '6' } else { '3' };
    header(text, kind, attachments, namespace, Some(id));
    let mut json = std::mem::take(text).into_bytes();
    let start = json.len();
    args.append_to(&mut json)?;
    match json.get_mut(start) {
        // Every argument brings a comma; the first one has its place here.
        Some(comma) => *comma = b'[',
        None => json.push(b'['),
    }
    json.push(b']');
    give_back(text, json)
}

fn give_back(text: &mut String, json: Vec<u8>) -> Result<(), serde_json::Error> {
    // JSON from a serialiser is UTF-8; an `Arguments` written elsewhere may err.
    *text = String::from_utf8(json).map_err(serde::ser::Error::custom)?;
    Ok(())
}

fn header(text: &mut String, kind: char, attachments: u64, namespace: &str, id: Option<u64>) {
    text.push(kind);
    // Writing to a String cannot fail.
    if attachments > 0 {
        let _ = write!(text, "{attachments}-");
    }
    if namespace != MAIN_NAMESPACE {
        text.push_str(namespace);
        text.push(',');
    }
    if let Some(id) = id {
        let _ = write!(text, "{id}");
    }
}
