//! Who is let in, what browsers are told, and what the application learns.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use parlour_socketio::server::{
    Admission, ConnectRequest, IncomingEvent, LeaveReason, Namespace, Refusal, RequestInfo, Server,
    Socket, Verdict,
};
use tokio_tungstenite::tungstenite;

use crate::{
    http::{POLLING, Poller, answer, get, request, send},
    stage::{options, stage_of, until},
    websocket::Ws,
};

/// Counts sessions; refuses pages of `http://evil`, and more than two.
#[derive(Clone, Default)]
struct Doorman {
    inside: Arc<AtomicUsize>,
}

struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Admission for Doorman {
    fn admit(&self, remote: SocketAddr, request: &http::request::Parts) -> Verdict {
        assert!(remote.ip().is_loopback());
        let origin = request.headers.get("origin").cloned();
        if origin
            .as_ref()
            .is_some_and(|origin| origin == "http://evil")
        {
            return Verdict::Refuse {
                status: http::StatusCode::FORBIDDEN,
                text: "not from there",
            };
        }
        if let Some(allow_origin) = &origin
            && request.method == http::Method::OPTIONS
        {
            let allow_origin = allow_origin.clone();
            return Verdict::Preflight { allow_origin };
        }
        let guard = Place(self.inside.clone());
        if self.inside.fetch_add(1, Ordering::SeqCst) >= 2 {
            return Verdict::Refuse {
                status: http::StatusCode::TOO_MANY_REQUESTS,
                text: "full",
            };
        }
        Verdict::Pass {
            allow_origin: origin,
            guard: Some(Box::new(guard)),
        }
    }
}

#[tokio::test]
async fn a_refusal_comes_before_everything() {
    let stage = stage_of(Server::builder(options()).admission(Doorman::default()));
    for path in [POLLING, "/socket.io/?nonsense", "/elsewhere"] {
        let text = request("GET", path, "Origin: http://evil\r\n", "");
        let answer = answer(&mut send(stage.addr(), &text).await).await;
        assert_eq!((answer.status, &*answer.body), (403, "not from there"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    assert_eq!(stage.counts().refused_total, 3);
}

#[tokio::test]
async fn pages_of_an_allowed_origin_may_read() {
    let stage = stage_of(Server::builder(options()).admission(Doorman::default()));
    let headers = "Origin: http://good\r\nAccess-Control-Request-Headers: x-mine\r\n";
    let text = request("OPTIONS", POLLING, headers, "");
    let preflight = answer(&mut send(stage.addr(), &text).await).await;
    assert_eq!(preflight.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", "http://good"),
        ("access-control-allow-methods", "GET, POST, OPTIONS"),
        ("access-control-allow-headers", "x-mine"),
    ] {
        assert_eq!(preflight.header(name), Some(value));
    }
    for path in [POLLING, "/socket.io/?nonsense", "/elsewhere"] {
        let text = request("GET", path, "Origin: http://good\r\n", "");
        let answer = answer(&mut send(stage.addr(), &text).await).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("http://good")
        );
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
    // By default no page of another origin may.
    let stage = stage_of(Server::builder(options()));
    let text = request("GET", POLLING, "Origin: http://good\r\n", "");
    let answer = answer(&mut send(stage.addr(), &text).await).await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (200, None)
    );
}

#[tokio::test]
async fn a_guard_lives_as_long_as_its_session() {
    let doorman = Doorman::default();
    let inside = doorman.inside.clone();
    let mut stage = stage_of(Server::builder(options()).admission(doorman));
    let count = || inside.load(Ordering::SeqCst);
    // What opens nothing holds nothing.
    get(stage.addr(), "/elsewhere").await;
    get(stage.addr(), "/socket.io/?EIO=4").await;
    assert_eq!(count(), 0);
    let poller = Poller::join(stage.addr()).await;
    assert_eq!(count(), 1);
    let ws = Ws::join(stage.addr()).await;
    assert_eq!(count(), 2);
    match Ws::dial(stage.addr(), "EIO=4&transport=websocket").await {
        Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 429),
        other => panic!("{:?}", other.map(|_| ())),
    }
    drop(ws);
    assert_eq!(stage.left().await, LeaveReason::TransportClosed);
    until(|| count() == 1).await;
    poller.says("1").await;
    until(|| count() == 0).await;
}

#[tokio::test]
async fn other_paths_are_answered_by_somebody_else() {
    let builder = Server::builder(options()).fallback(|request| {
        let text = format!("{} {}", request.method(), request.uri().path());
        http::Response::new(text.into())
    });
    let stage = stage_of(builder);
    assert_eq!(get(stage.addr(), "/healthz?now").await.body, "GET /healthz");
    assert_eq!(get(stage.addr(), "/socket.io/client.js").await.status, 200);
}

/// Keeps what it learns of a request.
struct Curious(Arc<Mutex<Vec<Arc<RequestInfo>>>>);

impl Namespace for Curious {
    type State = ();

    async fn connect(&self, _: &Socket, request: ConnectRequest) -> Result<(), Refusal> {
        self.0.lock().unwrap().push(request.origin);
        Ok(())
    }

    async fn event(&self, _: &Socket, (): &mut (), _: IncomingEvent) {}

    async fn left(&self, _: &Socket, (): (), _: LeaveReason) {}
}

#[tokio::test]
async fn the_application_learns_who_asked() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let builder = Server::builder(options()).namespace("/curious", Curious(seen.clone()));
    let stage = stage_of(builder);
    let query = "EIO=4&transport=websocket&token=abc";
    let mut ws = Ws::dial(stage.addr(), query).await.unwrap();
    ws.hears().await;
    ws.says("40/curious,").await;
    assert!(ws.hears().await.starts_with("40/curious,"));

    let path = format!("{POLLING}&token=def");
    let text = request(
        "GET",
        &path,
        "X-Forwarded-For: 192.0.2.1\r\nX-Many: a\r\nX-Many: b\r\n",
        "",
    );
    let opened = answer(&mut send(stage.addr(), &text).await).await;
    let open: serde_json::Value = serde_json::from_str(&opened.body[1..]).unwrap();
    let path = format!("{POLLING}&sid={}", open["sid"].as_str().unwrap());
    crate::http::post(stage.addr(), &path, "40/curious,").await;
    assert!(
        get(stage.addr(), &path)
            .await
            .body
            .starts_with("40/curious,")
    );

    let seen = seen.lock().unwrap();
    let [by_websocket, by_polling] = &seen[..] else {
        panic!("two have joined");
    };
    assert!(by_websocket.remote.ip().is_loopback());
    assert_eq!(by_websocket.query.as_deref(), Some(query));
    assert_eq!(by_websocket.headers["host"], stage.addr().to_string());
    // The WebSocket's own headers are of no interest to anybody else.
    assert!(!by_websocket.headers.contains_key("sec-websocket-key"));
    assert_eq!(by_polling.headers["x-forwarded-for"], "192.0.2.1");
    let many: Vec<_> = by_polling.headers.get_all("x-many").iter().collect();
    assert_eq!(many, ["a", "b"]);
    assert!(by_polling.query.as_deref().unwrap().contains("token=def"));
}
