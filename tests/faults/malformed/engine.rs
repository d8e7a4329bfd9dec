//! Engine.IO: sessions by polling, by WebSocket and in between, against the rules.

use parlour_tests::wire::{Frame, RawPolling, RawSocket, UPGRADE, WEBSOCKET, Wire};
use serde_json::json;

use super::{CLOSED_WITHIN, Stage};

pub(super) async fn strikes(stage: &mut Stage) {
    for (name, body) in bodies() {
        let mut session = RawPolling::open(&stage.address).await;
        let answer = session.post(&body).await;
        let status = answer.map_or(0, |answer| answer.status);
        // Taken and ignored, or refused; nothing else.
        assert!([0, 200, 400, 413].contains(&status), "{name}: {status}");
        stage.chats(name).await;
        let mut session = joined(&stage.address).await;
        session.post(&body).await;
        stage.chats(name).await;
    }
    too_large(stage).await;
    two_polls(stage).await;
    upgrades(stage).await;
    after_the_end(stage).await;
    by_websocket(stage).await;
    left_behind(stage).await;
}

/// Bodies of a POST.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nothing", vec![]),
        ("separators", vec![0x1e; 10_000]),
        ("a type that is none", b"9".to_vec()),
        ("a letter", b"x".to_vec()),
        ("an open packet", b"0{}".to_vec()),
        ("a ping from the wrong side", b"2".to_vec()),
        ("a probe by polling", b"2probe".to_vec()),
        ("a pong that nobody asked for", b"3".to_vec()),
        ("an upgrade by polling", b"5".to_vec()),
        ("many no-ops", b"6\x1e6\x1e6\x1e6\x1e6".repeat(1_000)),
        ("a message of nothing", b"4".to_vec()),
        ("a message that is no packet", b"4hello".to_vec()),
        ("bytes", (0..=255).collect()),
        ("text that is none", b"4\xff\xfe\xfd".to_vec()),
        ("half a character", b"42[\"x\",\"\xe2\x82\"]".to_vec()),
        ("base64 that is none", b"b!!!!".to_vec()),
        ("base64 of nothing", b"b".to_vec()),
        ("an attachment without its packet", b"bAAAA".to_vec()),
        ("many attachments", b"bAAAA\x1e".repeat(5_000)),
        ("the lengths of version 3", b"4:4abc6:4hello".to_vec()),
        ("a form", b"d=4%3A40".to_vec()),
        (
            "a close among others",
            b"42[\"x\"]\x1e1\x1e42[\"y\"]".to_vec(),
        ),
        ("many closes", b"1\x1e1\x1e1\x1e1".to_vec()),
        ("many joins", b"40\x1e".repeat(1_000)),
    ]
}

async fn too_large(stage: &mut Stage) {
    let mut session = joined(&stage.address).await;
    let body = format!("42[\"x\",\"{}\"]", "x".repeat(300_000));
    let status = session
        .post(body.as_bytes())
        .await
        .map(|answer| answer.status);
    assert_eq!(status, Some(413));
    stage.chats("a body that is too large").await;
    // Many packets, each of which would do, are still one body.
    let mut session = joined(&stage.address).await;
    let body = "42[\"x\",1]\x1e".repeat(30_000);
    let status = session
        .post(body.as_bytes())
        .await
        .map(|answer| answer.status);
    assert_eq!(status, Some(413));
    stage.chats("many packets in one body").await;
}

/// Two polls at once: a client that has lost its way. The session ends.
async fn two_polls(stage: &mut Stage) {
    let session = joined(&stage.address).await;
    let (mut one, mut other) = (
        Wire::connect(&stage.address).await,
        Wire::connect(&stage.address).await,
    );
    one.request("GET", session.path(), "", b"").await;
    other.request("GET", session.path(), "", b"").await;
    let statuses = [one.answer().await, other.answer().await];
    let refused = statuses
        .iter()
        .flatten()
        .filter(|answer| answer.status == 400);
    assert!(refused.count() >= 1, "two polls at once");
    stage.chats("two polls").await;
    // The same with two bodies: the second is refused, or both are taken.
    let session = joined(&stage.address).await;
    for _ in 0..2 {
        let mut wire = Wire::connect(&stage.address).await;
        wire.request("POST", session.path(), "", b"42[\"x\"]").await;
    }
    stage.chats("two bodies").await;
}

async fn upgrades(stage: &mut Stage) {
    let probes: [(&str, &[&str]); 9] = [
        ("no probe", &["5"]),
        ("a message instead of a probe", &["42[\"x\"]"]),
        ("another probe", &["2other"]),
        ("two probes", &["2probe", "2probe"]),
        ("a probe and then something else", &["2probe", "42[\"x\"]"]),
        ("a probe and a close", &["2probe", "1"]),
        ("two upgrades", &["2probe", "5", "5", "5"]),
        ("a join instead of a probe", &["40{}"]),
        ("a probe and nothing", &["2probe"]),
    ];
    for (name, frames) in probes {
        let session = joined(&stage.address).await;
        let mut wire = Wire::connect(&stage.address).await;
        let path = session.path().replace("polling", "websocket");
        let answer = wire.ask("GET", &path, UPGRADE, b"").await;
        assert_eq!(answer.map(|answer| answer.status), Some(101), "{name}");
        for frame in frames {
            wire.send(&Frame::text(*frame).encode()).await;
        }
        stage.chats(name).await;
    }
    // A second WebSocket beside the first, and one where there is one already.
    let session = joined(&stage.address).await;
    let path = session.path().replace("polling", "websocket");
    let mut wires = Vec::new();
    for _ in 0..3 {
        let mut wire = Wire::connect(&stage.address).await;
        wire.request("GET", &path, UPGRADE, b"").await;
        wire.send(&Frame::text("2probe").encode()).await;
        wires.push(wire);
    }
    stage.chats("three upgrades at once").await;
}

async fn after_the_end(stage: &mut Stage) {
    let mut session = joined(&stage.address).await;
    session.post(b"1").await;
    for method in ["GET", "POST"] {
        let body: &[u8] = if method == "POST" { b"42[\"x\"]" } else { b"" };
        let mut wire = Wire::connect(&stage.address).await;
        let answer = wire.ask(method, session.path(), "", body).await;
        let answer = answer.expect("an answer");
        // Unknown, or once more the end.
        let is_over = answer.status == 400 || ["1", "6"].contains(&answer.text().as_str());
        assert!(is_over, "{method} after the end: {answer:?}");
    }
    stage.chats("requests after the end").await;
}

async fn by_websocket(stage: &mut Stage) {
    // What closes, as Engine.IO wants it, and what may be ignored.
    let texts = [
        "9", "x", "", "0{}", "1", "5", "6", "3", "2", "2probe", "3probe", "b", "bAAAA",
    ];
    for text in texts {
        let auth = json!({"username": "Eve"});
        let (mut socket, _) = RawSocket::joins(&stage.address, &auth).await;
        socket.send_text(text).await;
        let _ = socket.fence(1).await;
        stage.chats(text).await;
    }
    // A session that nobody joins is not kept for ever.
    let mut socket = RawSocket::open(&stage.address).await;
    let closed = socket.wire().is_closed_within(CLOSED_WITHIN).await;
    assert!(closed, "a session that joins nothing stays");
    let mut wire = Wire::connect(&stage.address).await;
    wire.request("GET", WEBSOCKET, UPGRADE, b"").await;
    drop(wire);
    stage.chats("an upgrade that is not waited for").await;
}

/// Sessions by polling whose clients are gone without a word.
async fn left_behind(stage: &mut Stage) {
    for _ in 0..200 {
        RawPolling::open(&stage.address).await;
    }
    for _ in 0..20 {
        let session = joined(&stage.address).await;
        let mut wire = Wire::connect(&stage.address).await;
        wire.request("GET", session.path(), "", b"").await;
    }
    stage.chats("sessions that are left behind").await;
}

/// A session by long polling that has joined as somebody.
async fn joined(address: &str) -> RawPolling {
    let auth = json!({"username": "Eve"});
    RawPolling::joins(address, &auth).await.0
}
