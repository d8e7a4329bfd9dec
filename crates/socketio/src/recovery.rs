//! Connection state recovery: to go on where a broken connection ended.
//!
//! A server that keeps the state of connections for a while names each by a
//! private id when it lets one in, and ends the arguments of every event that it
//! would repeat with a string: the offset of that event. Whoever comes back with
//! both, soon enough, is again who they were, under the same Socket.IO id, in the
//! same rooms; and what they missed comes before anything else.

use std::fmt;

use serde_json::value::RawValue;

/// The most bytes of an offset; those of the known servers have less than 30. A
/// longer text at the end of an event is a text.
const OFFSET_BYTES: usize = 256;

/// What it takes to go on where a connection ended: see
/// [`Socket::recovery`](crate::Socket::recovery). It is worth as much as the
/// connection itself, so it prints as nothing, and is presented to no other
/// server and for no other namespace.
#[derive(Clone, PartialEq, Eq)]
pub struct Recovery {
    pub(crate) origin: String,
    pub(crate) namespace: String,
    pub(crate) pid: String,
    pub(crate) offset: String,
}

impl Recovery {
    /// Whether it is of this server and namespace.
    pub(crate) fn is_for(&self, origin: &str, namespace: &str) -> bool {
        self.origin == origin && self.namespace == namespace
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recovery(…)")
    }
}

/// What CONNECT says: `auth`, and what is to be recovered. As the official
/// client has it, `auth` wins where it has fields of the same names. What is not
/// an object has no room for more, and goes alone.
pub(crate) fn presented(
    auth: Option<Box<RawValue>>,
    recovery: Option<&Recovery>,
) -> Option<Box<RawValue>> {
    let Some(recovery) = recovery else {
        return auth;
    };
    let fields = match auth.as_deref().map(|auth| auth.get().strip_prefix('{')) {
        None => "}",
        Some(Some(fields)) => fields,
        Some(None) => return auth,
    };
    let pid = serde_json::Value::from(recovery.pid.as_str());
    let offset = serde_json::Value::from(recovery.offset.as_str());
    let comma = if fields.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    // Of two fields of one name the later one counts, to every reader of JSON.
    let both = format!(r#"{{"pid":{pid},"offset":{offset}{comma}{fields}"#);
    RawValue::from_string(both).ok().or(auth)
}

/// The offset that these arguments end with.
pub(crate) fn offset(args: &[Box<RawValue>]) -> Option<String> {
    let last = args.last()?.get();
    if last.starts_with('"') && last.len() <= OFFSET_BYTES {
        serde_json::from_str(last).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    fn recovery() -> Recovery {
        Recovery {
            origin: "http://a:1".to_owned(),
            namespace: "/".to_owned(),
            pid: "p\"1".to_owned(),
            offset: "o".to_owned(),
        }
    }

    #[test]
    fn auth_and_recovery_share_one_object() {
        let recovery = recovery();
        for (auth, expected) in [
            (None, r#"{"pid":"p\"1","offset":"o"}"#),
            (Some("{}"), r#"{"pid":"p\"1","offset":"o"}"#),
            (Some("{ \n}"), "{\"pid\":\"p\\\"1\",\"offset\":\"o\" \n}"),
            (Some(r#"{"a":{}}"#), r#"{"pid":"p\"1","offset":"o","a":{}}"#),
            (Some("7"), "7"),
            (Some("[1]"), "[1]"),
        ] {
            let said = presented(auth.map(raw), Some(&recovery)).unwrap();
            assert_eq!(said.get(), expected);
        }
        assert_eq!(presented(Some(raw("{}")), None).unwrap().get(), "{}");
        assert!(presented(None, None).is_none());
        let wins = presented(Some(raw(r#"{"pid":1}"#)), Some(&recovery)).unwrap();
        let read: serde_json::Value = serde_json::from_str(wins.get()).unwrap();
        assert_eq!(read["pid"], 1);
    }

    #[test]
    fn an_offset_is_a_short_text_at_the_end() {
        let ends = |args: &[&str]| offset(&args.iter().map(|arg| raw(arg)).collect::<Vec<_>>());
        assert_eq!(ends(&["1", r#""abc""#]).as_deref(), Some("abc"));
        assert_eq!(ends(&[r#""\u0061""#]).as_deref(), Some("a"));
        let long = format!("\"{}\"", "x".repeat(OFFSET_BYTES));
        for args in [&[][..], &["1"], &[r#""abc""#, "1"], &["{}"], &[&long]] {
            assert_eq!(ends(args), None);
        }
    }

    #[test]
    fn it_prints_as_nothing() {
        assert_eq!(format!("{:?}", recovery()), "Recovery(…)");
    }
}
