//! The `auth` of a Socket.IO CONNECT: who wants in.

use serde::{Serialize, ser::SerializeMap};
use serde_json::Value;

use crate::{SessionId, Username, UsernameError, limits::SESSION_ID_BYTES};

/// What a client presents when it connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectAuth {
    /// The session to resume. An unknown one falls through to `username`.
    pub session_id: Option<SessionId>,
    /// The name to sign in with. Checked only where no session is resumed.
    pub username: Option<String>,
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
            json!({"username": {"a": 1}, "sessionID": 7}),
            json!("x"),
        ] {
            let auth = ConnectAuth::from_json(&auth);
            assert_eq!(
                auth,
                ConnectAuth {
                    session_id: None,
                    username: None
                }
            );
            assert_eq!(auth.username(), Err(AuthError::NoUsername));
        }
    }

    #[test]
    fn only_what_is_known_is_sent() {
        let auth = ConnectAuth {
            session_id: Some(SessionId::new("s")),
            username: None,
        };
        assert_eq!(
            serde_json::to_value(&auth).expect("json"),
            json!({"sessionID": "s"})
        );
        let auth = ConnectAuth {
            session_id: None,
            username: Some("Bob".into()),
        };
        assert_eq!(
            serde_json::to_value(&auth).expect("json"),
            json!({"username": "Bob"})
        );
    }
}
