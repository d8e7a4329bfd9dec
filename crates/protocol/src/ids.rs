//! Identities. A [`SessionId`] is a secret, a [`UserId`] is public.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The bearer token of a session. Whoever has it *is* that user, so it prints
/// as `SessionId(…)` and never as itself; [`SessionId::reveal`] is the only way out.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(String);

impl SessionId {
    /// Wraps a token that came from a server, a store or a random source.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token itself: for the wire and for the secret store, nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// The public id of a user, as the server gave it: 16 hex digits in the guide,
/// a UUID or a socket id elsewhere. Opaque here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(transparent)]
pub struct UserId(String);

impl UserId {
    /// Wraps an id that came from a server or a store.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for UserId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_never_prints_itself() {
        let session_id = SessionId::new("c0ffee");
        assert!(!format!("{session_id:?}").contains("c0ffee"));
    }
}
