//! HTTP requests: whether they are served, by what, and with which headers.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL, CONTENT_TYPE, VARY,
        X_CONTENT_TYPE_OPTIONS,
    },
    request::Parts,
};
use http_body_util::Full;
use hyper::body::Incoming;

use super::{
    RequestInfo, Verdict,
    engine::{
        door::{Door, Next},
        upper::MakeUpper,
    },
    tally::add,
};
use crate::server::site::Site;

pub(crate) type Answer = Response<Full<Bytes>>;

/// How long a browser remembers that it may make requests, in seconds.
const PREFLIGHT_AGE: &str = "600";

/// Answers one request. `next` is what its connection goes on with, if it does.
pub(crate) async fn answer<M: MakeUpper>(
    site: &Arc<Site<M>>,
    remote: SocketAddr,
    request: Request<Incoming>,
    next: &mut Option<Next>,
) -> Answer {
    let (head, body) = request.into_parts();
    match site.admission.admit(remote, &head) {
        Verdict::Refuse { status, text } => {
            add(&site.tally.refused_total);
            plain(status, text)
        }
        Verdict::Preflight { allow_origin } => preflight(&head, allow_origin),
        Verdict::Pass {
            allow_origin,
            guard,
        } => {
            let mut answer = if is_engine(head.uri.path(), &site.options.path) {
                let door = Door {
                    site,
                    remote,
                    guard,
                };
                door.serve(head, body, next).await
            } else {
                drop(guard);
                (site.fallback)(&Request::from_parts(head, ())).map(Full::new)
            };
            let headers = answer.headers_mut();
            if let Some(origin) = allow_origin {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            }
            headers.append(VARY, HeaderValue::from_static("Origin"));
            answer
        }
    }
}

/// Clients differ about the slash at the end.
fn is_engine(path: &str, engine: &str) -> bool {
    path == engine || Some(path) == engine.strip_suffix('/')
}

fn preflight(head: &Parts, allow_origin: HeaderValue) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allow_origin);
    let methods = HeaderValue::from_static("GET, POST, OPTIONS");
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    // A client may add headers of its own; its origin is trusted with them.
    if let Some(asked) = head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    headers.insert(
        ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static(PREFLIGHT_AGE),
    );
    let vary = "Origin, Access-Control-Request-Headers";
    headers.insert(VARY, HeaderValue::from_static(vary));
    answer
}

/// A text for people or for the engine.
pub(crate) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    with_type(status, "text/plain; charset=UTF-8", text.into())
}

/// An answer that nothing on the way keeps or guesses about.
pub(crate) fn with_type(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    answer
}

/// What the layer above may know of a request: all but what concerned only this
/// connection. The values are copied into one run of bytes: as they came they
/// would keep the whole buffer that the request was read into.
pub(crate) fn request_info(remote: SocketAddr, head: &Parts) -> RequestInfo {
    let kept = || {
        head.headers.iter().filter(|(name, _)| {
            let name = name.as_str();
            !matches!(name, "connection" | "upgrade") && !name.starts_with("sec-websocket-")
        })
    };
    let mut values: Vec<u8> = Vec::with_capacity(kept().map(|(_, value)| value.len()).sum());
    kept().for_each(|(_, value)| values.extend_from_slice(value.as_bytes()));
    let mut values = Bytes::from(values);
    let mut headers = http::HeaderMap::with_capacity(kept().count());
    for (name, value) in kept() {
        let copy = values.split_to(value.len());
        // It is one already.
        if let Ok(copy) = HeaderValue::from_maybe_shared(copy) {
            headers.append(name.clone(), copy);
        }
    }
    RequestInfo {
        remote,
        headers,
        query: head.uri.query().map(str::to_owned),
    }
}

/// Whether the request asks for a change to WebSocket.
pub(crate) fn asks_for_websocket(head: &Parts) -> bool {
    head.method == Method::GET && has_token(head, http::header::UPGRADE, "websocket")
}

/// Whether a header that is a list has this word in it.
pub(crate) fn has_token(head: &Parts, name: http::HeaderName, token: &str) -> bool {
    let values = head.headers.get_all(name);
    let mut lists = values.iter().filter_map(|value| value.to_str().ok());
    lists.any(|list| {
        list.split(',')
            .any(|word| word.trim().eq_ignore_ascii_case(token))
    })
}
