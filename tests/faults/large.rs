//! Row 18: messages that are too large, a little and by far.

use std::time::Duration;

use futures_util::future::join_all;
use parlour_protocol::pm::{Code, Reply};
use parlour_tests::{
    pm::{Device, new_id},
    program::ServerProgram,
    wire::{Frame, RawPolling, RawSocket, WEBSOCKET, Wire},
};
use serde_json::json;
use tokio::time::timeout;

/// What a message of 100 MB may cost.
const MEMORY: usize = 10 << 20;

const MEGABYTE: usize = 1_000_000;

/// How long after the refusal what still comes may be taken and forgotten, so
/// that a client that is far away hears why.
const FORGOTTEN_FOR: Duration = Duration::from_secs(6);

pub(crate) async fn seventeen_kibibytes_are_refused_and_the_connection_lives() {
    let server = ServerProgram::start();
    let url = server.url();
    let ann = Device::signs_in(&url, "Ann").await;
    let bob = Device::signs_in(&url, "Bob").await;
    let most = ann.hello().limits.content;
    assert_eq!(most, 16 * 1024);
    for text in [
        "x".repeat(17 * 1024),
        "x".repeat(most + 1),
        "é".repeat(most / 2 + 1),
    ] {
        match ann.try_say(bob.user(), new_id(), &text).await {
            Ok(Reply::No(refused)) => {
                assert_eq!(refused.code, Code::TooLarge);
                assert_eq!(refused.retry_after_ms, None);
            }
            other => panic!("{other:?}"),
        }
    }
    // The longest that fits, also with every character escaped on its way.
    for text in ["x".repeat(most), "\u{1}".repeat(most), "é".repeat(most / 2)] {
        ann.says(bob.user(), &text).await;
        bob.hears(&text).await;
    }
    let plain = Device::signs_in_plainly(&url, "Plain").await;
    let long = json!({"content": "x".repeat(17 * 1024), "to": bob.user().as_str()});
    plain.emits("private message", &long);
    let short = json!({"content": "short", "to": bob.user().as_str()});
    plain.emits("private message", &short);
    bob.hears("short").await;
    assert_eq!(bob.inbox().await.messages.len(), 4);
    assert!(!ann.is_closed() && !plain.is_closed());
}

pub(crate) async fn a_megabyte_closes_the_connection_and_nothing_else() {
    let server = ServerProgram::start();
    let ann = Device::signs_in(&server.url(), "Ann").await;
    let text = "x".repeat(MEGABYTE);
    let event = json!(["private message", {"content": text, "to": ann.user().as_str()}]);
    let event = format!("42{event}");

    let (mut socket, _) = joins(&server).await;
    socket.send_text(&event).await;
    assert_eq!(socket.close_code().await, Some(1009));

    let (mut socket, _) = joins(&server).await;
    socket
        .send_text(r#"451-["x",{"_placeholder":true,"num":0}]"#)
        .await;
    socket.send(&Frame::binary(vec![7; MEGABYTE])).await;
    assert_eq!(socket.close_code().await, Some(1009));

    let mut session = RawPolling::open(&server.address()).await;
    let answer = session.post(event.as_bytes()).await;
    assert_eq!(answer.map(|answer| answer.status), Some(413));
    ann.says(ann.user(), "still here").await;
}

pub(crate) async fn a_hundred_megabytes_are_refused_early() {
    let mut server = ServerProgram::start();
    let ann = Device::signs_in(&server.url(), "Ann").await;
    let before = server.memory();
    let piece = vec![b'x'; 64 * 1024];

    let mut pours = Vec::new();
    // As one frame that says so.
    let mut frame = Frame::text(&b""[..]);
    frame.claimed = Some(100 * MEGABYTE as u64);
    let (socket, _) = joins(&server).await;
    pours.push(pour(
        "one frame",
        socket.into_wire(),
        frame.encode(),
        piece.clone(),
    ));

    // As one message in many frames.
    let mut first = Frame::text(&b"42"[..]);
    first.fin = false;
    let mut more = Frame::new(0, piece.clone());
    more.fin = false;
    let (socket, _) = joins(&server).await;
    pours.push(pour(
        "many frames",
        socket.into_wire(),
        first.encode(),
        more.encode(),
    ));

    // As one packet with an attachment for each of its placeholders.
    let head = Frame::text(r#"451000-["x"]"#).encode();
    let more = Frame::binary(piece.clone()).encode();
    let (socket, _) = joins(&server).await;
    pours.push(pour("attachments", socket.into_wire(), head, more));

    // As the body of a POST that says so, and of one that does not.
    let session = RawPolling::open(&server.address()).await;
    let head = post(&server, &session) + "Content-Length: 100000000\r\n\r\n";
    pours.push(pour(
        "a body",
        session.into_wire(),
        head.into_bytes(),
        piece.clone(),
    ));
    let session = RawPolling::open(&server.address()).await;
    let head = post(&server, &session) + "Transfer-Encoding: chunked\r\n\r\n";
    let size = format!("{:x}\r\n", piece.len());
    let chunk = [size.as_bytes(), &piece, b"\r\n"].concat();
    pours.push(pour(
        "chunks",
        session.into_wire(),
        head.into_bytes(),
        chunk,
    ));

    // As the head of a request.
    let head = format!("GET {WEBSOCKET} HTTP/1.1\r\n").into_bytes();
    let line = format!("X-Long: {}\r\n", "x".repeat(8_000)).into_bytes();
    let wire = Wire::connect(&server.address()).await;
    pours.push(pour("a head", wire, head, line));

    join_all(pours).await;
    let grown = server.memory_peak().saturating_sub(before);
    assert!(grown < MEMORY, "they cost {grown} bytes");
    ann.says(ann.user(), "still here").await;
    assert!(server.terminate().0.success());
}

async fn joins(server: &ServerProgram) -> (RawSocket, serde_json::Value) {
    RawSocket::joins(&server.address(), &json!({"username": "Large"})).await
}

/// Writes on and on, 100 MB and more, until the other side closes: soon.
async fn pour(name: &str, mut wire: Wire, head: Vec<u8>, piece: Vec<u8>) {
    let pour = async {
        let mut sent = wire.try_send(&head).await;
        while sent.is_ok() {
            sent = wire.try_send(&piece).await;
            // Else this would be a measure of the machine.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let closed = timeout(FORGOTTEN_FOR, pour).await;
    assert!(closed.is_ok(), "{name} is taken without end");
}

/// The head of a POST in a session, without its end.
fn post(server: &ServerProgram, session: &RawPolling) -> String {
    let (path, host) = (session.path(), server.address());
    format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\n")
}
