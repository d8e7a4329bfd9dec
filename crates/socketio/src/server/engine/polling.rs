//! The requests of a session on long polling.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{
    HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH},
    request::Parts,
};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::{door::Refused, payload, session::Input, sessions::Polled};
use crate::server::{
    LeaveReason, ServerOptions,
    http::{Answer, plain},
    outbound::NoPoll,
};

/// GET: what is there for the client, as soon as there is something.
pub(super) async fn poll(polled: &Polled) -> Answer {
    match polled.outbound.poll() {
        Ok(poll) => plain(StatusCode::OK, poll.answer().await),
        Err(NoPoll::Duplicate | NoPoll::Moved) => Refused::Request.answer(),
        Err(NoPoll::Over) => Refused::Session.answer(),
    }
}

/// POST: what the client has to say.
pub(super) async fn post(
    polled: &Polled,
    head: &Parts,
    body: Incoming,
    options: &ServerOptions,
) -> Answer {
    if !polled.outbound.is_polling() {
        return Refused::Request.answer();
    }
    let Some(_turn) = Turn::take(&polled.posting) else {
        // Their order would be anybody's guess.
        polled.outbound.cut(LeaveReason::ProtocolError);
        return Refused::Request.answer();
    };
    let announced = head.headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > options.max_payload as u64) {
        return too_large(polled);
    }
    let body = read(body, options.max_payload);
    let body = match timeout(options.body_timeout, body).await {
        Ok(Ok(body)) => body,
        Ok(Err(Unread::TooLarge)) => return too_large(polled),
        Ok(Err(Unread::Broken)) => {
            polled.outbound.cut(LeaveReason::TransportClosed);
            return Refused::Request.answer();
        }
        Err(_) => {
            polled.outbound.cut(LeaveReason::TransportClosed);
            return closing(plain(StatusCode::REQUEST_TIMEOUT, Bytes::new()));
        }
    };
    let payload = String::from_utf8(body).ok();
    let Some(payload) = payload.filter(|payload| payload::is_valid(payload)) else {
        polled.outbound.cut(LeaveReason::ProtocolError);
        return Refused::Request.answer();
    };
    // While the session is busy, its client waits with more.
    match polled.inputs.send(Input::Payload(payload)).await {
        Ok(()) => plain(StatusCode::OK, "ok"),
        Err(_) => Refused::Session.answer(),
    }
}

/// Why there is no body.
enum Unread {
    TooLarge,
    Broken,
}

/// Reads a body into one piece as it comes: kept as it comes, each of its chunks
/// would cost many times the byte that may be in it.
async fn read(mut body: Incoming, limit: usize) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else {
            continue;
        };
        if data.len() > limit - bytes.len() {
            return Err(Unread::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn too_large(polled: &Polled) -> Answer {
    polled.outbound.cut(LeaveReason::TooLarge);
    closing(plain(StatusCode::PAYLOAD_TOO_LARGE, Bytes::new()))
}

/// The rest of the request is not read, so nothing can follow it.
fn closing(mut answer: Answer) -> Answer {
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(CONNECTION, close);
    answer
}

/// The turn of one POST at a time.
struct Turn<'a>(&'a AtomicBool);

impl<'a> Turn<'a> {
    fn take(taken: &'a AtomicBool) -> Option<Self> {
        (!taken.swap(true, Ordering::AcqRel)).then_some(Self(taken))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
