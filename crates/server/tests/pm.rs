//! What clients see that speak pm, and who is let in, over real sockets.
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{PATIENCE, Raw, inbox, start, start_with};
use parlour_protocol::pm::MessageId;
use parlour_server::StorageKind;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

fn id(number: u8) -> String {
    MessageId::new(1_700_000_000_000, &[number; 10]).to_string()
}

fn hello(to: &Value, number: u8) -> Value {
    json!({"content": "hello", "to": to["userID"], "id": id(number), "sentAt": 7})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_of_it_on_both_storages() {
    for storage in [StorageKind::Sqlite, StorageKind::Memory] {
        let (_data, server) = start_with(|config| config.storage = storage).await;
        let addr = server.addr();
        let (mut ann, ann_session, _) = Raw::arrives_with_pm(addr, "Ann").await;
        let (mut bob, bob_session, users) = Raw::arrives_with_pm(addr, "Bob").await;
        assert_eq!(bob_session["pm"]["lastSeq"], json!(0));
        assert_eq!(users[0]["unread"], json!(0));
        ann.event("user connected").await;

        let answer = ann.asks("private message", &hello(&bob_session, 1)).await;
        assert_eq!((&answer["ok"], &answer["seq"]), (&json!(true), &json!(1)));
        let heard = bob.event("private message").await;
        assert_eq!(
            (
                &heard["id"],
                &heard["seq"],
                &heard["sentAt"],
                &heard["from"]
            ),
            (&json!(id(1)), &json!(1), &json!(7), &ann_session["userID"])
        );
        let again = ann.asks("private message", &hello(&bob_session, 1)).await;
        assert_eq!(again["dup"], json!(true));

        let me = &ann_session["userID"];
        let read = bob.asks("pm:read", &json!({"peer": me, "upTo": 1})).await;
        assert_eq!(read, json!({"ok": true}));
        let receipt = ann.event("pm:receipt").await;
        assert_eq!(receipt, json!({"peer": bob_session["userID"], "read": 1}));
        let soon = bob.asks("pm:read", &json!({"peer": me, "upTo": 1})).await;
        assert_eq!(soon["code"], json!("rate_limited"));
        let wait = soon["retryAfterMs"].as_u64().expect("a time");
        assert!((1..=1_001).contains(&wait), "{wait}");

        bob.send(&format!("42{}", json!(["pm:typing", {"to": me}])))
            .await;
        bob.send(&format!("42{}", json!(["pm:typing", {"to": me}])))
            .await;
        bob.fence(1).await;
        ann.fence(1).await.iter().for_each(|frame| {
            assert_eq!(
                frame,
                &format!(
                    "42{}",
                    json!(["pm:typing", {"from": bob_session["userID"]}])
                )
            );
        });

        let page = bob.asks("pm:sync", &json!({"since": 0})).await;
        assert_eq!(page["complete"], json!(true));
        assert_eq!(page["epoch"], bob_session["pm"]["epoch"]);
        let page = bob.asks("pm:history", &json!({"peer": me})).await;
        assert_eq!(page["messages"][0]["content"], json!("hello"));
        let page = bob.asks("pm:users", &json!({"q": "ann"})).await;
        assert_eq!(page["users"][0]["lastSeq"], json!(1));
        let unknown = bob.asks("pm:tomorrow", &json!({})).await;
        assert_eq!(unknown, json!({"ok": false, "code": "unsupported"}));
        let bad = bob.asks("pm:sync", &json!({"since": "one"})).await;
        assert_eq!(bad, json!({"ok": false, "code": "bad_request"}));

        let out = bob.asks("pm:logout", &json!({})).await;
        assert_eq!(out, json!({"ok": true}));
        assert_eq!(bob.event("pm:bye").await, json!({"reason": "signed_out"}));
        bob.ends().await;
        assert_eq!(ann.event("user disconnected").await, bob_session["userID"]);
        let resume = json!({"sessionID": bob_session["sessionID"]});
        let refused = Raw::is_refused(addr, &resume).await;
        assert_eq!(refused["message"], json!("invalid username"));
        assert_eq!(refused["data"], json!({"code": "session_expired"}));
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_clients_see_nothing_of_it() {
    let (_data, server) = start().await;
    let addr = server.addr();
    let (mut ann, session) = Raw::arrives(addr, "Ann").await;
    assert_eq!(session.as_object().map(serde_json::Map::len), Some(2));
    let answer = ann.asks("pm:sync", &json!({"since": 0})).await;
    assert_eq!(answer, json!({"ok": false, "code": "unsupported"}));
    // Whatever its own `id` means, it is not ours.
    let message = json!({"content": "a note", "to": session["userID"], "id": 7});
    assert_eq!(
        ann.asks("private message", &message).await["ok"],
        json!(true)
    );
    let bad = ann.asks("private message", &json!({"content": "x"})).await;
    assert_eq!(bad, json!({"ok": false, "code": "bad_request"}));
    let large = json!({"content": "x".repeat(20_000), "to": session["userID"]});
    let large = ann.asks("private message", &large).await;
    assert_eq!(large, json!({"ok": false, "code": "too_large"}));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_is_told_before_a_restart_and_comes_back_to_everything() {
    let (data, server) = start().await;
    let (mut ann, session, _) = Raw::arrives_with_pm(server.addr(), "Ann").await;
    for number in 0..50 {
        let message = json!({"content": "a note", "to": session["userID"], "id": id(number)});
        let answer = ann.asks("private message", &message).await;
        assert_eq!(answer["seq"], json!(number + 1));
    }
    let stopping = tokio::spawn(server.stop());
    let bye = ann.event("pm:bye").await;
    assert_eq!(bye, json!({"reason": "restart", "retryAfterMs": 1_000}));
    assert_eq!(ann.maybe_frame().await.as_deref(), Some("1"));
    ann.ends().await;
    timeout(PATIENCE, stopping)
        .await
        .expect("in time")
        .expect("stopped");
    let server = parlour_server::Server::start(common::config(&data))
        .await
        .expect("started again");
    assert_eq!(inbox(server.addr(), &session).await.len(), 50);
    server.stop().await;
}

async fn code(addr: SocketAddr, auth: Value) -> Value {
    let refused = Raw::is_refused(addr, &auth).await;
    assert_eq!(refused["message"], json!("invalid username"));
    refused["data"]["code"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_code() {
    let (_data, server) = start().await;
    let addr = server.addr();
    let unknown = "f".repeat(64);
    assert_eq!(code(addr, json!({})).await, json!("bad_request"));
    assert_eq!(
        code(addr, json!({"username": " "})).await,
        json!("bad_request")
    );
    assert_eq!(
        code(addr, json!({"username": "Admin"})).await,
        json!("forbidden")
    );
    assert_eq!(
        code(addr, json!({"sessionID": unknown})).await,
        json!("session_expired")
    );
    let eve = json!({"username": "Eve", "sessionID": unknown});
    let (_eve, session, _) = Raw::signs_in(addr, &eve).await;
    assert_ne!(session["sessionID"], json!(unknown));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_so_many_connections_and_no_more() {
    let (_data, server) = start_with(|config| config.limits.connections_per_user = 2).await;
    let addr = server.addr();
    let (_ann, session) = Raw::arrives(addr, "Ann").await;
    let resume = json!({"sessionID": session["sessionID"]});
    let (mut second, _, _) = Raw::signs_in(addr, &resume).await;
    assert_eq!(code(addr, resume.clone()).await, json!("rate_limited"));
    second.send("41").await;
    second.fence(1).await;
    Raw::signs_in(addr, &resume).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_fast_is_read_more_slowly() {
    let (_data, server) = start_with(|config| {
        config.limits.messages_per_second = 100;
        config.limits.message_burst = 10;
    })
    .await;
    let addr = server.addr();
    let (mut ann, session) = Raw::arrives(addr, "Ann").await;
    let me = &session["userID"];
    let begun = Instant::now();
    ann.feed((0..60).map(|number| common::message(me, &number.to_string())))
        .await;
    ann.fence(1).await;
    // The ten at once, then fifty at a hundred a second.
    assert!(begun.elapsed() >= Duration::from_millis(450));
    assert_eq!(inbox(addr, &session).await.len(), 60);
    assert_eq!(server.counts().cut, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_gets_in_and_sees_itself() {
    const CROWD: usize = 300;
    let (_data, server) = start().await;
    let addr = server.addr();
    let arriving: Vec<_> = (0..CROWD)
        .map(|number| {
            tokio::spawn(async move { Raw::arrives(addr, &format!("User {number}")).await })
        })
        .collect();
    let mut crowd = Vec::new();
    for one in arriving {
        crowd.push(one.await.expect("one of the crowd"));
    }
    let (_last, _, users) = Raw::signs_in(addr, &json!({"username": "Last"})).await;
    let here = users
        .as_array()
        .expect("users")
        .iter()
        .filter(|user| user["connected"] == json!(true));
    assert_eq!(here.count(), CROWD + 1);
    assert_eq!(server.counts().cut, 0);
    server.stop().await;
}
