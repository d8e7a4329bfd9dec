//! What an event carries besides its name.

use serde::{Serialize, ser::SerializeMap};

/// The arguments of an event or of an answer: a tuple of anything that can be
/// serialised, or a slice of equals.
///
/// ```
/// # use parlour_socketio::Arguments;
/// # fn takes(_: &impl Arguments) {}
/// takes(&());                         // ["event"]
/// takes(&("hello",));                 // ["event","hello"]
/// takes(&("hello", 42));              // ["event","hello",42]
/// takes(&vec!["any", "number"]);      // ["event","any","number"]
/// ```
pub trait Arguments {
    /// Appends every argument to `json`, each with a comma before it.
    ///
    /// # Errors
    /// An argument has no form in JSON, for example a map with numbers as keys.
    fn append_to(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error>;
}

fn append(json: &mut Vec<u8>, argument: &impl Serialize) -> Result<(), serde_json::Error> {
    json.push(b',');
    serde_json::to_writer(json, argument)
}

impl Arguments for () {
    fn append_to(&self, _: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

impl<A: Serialize> Arguments for (A,) {
    fn append_to(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        append(json, &self.0)
    }
}

impl<A: Serialize, B: Serialize> Arguments for (A, B) {
    fn append_to(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        append(json, &self.0)?;
        append(json, &self.1)
    }
}

impl<A: Serialize, B: Serialize, C: Serialize> Arguments for (A, B, C) {
    fn append_to(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        append(json, &self.0)?;
        append(json, &self.1)?;
        append(json, &self.2)
    }
}

impl<T: Serialize> Arguments for [T] {
    fn append_to(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        self.iter().try_for_each(|argument| append(json, argument))
    }
}

impl<T: Serialize, const N: usize> Arguments for [T; N] {
    fn append_to(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        self.as_slice().append_to(json)
    }
}

impl<T: Serialize> Arguments for Vec<T> {
    fn append_to(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        self.as_slice().append_to(json)
    }
}

/// Stands in the arguments where an attachment belongs: the one of that number,
/// counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder(pub usize);

impl Serialize for Placeholder {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("_placeholder", &true)?;
        map.serialize_entry("num", &self.0)?;
        map.end()
    }
}
