//! Somebody who sends far too fast, over real sockets.
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{Raw, inbox, message, start_with};
use parlour_server::Running;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::Instant};

/// More than can be waited for at one message a second.
const SOCKETS: usize = 24;

/// One message a second, and none at once.
async fn slow() -> (TempDir, Running) {
    start_with(|config| {
        config.limits.messages_per_second = 1;
        config.limits.message_burst = 1;
    })
    .await
}

/// As many sockets of one user.
async fn sockets(addr: SocketAddr, auth: &Value, session: &Value) -> Vec<Raw> {
    let mut auth = auth.clone();
    auth["sessionID"] = session["sessionID"].clone();
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        sockets.push(Raw::signs_in(addr, &auth).await.0);
    }
    sockets
}

#[tokio::test(flavor = "multi_thread")]
async fn first_it_is_read_more_slowly_and_others_do_not_notice() {
    let (_data, server) = start_with(|config| {
        config.limits.messages_per_second = 4;
        config.limits.message_burst = 2;
    })
    .await;
    let addr = server.addr();
    let (mut eve, eve_session, _) = Raw::arrives_with_pm(addr, "Eve").await;
    let (mut ann, session, _) = Raw::arrives_with_pm(addr, "Ann").await;
    let begun = Instant::now();
    let to_self = json!({"content": "quick", "to": eve_session["userID"]});
    let mut acks = Vec::new();
    for _ in 0..6 {
        acks.push(eve.emits("private message", &to_self).await);
    }
    // Two at once; meanwhile Ann has the server for herself.
    let note = json!({"content": "a note", "to": session["userID"]});
    for _ in 0..2 {
        assert_eq!(ann.asks("private message", &note).await["ok"], json!(true));
    }
    for ack in acks {
        assert_eq!(eve.answer(ack).await["ok"], json!(true));
    }
    // Four more at four a second.
    assert!(begun.elapsed() >= Duration::from_millis(990));
    assert_eq!(inbox(addr, &eve_session).await.len(), 6);
    assert_eq!(server.counts().cut, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn far_too_fast_is_refused_with_the_time_to_come_back() {
    let (_data, server) = slow().await;
    let addr = server.addr();
    let auth = json!({"username": "Eve", "pm": *common::PM});
    let (_first, session, _) = Raw::signs_in(addr, &auth).await;
    let note = json!({"content": "quick", "to": session["userID"]});
    let mut asking = JoinSet::new();
    for mut socket in sockets(addr, &auth, &session).await {
        let note = note.clone();
        asking.spawn(async move {
            let answer = socket.asks("private message", &note).await;
            // What is refused costs nobody their connection.
            (answer, socket)
        });
    }
    let refused = loop {
        let (answer, _socket) = asking
            .join_next()
            .await
            .expect("one of them")
            .expect("done");
        if answer["ok"] == json!(false) {
            break answer;
        }
    };
    assert_eq!(refused["code"], json!("rate_limited"));
    let wait = refused["retryAfterMs"].as_u64().expect("a time");
    assert!((10_000..=11_001).contains(&wait), "{wait}");
    assert_eq!(server.counts().cut, 0);
    // Those who still wait are let through, or the end would take ten seconds.
    let begun = Instant::now();
    server.stop().await;
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_no_answer_is_disconnected_and_others_are_not() {
    let (_data, server) = slow().await;
    let addr = server.addr();
    let (mut ann, ann_session) = Raw::arrives(addr, "Ann").await;
    let auth = json!({"username": "Eve"});
    let (_first, session, _) = Raw::signs_in(addr, &auth).await;
    let mut ending = JoinSet::new();
    for mut socket in sockets(addr, &auth, &session).await {
        socket.send(&message(&session["userID"], "quick")).await;
        ending.spawn(async move { socket.ends().await });
    }
    ending.join_next().await.expect("one of them").expect("cut");
    assert!(server.counts().cut > 0);
    let note = json!({"content": "a note", "to": ann_session["userID"]});
    assert_eq!(ann.asks("private message", &note).await["ok"], json!(true));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_too_often_waits_and_gets_in() {
    let (_data, server) = start_with(|config| {
        config.limits.messages_per_second = 1_000;
        config.limits.message_burst = 1_000;
    })
    .await;
    let addr = server.addr();
    let (_ann, session) = Raw::arrives(addr, "Ann").await;
    let resume = json!({"sessionID": session["sessionID"]});
    let begun = Instant::now();
    for _ in 0..54 {
        Raw::signs_in(addr, &resume).await;
    }
    // Fifty at once with the first one; five more at five a second.
    assert!(begun.elapsed() >= Duration::from_millis(990));
    assert_eq!(server.counts().cut, 0);
    server.stop().await;
}
