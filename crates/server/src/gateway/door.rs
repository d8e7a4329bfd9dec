//! What happens to every HTTP request before Socket.IO sees it.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use socketioxide::socket::Sid;

use super::{
    origin::{Origins, Verdict},
    peers::{Peer, Peers},
};
use crate::net::Valve;

/// What the door knows.
#[derive(Clone)]
pub(super) struct Door {
    origins: Arc<Origins>,
    peers: Arc<Peers>,
}

impl Door {
    pub(super) fn new(origins: Origins, peers: Arc<Peers>) -> Self {
        Self {
            origins: Arc::new(origins),
            peers,
        }
    }
}

/// Checks where the request comes from, and lets it pass.
pub(super) async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    let origin = match door.origins.judge(request.method(), request.headers()) {
        Verdict::Refuse(why) => return (StatusCode::FORBIDDEN, why).into_response(),
        Verdict::Preflight(origin) => return preflight(origin),
        Verdict::Pass(origin) => origin,
    };
    let mut response = pass_on(&door.peers, request, next).await;
    if let Some(origin) = origin {
        allow(&mut response, origin);
    }
    response
}

async fn pass_on(peers: &Arc<Peers>, request: Request, next: Next) -> Response {
    let Some(sid) = session_of(&request) else {
        if peers.is_closed() {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        return next.run(request).await;
    };
    if is_websocket(request.uri().query()) {
        // An upgrade from polling: what follows comes over this stream.
        if let Some(valve) = request.extensions().get::<Arc<Valve>>() {
            peers.of(sid).take_stream(valve);
        }
        return next.run(request).await;
    }
    let is_post = request.method() == Method::POST;
    if is_cut(peers, sid) {
        return cut_off();
    }
    if !is_post && peers.get(sid).is_some_and(|peer| peer.has_stream()) {
        return nothing_new();
    }
    let response = next.run(request).await;
    if is_post && let Some(peer) = peers.get(sid) {
        // The client posts again once this is answered.
        peer.intake().ready().await;
    }
    if is_cut(peers, sid) {
        return cut_off();
    }
    response
}

/// Puts the stream of a session that began as a WebSocket under its control.
pub(super) fn attach_websocket(request: &Parts, peer: &Arc<Peer>) {
    if is_websocket(request.uri.query())
        && let Some(valve) = request.extensions.get::<Arc<Valve>>()
    {
        peer.take_stream(valve);
    }
}

fn is_cut(peers: &Peers, sid: Sid) -> bool {
    peers.get(sid).is_some_and(|peer| peer.is_cut())
}

/// What Engine.IO says to a poll while a session moves to its WebSocket. It is
/// said here, since engineioxide takes a poll in the instant in which the move
/// begins for a second one, and closes the session.
fn nothing_new() -> Response {
    let text = [(header::CONTENT_TYPE, "text/plain; charset=UTF-8")];
    (text, "6").into_response()
}

/// What Engine.IO says of a session that is not there: clients begin anew.
fn cut_off() -> Response {
    let body = r#"{"code":1,"message":"Session ID unknown"}"#;
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::BAD_REQUEST, json, body).into_response()
}

fn preflight(origin: HeaderValue) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    allow(&mut response, origin);
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("content-type"),
    );
    response
}

fn allow(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

fn session_of(request: &Request) -> Option<Sid> {
    parameter(request.uri().query(), "sid")?.parse().ok()
}

fn is_websocket(query: Option<&str>) -> bool {
    parameter(query, "transport") == Some("websocket")
}

fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}
