//! The one argument of an event that anybody here looks at.

use std::{convert::Infallible, fmt, sync::Arc};

use parlour_socketio::surrogate;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use socketioxide::{adapter::Adapter, handler::FromMessageParts, socket::Socket};
use socketioxide_core::Value as Packet;

/// The first argument of an event, or `None` if there is none that can be
/// read: too deep, with binary parts, no JSON. What follows it is ignored.
///
/// The engine's own extractors skip the handler where they cannot read, and
/// refuse half an emoji, which a web page can well send.
#[derive(Debug, PartialEq)]
pub(super) struct FirstArgument(pub(super) Option<Value>);

impl FirstArgument {
    /// Reads `["event", first, …]`.
    fn read(packet: &str) -> Self {
        let json = surrogate::repair(packet);
        let event = serde_json::from_str::<Event>(&json).ok();
        Self(event.and_then(|Event(first)| first))
    }
}

impl<A: Adapter> FromMessageParts<A> for FirstArgument {
    type Error = Infallible;

    fn from_message_parts(
        _: &Arc<Socket<A>>,
        packet: &mut Packet,
        _: &Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(match packet {
            Packet::Str(json, None) => Self::read(json.as_str()),
            // Binary parts belong nowhere in this protocol.
            Packet::Str(_, Some(_)) | Packet::Bytes(_) => Self(None),
        })
    }
}

struct Event(Option<Value>);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EventVisitor)
    }
}

struct EventVisitor;

impl<'de> Visitor<'de> for EventVisitor {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event with its arguments")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut sequence: S) -> Result<Event, S::Error> {
        sequence.next_element::<IgnoredAny>()?;
        let first = sequence.next_element()?;
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Event(first))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_argument_is_read_and_the_rest_ignored() {
        let first = |packet: &str| FirstArgument::read(packet).0;
        assert_eq!(first(r#"["e",{"a":1},2,[3]]"#), Some(json!({"a": 1})));
        assert_eq!(
            first(r#"["e","half \ud83d"]"#),
            Some(json!("half \u{fffd}"))
        );
        assert_eq!(first(r#"["e",null]"#), Some(Value::Null));
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let deep = format!(r#"["e",{}1{}]"#, "[".repeat(50_000), "]".repeat(50_000));
        for packet in [r#"["e"]"#, "[]", "", "{}", r#"["e",{"#, deep.as_str()] {
            assert_eq!(FirstArgument::read(packet), FirstArgument(None));
        }
    }
}
