//! HTTP: heads that are none, bodies of another length, pages from elsewhere,
//! and those who never finish.

use std::time::Duration;

use parlour_tests::wire::{POLLING, UPGRADE, WEBSOCKET, Wire};
use tokio::time::{Instant, timeout};

use super::{CLOSED_WITHIN, Stage};

/// How long half a head or half a body is waited for.
const DAWDLE: Duration = Duration::from_secs(24);

/// After how long without an answer a request is ended.
const UNFINISHED: Duration = Duration::from_millis(300);

/// What has to come of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// This status.
    Status(u16),
    /// Any refusal, or the end of the connection.
    Refused,
    /// Refused, or as good as any other.
    Harmless,
}

pub(super) async fn strikes(stage: &mut Stage) {
    let host = stage.address.clone();
    let mut wrong = Vec::new();
    for (name, bytes, expect) in corpus(&host) {
        let mut wire = Wire::connect(&stage.address).await;
        wire.send(&bytes).await;
        let answer = match timeout(UNFINISHED, wire.answer()).await {
            Ok(answer) => answer,
            Err(_) => {
                // It waits for the rest of what has no rest.
                wire.end_sending().await;
                wire.answer().await
            }
        };
        let status = answer.map(|answer| answer.status);
        let is_as_expected = match expect {
            Expect::Status(expected) => status == Some(expected),
            Expect::Refused => status.is_none_or(|status| status >= 400),
            Expect::Harmless => true,
        };
        if !is_as_expected {
            wrong.push((name, status));
        }
        stage.chats(name).await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    smuggles(stage).await;
    floods(stage).await;
}

fn corpus(host: &str) -> Vec<(&'static str, Vec<u8>, Expect)> {
    use Expect::{Harmless, Refused, Status};
    let get = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n").into_bytes()
    };
    let post = |headers: &str, body: &str| {
        format!("POST {POLLING} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n{body}").into_bytes()
    };
    let method = |method: &str| {
        format!("{method} {POLLING} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n")
            .into_bytes()
    };
    let ask = |transport: &str, line: &str| get(transport, &format!("{UPGRADE}{line}\r\n"));
    vec![
        ("nothing", vec![], Refused),
        ("zeros", vec![0; 4096], Refused),
        ("bytes", (0..=255).cycle().take(4096).collect(), Refused),
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(20), Refused),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(), Refused),
        ("HTTP/0.9", b"GET /\r\n".to_vec(), Refused),
        ("HTTP/9.9", format!("GET / HTTP/9.9\r\nHost: {host}\r\n\r\n").into(), Refused),
        ("another protocol", b"EHLO example.org\r\n".to_vec(), Refused),
        ("no path", format!("GET HTTP/1.1\r\nHost: {host}\r\n\r\n").into(), Refused),
        ("no host", format!("GET {POLLING} HTTP/1.1\r\n\r\n").into(), Refused),
        ("two hosts", get(POLLING, "Host: evil.example\r\n"), Status(403)),
        ("a foreign host", format!("GET {POLLING} HTTP/1.1\r\nHost: evil.example\r\n\r\n").into(), Status(403)),
        ("a foreign host by WebSocket", format!("GET {WEBSOCKET} HTTP/1.1\r\nHost: evil.example\r\n{UPGRADE}\r\n").into(), Status(403)),
        ("a host that is none", format!("GET {POLLING} HTTP/1.1\r\nHost: [::1\r\n\r\n").into(), Refused),
        ("a whole address as path", get("http://evil.example/socket.io/?EIO=4&transport=polling", ""), Harmless),
        ("a foreign page", get(POLLING, "Origin: https://evil.example\r\n"), Status(403)),
        ("a foreign page by WebSocket", get(WEBSOCKET, &format!("{UPGRADE}Origin: https://evil.example\r\n")), Status(403)),
        ("no page in particular", get(POLLING, "Origin: null\r\n"), Status(403)),
        ("two pages", get(POLLING, "Origin: http://localhost:8080\r\nOrigin: https://evil.example\r\n"), Status(403)),
        ("a page that begins like ours", get(POLLING, "Origin: http://localhost:8080.evil.example\r\n"), Status(403)),
        ("a page of bytes", [&b"GET "[..], POLLING.as_bytes(), b" HTTP/1.1\r\nHost: ", host.as_bytes(), b"\r\nOrigin: \xff\xfe\r\n\r\n"].concat(), Refused),
        ("a foreign preflight", format!("OPTIONS {POLLING} HTTP/1.1\r\nHost: {host}\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n").into(), Status(403)),
        ("a zero in a header", get(POLLING, "X: a\0b\r\n"), Refused),
        ("a space before the colon", get(POLLING, "X : a\r\n"), Refused),
        ("a folded header", get(POLLING, "X: a\r\n b\r\n"), Refused),
        ("a header without a name", get(POLLING, ": a\r\n"), Refused),
        ("line feeds alone", format!("GET {POLLING} HTTP/1.1\nHost: {host}\n\n").into(), Harmless),
        ("a long path", get(&format!("/{}", "a".repeat(100_000)), ""), Refused),
        ("a long query", get(&format!("{POLLING}&{}", "a=b&".repeat(30_000)), ""), Refused),
        ("a long header", get(POLLING, &format!("X: {}\r\n", "a".repeat(1_000_000))), Refused),
        ("many headers", get(POLLING, &"X: a\r\n".repeat(50_000)), Refused),
        ("a length below zero", post("Content-Length: -1\r\n", ""), Refused),
        ("a length that is none", post("Content-Length: many\r\n", ""), Refused),
        ("a length beyond all", post("Content-Length: 99999999999999999999999\r\n", ""), Refused),
        ("a length with a sign", post("Content-Length: +4\r\n", "4abc"), Refused),
        ("two lengths", post("Content-Length: 4\r\nContent-Length: 5\r\n", "4abcd"), Refused),
        ("a coding that is none", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), Refused),
        ("a chunk beyond all", post("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\nx"), Refused),
        ("a chunk below zero", post("Transfer-Encoding: chunked\r\n", "-1\r\nx\r\n0\r\n\r\n"), Refused),
        ("chunks without end", post("Transfer-Encoding: chunked\r\n", &"1\r\nx\r\n".repeat(300_000)), Refused),
        ("a chunk with a long extension", post("Transfer-Encoding: chunked\r\n", &format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(200_000))), Refused),
        ("half a body", post("Content-Length: 100\r\n", "4"), Refused),
        ("a session begun by POST", post("Content-Length: 1\r\n", "4"), Refused),
        ("PUT", method("PUT"), Refused),
        ("DELETE", method("DELETE"), Refused),
        ("TRACE", method("TRACE"), Refused),
        ("CONNECT", format!("CONNECT evil.example:443 HTTP/1.1\r\nHost: {host}\r\n\r\n").into(), Refused),
        ("a method that is none", method("\u{1}GET"), Refused),
        ("another path", get("/", ""), Harmless),
        ("out of the path", get("/socket.io/../../etc/passwd", ""), Refused),
        ("out of the path, encoded", get("/socket.io/%2e%2e/%2e%2e/etc/passwd", ""), Refused),
        ("a path of bytes", [&b"GET /socket.io/\xff\xfe HTTP/1.1\r\nHost: "[..], host.as_bytes(), b"\r\n\r\n"].concat(), Refused),
        ("no version of the engine", get("/socket.io/?transport=polling", ""), Status(400)),
        ("version 3 of the engine", get("/socket.io/?EIO=3&transport=polling", ""), Status(400)),
        ("version 1e9 of the engine", get("/socket.io/?EIO=1e9&transport=polling", ""), Status(400)),
        ("no transport", get("/socket.io/?EIO=4", ""), Status(400)),
        ("a transport that is none", get("/socket.io/?EIO=4&transport=__proto__", ""), Status(400)),
        ("no query", get("/socket.io/", ""), Status(400)),
        ("a session that is none", get(&format!("{POLLING}&sid=AAAAAAAAAAAAAAAA"), ""), Status(400)),
        ("a session of nothing", get(&format!("{POLLING}&sid="), ""), Harmless),
        ("a session of zeros", get(&format!("{POLLING}&sid=%00%00"), ""), Status(400)),
        ("a session out of the path", get(&format!("{POLLING}&sid=../../x"), ""), Status(400)),
        ("a long session", get(&format!("{POLLING}&sid={}", "a".repeat(5_000)), ""), Refused),
        ("an upgrade of a session that is none", get(&format!("{WEBSOCKET}&sid=AAAAAAAAAAAAAAAA"), UPGRADE), Refused),
        ("a WebSocket without an upgrade", get(WEBSOCKET, ""), Refused),
        ("a WebSocket by POST", format!("POST {WEBSOCKET} HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}Content-Length: 0\r\n\r\n").into(), Refused),
        ("version 8 of WebSocket", get(WEBSOCKET, &UPGRADE.replace("13", "8")), Refused),
        ("a WebSocket without a key", get(WEBSOCKET, &UPGRADE.replace("Sec-WebSocket-Key", "X")), Refused),
        ("a WebSocket with a key that is none", get(WEBSOCKET, &UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short")), Harmless),
        ("an upgrade to something else", get(WEBSOCKET, &UPGRADE.replace("Upgrade: websocket", "Upgrade: h2c")), Refused),
        ("a WebSocket that asks for compression", ask(WEBSOCKET, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99"), Status(101)),
        ("an upgrade where polling is asked for", ask(POLLING, ""), Harmless),
        ("a script by JSONP", get(&format!("{POLLING}&j=0"), ""), Harmless),
        ("base64 as of old", get(&format!("{POLLING}&b64=1"), ""), Harmless),
    ]
}

/// What one server reads as one request and another as two. Whatever is made of
/// it, behind a doubtful request nothing more is read.
async fn smuggles(stage: &mut Stage) {
    let host = stage.address.clone();
    let hidden = format!("GET {POLLING} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let shapes = [
        (
            "both lengths",
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        ),
        (
            "both, the other way round",
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        ),
        (
            "two codings",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 4\r\n",
        ),
        (
            "a coding behind a tab",
            "Transfer-Encoding:\tchunked\r\nContent-Length: 4\r\n",
        ),
        (
            "a coding with a comma",
            "Transfer-Encoding: ,chunked\r\nContent-Length: 4\r\n",
        ),
        (
            "a coding before a space",
            "Transfer-Encoding : chunked\r\nContent-Length: 4\r\n",
        ),
        ("a list of lengths", "Content-Length: 4, 4\r\n"),
    ];
    let mut wrong = Vec::new();
    for (name, headers) in shapes {
        let mut wire = Wire::connect(&host).await;
        let body = "0\r\n\r\n";
        let request =
            format!("POST {POLLING} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n{body}{hidden}");
        wire.send(request.as_bytes()).await;
        wire.end_sending().await;
        let mut served = 0;
        while let Some(answer) = wire.answer().await {
            served += usize::from(answer.status < 400);
        }
        if served > 0 {
            wrong.push(name);
        }
        stage.chats(name).await;
    }
    assert!(wrong.is_empty(), "hidden requests were served: {wrong:#?}");
}

async fn floods(stage: &mut Stage) {
    // A thousand requests at once, none of whose answers is read.
    let mut wire = Wire::connect(&stage.address).await;
    let host = stage.address.clone();
    let request = format!("GET /nothing HTTP/1.1\r\nHost: {host}\r\n\r\n");
    wire.send(request.repeat(1_000).as_bytes()).await;
    stage.chats("a thousand requests in one").await;
    drop(wire);
    // Connections that say nothing, or end at once.
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(Wire::connect(&stage.address).await);
    }
    stage.chats("connections that say nothing").await;
    drop(silent);
    for _ in 0..200 {
        drop(Wire::connect(&stage.address).await);
    }
    stage.chats("connections that end at once").await;
}

/// Those who send slowly, and who never come to an end: all at the same time.
pub(super) async fn dawdles(stage: &mut Stage) {
    let host = stage.address.clone();
    let head = format!("GET {POLLING} HTTP/1.1\r\nHost: {host}\r\n");
    let body = format!("POST {POLLING} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\n4");
    let ways: [(&str, String, bool, Duration); 4] = [
        ("half a head", head.clone(), false, CLOSED_WITHIN),
        ("a head, byte by byte", head, true, CLOSED_WITHIN),
        ("half a body", body.clone(), false, DAWDLE),
        ("a body, byte by byte", body, true, DAWDLE),
    ];
    let mut dawdlers = tokio::task::JoinSet::new();
    for (name, begin, goes_on, limit) in ways {
        for _ in 0..25 {
            let (host, begin) = (host.clone(), begin.clone());
            dawdlers.spawn(async move {
                let mut wire = Wire::connect(&host).await;
                wire.send(begin.as_bytes()).await;
                let end = Instant::now() + limit;
                while Instant::now() < end {
                    if goes_on {
                        wire.send(b"x").await;
                    }
                    if wire.is_closed_within(Duration::from_millis(500)).await {
                        return;
                    }
                }
                panic!("{name} is still waited for");
            });
        }
    }
    // Nobody else waits for them.
    while !dawdlers.is_empty() {
        stage.chats("dawdlers").await;
        let next = timeout(Duration::from_millis(200), dawdlers.join_next());
        if let Ok(Some(ended)) = next.await {
            ended.expect("closed in time");
        }
    }
}
