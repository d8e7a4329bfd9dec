//! Whatever a client sends, the server lives and others do not notice.

use proptest::{collection::vec, prelude::*, sample::select, test_runner::Config};
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    raw::{Raw, soon},
    recorder::{Call, options, stage},
};

/// Pieces of which packets are made, and some that no packet has.
fn piece() -> impl Strategy<Value = String> {
    let known = select(vec![
        "40",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "/",
        "/other",
        ",",
        "-",
        "1-",
        "2-",
        "17",
        "99999999999999999999",
        "[",
        "]",
        "{",
        "}",
        "\"a\"",
        "[\"a\"]",
        "[\"back\",1]",
        "[\"enter\",\"r\"]",
        "{\"_placeholder\":true,\"num\":0}",
        "\\ud83d",
        "\"",
        "\\",
        "null",
        "\u{1e}",
        "bAQID",
        "é",
        "\u{0}",
    ])
    .prop_map(str::to_owned);
    prop_oneof![8 => known, 1 => ".{0,8}"]
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        6 => vec(piece(), 0..8).prop_map(|pieces| Message::text(pieces.concat())),
        2 => vec(any::<u8>(), 0..20).prop_map(Message::binary),
        // Mostly right: what is wrong is deeper inside.
        4 => vec(piece(), 0..4).prop_map(|pieces| Message::text(format!("42{}", pieces.concat()))),
        2 => Just(Message::text("40")),
        1 => Just(Message::text(r#"451-["back",{"_placeholder":true,"num":0}]"#)),
    ]
}

#[test]
fn random_packets_end_at_most_the_connection_that_sent_them() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut stage = runtime.block_on(async { stage(options()) });
    let server = stage.addr();
    let witness = Mutex::new(runtime.block_on(Raw::join(server)));
    let first = runtime.block_on(stage.joined());

    let config = Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    };
    proptest!(config, |(messages in vec(message(), 1..12))| {
        runtime.block_on(async {
            use futures_util::SinkExt;
            let mut raw = Raw::open(server).await;
            for message in messages {
                // It may have been thrown out before.
                if soon(raw.ws.feed(message)).await.is_err() {
                    break;
                }
            }
            let _ = soon(raw.ws.close(None)).await;
            raw.hears_the_end().await;
            let mut witness = witness.lock().await;
            witness.say(r#"42["back","still here"]"#).await;
            assert_eq!(witness.hear().await, r#"42["back","still here"]"#);
        });
    });

    // Everyone who was let in has left, exactly once; the witness is the one whose
    // coming was seen before.
    drop(witness);
    let (mut joined, mut left) = (vec![first.number()], Vec::new());
    for call in runtime.block_on(stage.rest()) {
        match call {
            Call::Joined(socket) => joined.push(socket.number()),
            Call::Left(socket, _) => left.push(socket.number()),
            _ => {}
        }
    }
    joined.sort_unstable();
    left.sort_unstable();
    assert!(joined.len() > 10, "hardly any of them was let in");
    assert_eq!(joined, left);
}
