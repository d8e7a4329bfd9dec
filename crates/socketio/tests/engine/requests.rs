//! The liberties that HTTP gives to those who send requests.

use parlour_socketio::server::ServerOptions;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    http::{POLLING, Poller, answer, get, request, send},
    stage::{options, soon, stage, until},
    websocket::Ws,
};

/// What the stream says up to here.
async fn heard(stream: &mut TcpStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        let read = soon(stream.read_buf(&mut seen)).await.unwrap();
        let text = String::from_utf8_lossy(&seen);
        assert_ne!(read, 0, "{text} and no {end}");
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    const LIMIT: usize = 10_000;
    let stage = stage(ServerOptions {
        max_payload: LIMIT,
        ..options()
    });
    let mut poller = Poller::join(stage.addr()).await;
    let path = poller.path();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    let mut stream = send(stage.addr(), &head).await;
    for part in [r#"42["mess"#, r#"age",1]"#, ""] {
        let chunk = format!("{:x}\r\n{part}\r\n", part.len());
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    assert_eq!(answer(&mut stream).await.status, 200);
    assert_eq!(poller.hears().await, r#"42["message-back",1]"#);

    // However small they are, and only up to the limit.
    for (size, status) in [(LIMIT, 200), (LIMIT + 1, 413)] {
        let event = format!(r#"42["{}"]"#, "x".repeat(size - 6));
        let mut body = head.clone();
        event
            .chars()
            .for_each(|byte| body += &format!("1\r\n{byte}\r\n"));
        let mut stream = send(stage.addr(), &(body + "0\r\n\r\n")).await;
        assert_eq!(answer(&mut stream).await.status, status);
    }
}

#[tokio::test]
async fn a_client_may_ask_before_it_sends_a_body() {
    let stage = stage(options());
    let mut poller = Poller::join(stage.addr()).await;
    let text = request(
        "POST",
        &poller.path(),
        "Expect: 100-continue\r\n",
        "42[\"message\"]",
    );
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut stream = send(stage.addr(), &format!("{head}\r\n\r\n")).await;
    heard(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    stream.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(answer(&mut stream).await.status, 200);
    assert_eq!(poller.hears().await, r#"42["message-back"]"#);

    // And hears at once if nobody wants it.
    let headers = "Expect: 100-continue\r\n";
    let text = request("POST", &poller.path(), headers, "").replace("th: 0", "th: 9999999");
    let mut stream = send(stage.addr(), &text).await;
    assert_eq!(answer(&mut stream).await.status, 413);
}

#[tokio::test]
async fn requests_may_follow_without_waiting_for_answers() {
    let stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let path = poller.path();
    let mut all = String::new();
    for number in 0..20 {
        let body = format!(r#"42["message",{number}]"#);
        let post = request("POST", &path, "", &body);
        all += &post.replace("Connection: close\r\n", "");
    }
    let mut stream = send(stage.addr(), &all).await;
    let mut answers = String::new();
    while answers.matches("200 OK").count() < 20 {
        answers += &heard(&mut stream, "ok").await;
    }
    let mut poller = poller;
    for number in 0..20 {
        let expected = format!(r#"42["message-back",{number}]"#);
        assert_eq!(poller.hears().await, expected);
    }
}

#[tokio::test]
async fn other_methods_open_nothing() {
    let stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    for method in ["HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "BREW"] {
        for path in [POLLING, &poller.path()] {
            let text = request(method, path, "", "");
            let answer = answer(&mut send(stage.addr(), &text).await).await;
            assert_eq!(answer.status, 400, "{method}");
            assert_eq!(answer.body.is_empty(), method == "HEAD");
        }
    }
    assert_eq!(stage.counts().sessions_total, 1);
    poller.says("3").await;
}

#[tokio::test]
async fn a_query_may_be_encoded() {
    let stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let sid = poller.sid.bytes().map(|byte| format!("%{byte:02X}"));
    let path = format!(
        "/socket.io/?%45IO=4&transport=p%6flling&sid={}&t=%zz&bad=%ff",
        sid.collect::<String>()
    );
    let text = request("POST", &path, "", "42[\"message\"]");
    let answer = answer(&mut send(stage.addr(), &text).await).await;
    assert_eq!(answer.status, 200);
    assert_eq!(get(stage.addr(), &path).await.body, r#"42["message-back"]"#);
}

#[tokio::test]
async fn the_change_to_websocket_has_many_spellings() {
    let stage = stage(options());
    let ask = |path: &str, version: &str, headers: &str| {
        format!("GET {path}?EIO=4&transport=websocket {version}\r\nHost: t\r\n{headers}\r\n")
    };
    let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for headers in [
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
        "connection: keep-alive, upgrade\r\nupgrade: WebSocket\r\n",
        "Connection: keep-alive\r\nConnection: UPGRADE\r\nUpgrade: h2c, WEBSOCKET\r\n",
    ] {
        let text = ask("/socket.io", "HTTP/1.1", &format!("{headers}{key}"));
        let mut stream = send(stage.addr(), &text).await;
        let head = heard(&mut stream, "}").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    }
    let whole = format!("Connection: Upgrade\r\nUpgrade: websocket\r\n{key}");
    for (version, headers) in [
        ("HTTP/1.0", whole.clone()),
        ("HTTP/1.1", whole.replace("13", "8")),
        ("HTTP/1.1", whole.replace("dGhl", "")),
        (
            "HTTP/1.1",
            whole.replace("Connection: Upgrade", "Connection: x"),
        ),
    ] {
        let headers = format!("{headers}Connection: close\r\n");
        let text = ask("/socket.io/", version, &headers);
        let answer = answer(&mut send(stage.addr(), &text).await).await;
        assert!((400..500).contains(&answer.status), "{headers}: {answer:?}");
    }
}

#[tokio::test]
async fn a_change_to_websocket_with_a_body_harms_nobody() {
    let mut stage = stage(options());
    let text = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: t\r\n\
                Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 40\r\n\r\n4";
    let mut stream = send(stage.addr(), text).await;
    // Whatever comes of it, it ends.
    let _ = stream.write_all(&[b'x'; 100]).await;
    let _ = soon(stream.read_to_end(&mut Vec::new())).await;
    drop(stream);
    until(|| stage.counts().connections == 0).await;
    let _ws = Ws::join(stage.addr()).await;
    stage.joined().await;
}
