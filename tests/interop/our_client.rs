//! Our engine against servers on the official package, in the three dialects
//! of the guide.

use parlour_client::{Command, Delivery, FailureCode, Presence, SessionView};
use parlour_tests::{
    node::{Dialect, ReferenceServer},
    person::{Person, Screen, texts},
};

/// Engine pings so short that the server's patience with a dead connection is
/// over in half a second: what is in doubt waits no longer than a test.
const IMPATIENT: &[&str] = &["--ping-interval", "300", "--ping-timeout", "200"];

#[tokio::test]
async fn people_chat_in_every_dialect() {
    for dialect in [Dialect::A, Dialect::B, Dialect::C] {
        let server = ReferenceServer::start(dialect);
        let mut alice = Person::signs_in("Alice", &server.url()).await;
        let mut bob = Person::signs_in("Bob", &server.url()).await;
        alice
            .until("Bob online", |screen| {
                screen.presence("Bob") == Some(Presence::Online)
            })
            .await;
        assert!(
            alice.screen.entry("Alice").expect("oneself").is_self,
            "{dialect:?}"
        );
        alice.says("Bob", "hello").await;
        alice
            .sees_delivery("Bob", &[("hello", Delivery::Sent)])
            .await;
        bob.sees("Alice", &["hello"]).await;
        bob.says("Alice", "hello yourself").await;
        alice.sees("Bob", &["hello", "hello yourself"]).await;
        bob.quits().await;
        alice
            .until("Bob gone", |screen| {
                screen.presence("Bob") == Some(Presence::Offline)
            })
            .await;
        alice.has_seen_everything().await;
    }
}

#[tokio::test]
async fn a_session_is_resumed_where_sessions_last() {
    for dialect in [Dialect::B, Dialect::C] {
        let server = ReferenceServer::start(dialect);
        let mut alice = Person::signs_in("Alice", &server.url()).await;
        let me = alice
            .screen
            .entry("Alice")
            .expect("oneself")
            .user_id
            .clone();
        alice.quits().await;
        alice.comes_back().await;
        alice
            .until("online without a form", Screen::is_online)
            .await;
        assert_eq!(
            alice.screen.entry("Alice").expect("oneself").user_id,
            me,
            "{dialect:?}"
        );
    }
}

#[tokio::test]
async fn without_sessions_one_signs_in_again_with_the_name_kept() {
    let server = ReferenceServer::start(Dialect::A);
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    alice.quits().await;
    alice.comes_back().await;
    let SessionView::SignedOut {
        username, reason, ..
    } = &alice.screen.session
    else {
        panic!("{:?}", alice.screen.session);
    };
    assert_eq!(username.as_deref(), Some("Alice"));
    assert_eq!(*reason, None, "nothing went wrong");
}

#[tokio::test]
async fn a_message_waits_for_somebody_who_is_away_where_the_server_keeps_none() {
    let server = ReferenceServer::start(Dialect::B);
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice
        .until("Bob online", |screen| {
            screen.presence("Bob") == Some(Presence::Online)
        })
        .await;
    bob.quits().await;
    alice
        .until("Bob away", |screen| {
            screen.presence("Bob") == Some(Presence::Offline)
        })
        .await;
    alice.says("Bob", "call me").await;
    alice
        .sees_delivery("Bob", &[("call me", Delivery::Queued)])
        .await;
    bob.comes_back().await;
    bob.sees("Alice", &["call me"]).await;
    alice
        .sees_delivery("Bob", &[("call me", Delivery::Sent)])
        .await;
}

#[tokio::test]
async fn a_message_is_held_where_the_recipient_cannot_come_back() {
    let server = ReferenceServer::start(Dialect::A);
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice
        .until("Bob online", |screen| {
            screen.presence("Bob") == Some(Presence::Online)
        })
        .await;
    bob.quits().await;
    alice
        .until("Bob away", |screen| {
            screen.presence("Bob") == Some(Presence::Offline)
        })
        .await;
    alice.says("Bob", "too late").await;
    alice
        .sees_delivery("Bob", &[("too late", Delivery::Held)])
        .await;
}

#[tokio::test]
async fn connections_that_break_amid_a_rush_lose_and_double_nothing() {
    let mut server = ReferenceServer::start_with(Dialect::C, IMPATIENT);
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice
        .until("Bob", |screen| screen.entry("Bob").is_some())
        .await;
    alice.gets_impatient();
    bob.gets_impatient();
    let mut said = Vec::new();
    for round in 0..10 {
        for n in 0..30 {
            let content = format!("text {}", (round + n) % 4);
            alice.says("Bob", &content).await;
            said.push(content);
        }
        server.drop_connections();
    }
    alice.sees_all_sent("Bob").await;
    let stored: Vec<String> = server.state()["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|message| message["content"].as_str().expect("a text").to_owned())
        .collect();
    assert_eq!(
        stored, said,
        "at the server: none lost, none doubled, in order"
    );
    bob.until_timeline("Alice", texts, said.clone()).await;
    alice.until_timeline("Bob", texts, said).await;
    bob.has_seen_everything().await;
}

#[tokio::test]
async fn nothing_is_sent_before_the_server_listens() {
    let mut server = ReferenceServer::start_with(Dialect::C, &["--late", "300"]);
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice
        .until("Bob", |screen| screen.entry("Bob").is_some())
        .await;
    server.kick();
    alice.until("offline", |screen| !screen.is_online()).await;
    for n in 0..40 {
        alice.says("Bob", &format!("message {n}")).await;
    }
    let said: Vec<String> = (0..40).map(|n| format!("message {n}")).collect();
    bob.until_timeline("Alice", texts, said).await;
    alice.sees_all_sent("Bob").await;
}

#[tokio::test]
async fn a_server_that_forgot_leads_to_the_form_with_the_queue_held() {
    for dialect in [Dialect::B, Dialect::C] {
        let mut server = ReferenceServer::start(dialect);
        let mut alice = Person::signs_in("Alice", &server.url()).await;
        let bob = Person::signs_in("Bob", &server.url()).await;
        alice
            .until("Bob", |screen| screen.entry("Bob").is_some())
            .await;
        server.kill();
        alice
            .until("offline", |screen| screen.reason().is_some())
            .await;
        alice.says("Bob", "are you still you?").await;
        server.restart();
        alice.asks(Command::Reconnect).await.expect("accepted");
        alice
            .until("the form", |screen| {
                screen.reason() == Some(FailureCode::SessionForgotten)
            })
            .await;
        alice.sign_in(&server.url()).await;
        alice.until("online", Screen::is_online).await;
        alice
            .sees_delivery("Bob", &[("are you still you?", Delivery::Held)])
            .await;
        assert_eq!(
            alice.screen.presence("Bob"),
            Some(Presence::Gone),
            "{dialect:?}"
        );
        drop(bob);
    }
}

#[tokio::test]
async fn a_refused_sign_in_ends_the_attempts_and_keeps_the_name() {
    let server = ReferenceServer::start_with(Dialect::C, &["--refuse", "members only"]);
    let mut alice = Person::new("Alice").await;
    alice.sign_in(&server.url()).await;
    alice
        .until("the refusal", |screen| {
            screen.reason() == Some(FailureCode::SignInRefused)
        })
        .await;
    let SessionView::SignedOut {
        username, reason, ..
    } = &alice.screen.session
    else {
        panic!("{:?}", alice.screen.session);
    };
    assert_eq!(username.as_deref(), Some("Alice"));
    assert_eq!(
        reason.as_ref().and_then(|reason| reason.detail.as_deref()),
        Some("members only")
    );
}
