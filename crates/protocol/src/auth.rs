//! The `auth` of a Socket.IO CONNECT: who wants in.

use std::fmt;

use serde::{Serialize, ser::SerializeMap};
use serde_json::Value;

use crate::{
    SessionId, Username, UsernameError,
    limits::{SECRET_BYTES, SESSION_ID_BYTES},
    pm::ClientHello,
};

/// What a client presents when it connects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectAuth {
    /// The session to resume. An unknown one falls through to `username`.
    pub session_id: Option<SessionId>,
    /// The name to sign in with. Checked only where no session is resumed.
    pub username: Option<String>,
    /// A password or an invitation, where the server asks for one.
    pub secret: Option<Secret>,
    /// Present if the client speaks pm.
    pub pm: Option<ClientHello>,
}

/// A password or an invitation. It prints as `Secret(…)` and never as itself.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps what somebody typed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for the wire and for checking it, nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why an `auth` lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// Neither a session nor a name, or a name that is not a text.
    NoUsername,
    /// A name that cannot be one.
    Username(UsernameError),
}

impl ConnectAuth {
    /// Reads the `auth` of a CONNECT packet. Whatever has the wrong type is as
    /// good as absent: the guide's server treats it so, and S3 then refuses.
    pub fn from_json(auth: &Value) -> Self {
        let text = |key: &str| auth.get(key).and_then(Value::as_str).map(str::to_owned);
        Self {
            session_id: text("sessionID")
                .filter(|id| !id.is_empty() && id.len() <= SESSION_ID_BYTES)
                .map(SessionId::new),
            username: text("username"),
            secret: text("secret")
                .filter(|secret| secret.len() <= SECRET_BYTES)
                .map(Secret::new),
            pm: auth.get("pm").and_then(ClientHello::from_json),
        }
    }

    /// The name to sign in with, checked.
    pub fn username(&self) -> Result<Username, AuthError> {
        let text = self.username.as_deref().ok_or(AuthError::NoUsername)?;
        Username::parse(text).map_err(AuthError::Username)
    }
}

impl Serialize for ConnectAuth {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(session_id) = &self.session_id {
            map.serialize_entry("sessionID", session_id)?;
        }
        if let Some(username) = &self.username {
            map.serialize_entry("username", username)?;
        }
        if let Some(secret) = &self.secret {
            map.serialize_entry("secret", secret)?;
        }
        if let Some(pm) = &self.pm {
            map.serialize_entry("pm", pm)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrong_types_count_as_absent() {
        for auth in [
            json!(null),
            json!([]),
            json!({"username": {"a": 1}, "sessionID": 7, "secret": ["s"], "pm": true}),
            json!({"secret": "x".repeat(SECRET_BYTES + 1), "pm": {"v": [2], "caps": []}}),
            json!("x"),
        ] {
            let auth = ConnectAuth::from_json(&auth);
            assert_eq!(auth, ConnectAuth::default());
            assert_eq!(auth.username(), Err(AuthError::NoUsername));
        }
    }

    #[test]
    fn only_what_is_known_is_sent() {
        let auth = ConnectAuth {
            session_id: Some(SessionId::new("s")),
            ..ConnectAuth::default()
        };
        assert_eq!(
            serde_json::to_value(&auth).expect("json"),
            json!({"sessionID": "s"})
        );
        let auth = ConnectAuth {
            username: Some("Bob".into()),
            ..ConnectAuth::default()
        };
        assert_eq!(
            serde_json::to_value(&auth).expect("json"),
            json!({"username": "Bob"})
        );
    }
}
