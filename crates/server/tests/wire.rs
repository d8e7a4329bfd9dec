//! The server frame by frame: what the official client never does.
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

mod common;

use std::time::Duration;

use common::{Raw, inbox, message, start};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_fence_has_exactly_the_form_that_clients_expect() {
    let (_data, server) = start().await;
    let (mut ann, _) = Raw::arrives(server.addr(), "Ann").await;
    ann.send("40/__f17,").await;
    assert_eq!(
        ann.frame().await,
        r#"44/__f17,{"message":"Invalid namespace"}"#
    );
    ann.send("40/other,").await;
    assert_eq!(
        ann.frame().await,
        r#"44/other,{"message":"Invalid namespace"}"#
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_proves_what_came_before_it_and_nothing_else() {
    let (_data, server) = start().await;
    let addr = server.addr();
    let (mut ann, session) = Raw::arrives(addr, "Ann").await;
    for number in 1..=100 {
        ann.says(&session["userID"], &number.to_string()).await;
        ann.fence(number).await;
        let resume = json!({"sessionID": session["sessionID"]});
        let (_, _, users) = Raw::signs_in(addr, &resume).await;
        let kept = users[0]["messages"].as_array().map(Vec::len);
        assert_eq!(kept, usize::try_from(number).ok());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_without_a_sign_in_is_answered_too() {
    let (_data, server) = start().await;
    let mut nobody = Raw::open(server.addr()).await;
    assert_eq!(nobody.fence(1).await, Vec::<String>::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_read_no_faster_than_it_is_stored_and_nothing_of_it_is_lost() {
    const MESSAGES: usize = 20_000;
    let (_data, server) = start().await;
    let addr = server.addr();
    let (mut ann, session) = Raw::arrives(addr, "Ann").await;
    let me = &session["userID"];
    ann.feed((0..MESSAGES).map(|number| message(me, &number.to_string())))
        .await;
    ann.fence(1).await;
    let kept = inbox(addr, &session).await;
    assert_eq!(kept.len(), MESSAGES);
    let in_order = |(number, message): (usize, &Value)| {
        message["content"]
            .as_str()
            .and_then(|text| text.parse().ok())
            == Some(number)
    };
    assert!(kept.iter().enumerate().all(in_order));
    assert_eq!(server.counts().cut, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_reading_is_cut_and_the_others_go_on() {
    let (_data, server) = start().await;
    let addr = server.addr();
    let (mut ann, _) = Raw::arrives(addr, "Ann").await;
    let (mut bob, bob_session) = Raw::arrives(addr, "Bob").await;
    ann.event("user connected").await;
    // Bob reads nothing from here on. More than his buffers hold makes him leave.
    let bob_id = &bob_session["userID"];
    let long = "x".repeat(16 * 1024);
    let mut number = 0;
    let mut heard = Vec::new();
    while heard.is_empty() {
        ann.feed((0..100).map(|_| message(bob_id, &long))).await;
        number += 1;
        heard = ann.fence(number).await;
    }
    let left = json!(["user disconnected", bob_id]);
    assert_eq!(heard, [format!("42{left}")]);
    assert_eq!(server.counts().cut, 1);
    bob.ends().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_frames_end_at_most_their_own_connection() {
    let (_data, server) = start().await;
    let addr = server.addr();
    let (mut ann, session) = Raw::arrives(addr, "Ann").await;
    let deep = format!(
        r#"42["private message",{}{}]"#,
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let deep_auth = format!(r#"40{{"username":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    let corpus = [
        "",
        "4",
        "42",
        "9",
        "x",
        "\u{0}",
        "42[",
        "42[]",
        "42{}",
        "42null",
        "42[null]",
        "42[1]",
        r#"42["private message""#,
        r#"42["private message",]"#,
        r#"42["private message",{"content":"x","to":}]"#,
        r#"42["private message",{"content":"\ud83d","to":"\ud83d"}]"#,
        r#"42["private message",{"content":"x","content":"y","to":"z","to":"z"}]"#,
        r#"42/other,["private message"]"#,
        r#"4299999999999999999999["private message"]"#,
        "40",
        "40{}",
        "40[]",
        "40null",
        "40{",
        "40/",
        "40/,",
        "40//,",
        "40/__f,",
        "40/__f1",
        "40/__f1/2,",
        "41",
        "41/other,",
        "43",
        "430[]",
        "431[\"x\"]",
        "44",
        "44{}",
        "45",
        "451-[]",
        r#"451-["private message",{"_placeholder":true,"num":0}]"#,
        r#"45999999999-["private message",{"_placeholder":true,"num":0}]"#,
        r#"451-["private message",{"_placeholder":true,"num":7}]"#,
        "46",
        "461-0[]",
        "0",
        "1",
        "3probe",
        "5",
        "6",
        "2probe",
        deep.as_str(),
        deep_auth.as_str(),
    ];
    for signs_in_first in [true, false] {
        for frame in corpus {
            let mut eve = if signs_in_first {
                Raw::arrives(addr, "Eve").await.0
            } else {
                Raw::open(addr).await
            };
            eve.send(frame).await;
            eve.send_binary(b"\x00\xff").await;
        }
    }
    ann.says(&session["userID"], "still here").await;
    ann.fence(1).await;
    let resume = json!({"sessionID": session["sessionID"]});
    let (_, _, users) = Raw::signs_in(addr, &resume).await;
    assert_eq!(users[0]["messages"][0]["content"], json!("still here"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_that_is_too_large_ends_its_connection_only() {
    let (_data, server) = start().await;
    let addr = server.addr();
    let (mut ann, _) = Raw::arrives(addr, "Ann").await;
    let (mut eve, eve_session) = Raw::arrives(addr, "Eve").await;
    ann.event("user connected").await;
    let huge = message(&json!("x"), &"x".repeat(1024 * 1024));
    // It may be cut while it is still sending.
    let sent = tokio::time::timeout(common::PATIENCE, eve.try_send(&huge)).await;
    assert!(sent.is_ok(), "sending neither worked nor failed");
    eve.ends().await;
    assert_eq!(ann.event("user disconnected").await, eve_session["userID"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_the_namespace_and_coming_back_on_the_same_socket() {
    let (_data, server) = start().await;
    let addr = server.addr();
    let (mut ann, _) = Raw::arrives(addr, "Ann").await;
    let (mut bob, session) = Raw::arrives(addr, "Bob").await;
    ann.event("user connected").await;
    bob.send("41").await;
    assert_eq!(ann.event("user disconnected").await, session["userID"]);
    let resume = json!({"sessionID": session["sessionID"]});
    bob.send(&format!("40{resume}")).await;
    assert!(bob.frame().await.starts_with("40{"));
    assert_eq!(bob.event("session").await, session);
    bob.event("users").await;
    assert_eq!(
        ann.event("user connected").await["userID"],
        session["userID"]
    );
    bob.says(&session["userID"], "a note").await;
    bob.fence(1).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_stores_what_was_received_and_says_goodbye() {
    let (data, server) = start().await;
    let (mut ann, session) = Raw::arrives(server.addr(), "Ann").await;
    let me = &session["userID"];
    ann.feed((0..500).map(|number| message(me, &number.to_string())))
        .await;
    ann.fence(1).await;
    server.stop().await;
    // An Engine.IO close is what makes clients call it clean.
    assert_eq!(ann.maybe_frame().await.as_deref(), Some("1"));
    ann.ends().await;
    assert!(!data.path().join("data/server.db-wal").exists());
    let server = parlour_server::Server::start(common::config(&data))
        .await
        .expect("started again");
    assert_eq!(inbox(server.addr(), &session).await.len(), 500);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_comes_back_with_everything_that_a_fence_proved() {
    let (data, server) = start().await;
    let (mut ann, session) = Raw::arrives(server.addr(), "Ann").await;
    let me = &session["userID"];
    ann.feed((0..500).map(|number| message(me, &number.to_string())))
        .await;
    ann.fence(1).await;
    server.kill().await;
    ann.ends().await;
    let server = parlour_server::Server::start(common::config(&data))
        .await
        .expect("started again");
    assert_eq!(inbox(server.addr(), &session).await.len(), 500);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_dropped_lets_go_of_its_data() {
    let (data, server) = start().await;
    let (mut ann, _) = Raw::arrives(server.addr(), "Ann").await;
    drop(server);
    ann.ends().await;
    let again = async {
        loop {
            match parlour_server::Server::start(common::config(&data)).await {
                Ok(server) => return server,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let server = tokio::time::timeout(common::PATIENCE, again).await;
    server.expect("the data is free").stop().await;
}
