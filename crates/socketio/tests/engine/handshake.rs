//! How sessions begin, and which do not.

use std::time::Duration;

use parlour_socketio::server::ServerOptions;
use tokio_tungstenite::tungstenite::{self, http::StatusCode};

use crate::{
    http::{POLLING, Poller, answer, get, post, request, send},
    stage::{options, stage},
    websocket::Ws,
};

fn odd_times() -> ServerOptions {
    ServerOptions {
        ping_interval: Duration::from_millis(12_345),
        ping_timeout: Duration::from_millis(6_789),
        max_payload: 54_321,
        ..options()
    }
}

#[tokio::test]
async fn polling_opens_a_session() {
    let stage = stage(odd_times());
    let answer = get(stage.addr(), POLLING).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=UTF-8")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let open: serde_json::Value =
        serde_json::from_str(answer.body.strip_prefix('0').unwrap()).unwrap();
    let sid = open["sid"].as_str().unwrap();
    assert!(sid.len() >= 22, "at least 128 bits");
    let expected = serde_json::json!({
        "sid": sid, "upgrades": ["websocket"],
        "pingInterval": 12_345, "pingTimeout": 6_789, "maxPayload": 54_321,
    });
    assert_eq!(open, expected);
    assert_eq!(stage.counts().polling, 1);
}

#[tokio::test]
async fn websocket_opens_a_session() {
    let stage = stage(odd_times());
    let (_ws, open) = Ws::open(stage.addr()).await;
    let expected = serde_json::json!({
        "sid": open["sid"], "upgrades": [],
        "pingInterval": 12_345, "pingTimeout": 6_789, "maxPayload": 54_321,
    });
    assert_eq!(open, expected);
    assert_eq!(stage.counts().websocket, 1);
}

#[tokio::test]
async fn the_slash_at_the_end_is_of_no_importance() {
    let stage = stage(options());
    let answer = get(stage.addr(), "/socket.io?EIO=4&transport=polling").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused_with_the_reason() {
    let stage = stage(options());
    let poller = Poller::open(stage.addr()).await;
    let with_sid = poller.path();
    for (method, path, code, message) in [
        ("GET", "/socket.io/?EIO=4", 0, "Transport unknown"),
        (
            "GET",
            "/socket.io/?EIO=4&transport=abc",
            0,
            "Transport unknown",
        ),
        (
            "GET",
            "/socket.io/?transport=polling",
            5,
            "Unsupported protocol version",
        ),
        (
            "GET",
            "/socket.io/?EIO=3&transport=polling",
            5,
            "Unsupported protocol version",
        ),
        (
            "GET",
            "/socket.io/?EIO=abc&transport=polling",
            5,
            "Unsupported protocol version",
        ),
        ("POST", POLLING, 2, "Bad handshake method"),
        ("PUT", POLLING, 2, "Bad handshake method"),
        ("DELETE", &with_sid, 2, "Bad handshake method"),
        (
            "GET",
            &format!("{POLLING}&sid=none"),
            1,
            "Session ID unknown",
        ),
        (
            "POST",
            &format!("{POLLING}&sid=none"),
            1,
            "Session ID unknown",
        ),
        (
            "GET",
            "/socket.io/?EIO=4&transport=websocket",
            3,
            "Bad request",
        ),
    ] {
        let mut stream = send(stage.addr(), &request(method, path, "", "")).await;
        let answer = answer(&mut stream).await;
        assert_eq!(answer.status, 400, "{method} {path}");
        let expected = format!(r#"{{"code":{code},"message":"{message}"}}"#);
        assert_eq!(answer.body, expected, "{method} {path}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    // None of it has hurt the session.
    poller.says("3").await;
}

#[tokio::test]
async fn websockets_that_make_no_sense_are_refused() {
    let stage = stage(options());
    for query in [
        "transport=websocket",
        "EIO=3&transport=websocket",
        "EIO=4",
        "EIO=4&transport=abc",
        "EIO=4&transport=websocket&sid=none",
    ] {
        match Ws::dial(stage.addr(), query).await {
            Err(tungstenite::Error::Http(answer)) => {
                assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
            }
            other => panic!("{query}: {:?}", other.map(|_| ())),
        }
    }
    assert_eq!(stage.counts().sessions_total, 0);
}

#[tokio::test]
async fn a_websocket_of_another_version_is_told_ours() {
    let stage = stage(options());
    for headers in [
        "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n",
        "Sec-WebSocket-Version: 13\r\n",
    ] {
        let text = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: test\r\n\
             Connection: close, Upgrade\r\nUpgrade: websocket\r\n{headers}\r\n"
        );
        let answer = answer(&mut send(stage.addr(), &text).await).await;
        assert_eq!(answer.status, 426, "{headers}");
        assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    }
}

#[tokio::test]
async fn a_transport_that_is_off_is_unknown() {
    let only_websocket = stage(ServerOptions {
        polling: false,
        ..options()
    });
    assert_eq!(get(only_websocket.addr(), POLLING).await.status, 400);
    Ws::join(only_websocket.addr()).await;

    let only_polling = stage(ServerOptions {
        websocket: false,
        ..options()
    });
    let poller = Poller::join(only_polling.addr()).await;
    assert!(poller.upgrades.is_empty());
    let query = "EIO=4&transport=websocket";
    assert!(Ws::dial(only_polling.addr(), query).await.is_err());
}

#[tokio::test]
async fn another_path_is_for_another() {
    let stage = stage(ServerOptions {
        path: "/chat/".to_owned(),
        ..options()
    });
    let elsewhere = get(stage.addr(), POLLING).await;
    assert_eq!(
        (elsewhere.status, &*elsewhere.body),
        (404, "Nothing is here.")
    );
    let here = get(stage.addr(), "/chat/?EIO=4&transport=polling").await;
    assert_eq!(here.status, 200);
    assert_eq!(post(stage.addr(), "/", "x").await.status, 404);
}

#[tokio::test]
async fn who_never_joins_is_sent_away() {
    let options = ServerOptions {
        connect_timeout: Duration::from_millis(100),
        ..options()
    };
    let mut stage = stage(options);
    let (mut ws, _) = Ws::open(stage.addr()).await;
    let poller = Poller::open(stage.addr()).await;
    assert_eq!(ws.rest().await, (vec!["1".to_owned()], Some(1000)));
    let answer = poller.poll().await;
    assert_eq!((answer.status, &*answer.body), (200, "1"));
    poller.is_unknown().await;

    // Who has joined may stay.
    let mut ws = Ws::join(stage.addr()).await;
    stage.joined().await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    ws.says(r#"42["message"]"#).await;
    assert_eq!(ws.hears().await, r#"42["message-back"]"#);
}
