//! What a client asks, read strictly.

use serde::Serialize;
use serde_json::Value;

use super::Code;
use crate::{UserId, limits};

/// `pm:sync`: what came after `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SyncRequest {
    /// The cursor: the last number that the client has stored, 0 for all.
    pub since: u64,
    /// Messages wanted at most.
    pub limit: usize,
}

/// `pm:history`: what came before `before` in one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryRequest {
    /// With whom.
    pub peer: UserId,
    /// A number in one's own inbox; without it, the end of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Messages wanted at most.
    pub limit: usize,
}

/// `pm:users`: a page of those who are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsersRequest {
    /// `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// A part of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Users wanted at most.
    pub limit: usize,
}

/// `pm:received`: all up to here is stored by this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// A number in one's own inbox.
    pub up_to: u64,
}

/// `pm:read`: this conversation is read up to here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Read {
    /// With whom.
    pub peer: UserId,
    /// A number in one's own inbox.
    pub up_to: u64,
}

/// `pm:typing` from a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Typing {
    /// To whom one is writing.
    pub to: UserId,
}

/// `pm:logout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Logout {
    /// All of this user's sessions, not only this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

impl SyncRequest {
    /// Reads the first argument of `pm:sync`; more than a page is cut to one.
    ///
    /// # Errors
    /// [`Code::BadRequest`].
    pub fn from_json(payload: Option<&Value>) -> Result<Self, Code> {
        let payload = object(payload)?;
        Ok(Self {
            since: number(payload, "since")?.ok_or(Code::BadRequest)?,
            limit: limit(payload, limits::PAGE)?,
        })
    }
}

impl HistoryRequest {
    /// Reads the first argument of `pm:history`.
    ///
    /// # Errors
    /// [`Code::BadRequest`].
    pub fn from_json(payload: Option<&Value>) -> Result<Self, Code> {
        let payload = object(payload)?;
        Ok(Self {
            peer: user(payload, "peer")?,
            before: number(payload, "before")?,
            limit: limit(payload, limits::HISTORY_PAGE)?,
        })
    }
}

impl UsersRequest {
    /// Reads the first argument of `pm:users`.
    ///
    /// # Errors
    /// [`Code::BadRequest`].
    pub fn from_json(payload: Option<&Value>) -> Result<Self, Code> {
        let payload = object(payload)?;
        Ok(Self {
            after: text(payload, "after", limits::USER_ID_BYTES)?,
            q: text(payload, "q", limits::QUERY_BYTES)?,
            limit: limit(payload, limits::PAGE)?,
        })
    }
}

impl Received {
    /// Reads the first argument of `pm:received`.
    ///
    /// # Errors
    /// [`Code::BadRequest`].
    pub fn from_json(payload: Option<&Value>) -> Result<Self, Code> {
        let up_to = number(object(payload)?, "upTo")?.ok_or(Code::BadRequest)?;
        Ok(Self { up_to })
    }
}

impl Read {
    /// Reads the first argument of `pm:read`.
    ///
    /// # Errors
    /// [`Code::BadRequest`].
    pub fn from_json(payload: Option<&Value>) -> Result<Self, Code> {
        let payload = object(payload)?;
        Ok(Self {
            peer: user(payload, "peer")?,
            up_to: number(payload, "upTo")?.ok_or(Code::BadRequest)?,
        })
    }
}

impl Typing {
    /// Reads the first argument of `pm:typing`.
    ///
    /// # Errors
    /// [`Code::BadRequest`].
    pub fn from_json(payload: Option<&Value>) -> Result<Self, Code> {
        let to = user(object(payload)?, "to")?;
        Ok(Self { to })
    }
}

impl Logout {
    /// Reads the first argument of `pm:logout`, which may be absent.
    ///
    /// # Errors
    /// [`Code::BadRequest`].
    pub fn from_json(payload: Option<&Value>) -> Result<Self, Code> {
        match payload {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(payload) => match object(Some(payload))?.get("all") {
                None | Some(Value::Null) => Ok(Self::default()),
                Some(Value::Bool(all)) => Ok(Self { all: *all }),
                Some(_) => Err(Code::BadRequest),
            },
        }
    }
}

fn object(payload: Option<&Value>) -> Result<&Value, Code> {
    payload
        .filter(|value| value.is_object())
        .ok_or(Code::BadRequest)
}

fn number(payload: &Value, key: &str) -> Result<Option<u64>, Code> {
    match payload.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(Code::BadRequest),
    }
}

fn limit(payload: &Value, most: usize) -> Result<usize, Code> {
    match number(payload, "limit")? {
        None => Ok(most),
        Some(0) => Err(Code::BadRequest),
        Some(limit) => Ok(usize::try_from(limit).map_or(most, |limit| limit.min(most))),
    }
}

fn text(payload: &Value, key: &str, most: usize) -> Result<Option<String>, Code> {
    match payload.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= most => Ok(Some(text.clone())),
        Some(_) => Err(Code::BadRequest),
    }
}

fn user(payload: &Value, key: &str) -> Result<UserId, Code> {
    text(payload, key, limits::USER_ID_BYTES)?
        .filter(|id| !id.is_empty())
        .map(UserId::new)
        .ok_or(Code::BadRequest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_are_read_strictly() {
        assert_eq!(
            SyncRequest::from_json(Some(&json!({"since": 7, "limit": 9999}))),
            Ok(SyncRequest {
                since: 7,
                limit: limits::PAGE
            })
        );
        assert_eq!(Logout::from_json(None), Ok(Logout { all: false }));
        let bad = [
            json!(null),
            json!([]),
            json!("x"),
            json!({"since": -1, "peer": "", "upTo": 1.5, "to": ["a"], "after": 1, "all": 1}),
            json!({"since": "1", "peer": {}, "upTo": true, "to": null, "q": {}, "all": "yes"}),
            json!({"since": 1, "limit": 0, "peer": "x".repeat(65), "q": "x".repeat(129), "all": []}),
        ];
        for payload in bad.iter().map(Some) {
            assert_eq!(
                SyncRequest::from_json(payload),
                Err(Code::BadRequest),
                "{payload:?}"
            );
            assert_eq!(HistoryRequest::from_json(payload), Err(Code::BadRequest));
            assert_eq!(UsersRequest::from_json(payload), Err(Code::BadRequest));
            assert_eq!(Received::from_json(payload), Err(Code::BadRequest));
            assert_eq!(Read::from_json(payload), Err(Code::BadRequest));
            assert_eq!(Typing::from_json(payload), Err(Code::BadRequest));
        }
        for payload in bad.iter().skip(1).map(Some) {
            assert_eq!(Logout::from_json(payload), Err(Code::BadRequest));
        }
    }
}
