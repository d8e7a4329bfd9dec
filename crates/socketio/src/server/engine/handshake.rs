//! The beginning of a session, and that of a WebSocket.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderValue, Response, StatusCode, Version,
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
    request::Parts,
};
use http_body_util::Full;
use serde::Serialize;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::sid::Sid;
use crate::server::{
    ServerOptions,
    http::{Answer, has_token, plain},
};

/// `0`: what a client has to know of its session.
pub(crate) fn open_packet(sid: &Sid, upgrades: &[&str], options: &ServerOptions) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire<'a> {
        sid: &'a str,
        upgrades: &'a [&'a str],
        ping_interval: u64,
        ping_timeout: u64,
        max_payload: usize,
    }
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let wire = Wire {
        sid: sid.as_str(),
        upgrades,
        ping_interval: milliseconds(options.ping_interval),
        ping_timeout: milliseconds(options.ping_timeout),
        max_payload: options.max_payload,
    };
    // Texts and numbers always have a form in JSON.
    format!("0{}", serde_json::to_string(&wire).unwrap_or_default())
}

/// The answer that changes a connection to WebSocket (RFC 6455, 4.2.2). `None`:
/// the request is not fit for it.
pub(crate) fn accept(head: &Parts) -> Option<Answer> {
    let key = head.headers.get(SEC_WEBSOCKET_KEY)?.as_bytes();
    let version = head.headers.get(SEC_WEBSOCKET_VERSION)?;
    let fits = head.version == Version::HTTP_11
        && version == "13"
        && has_token(head, CONNECTION, "upgrade")
        && STANDARD.decode(key).is_ok_and(|key| key.len() == 16);
    if !fits {
        return None;
    }
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    let accept = HeaderValue::try_from(derive_accept_key(key)).ok()?;
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Some(answer)
}

/// The answer to a request that is not fit: says which version would be.
pub(crate) fn refuse() -> Answer {
    let mut answer = plain(StatusCode::UPGRADE_REQUIRED, "WebSocket 13 is spoken here.");
    let version = HeaderValue::from_static("13");
    answer.headers_mut().insert(SEC_WEBSOCKET_VERSION, version);
    answer
}
