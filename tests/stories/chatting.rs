//! What people do all day.

use parlour_client::{Command, Delivery, Presence, RefusalCode};
use parlour_tests::server::TestServer;

use parlour_tests::person::{Person, Screen, texts};

#[tokio::test]
async fn two_people_chat() {
    let server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice
        .until("Bob online", |screen| {
            screen.presence("Bob") == Some(Presence::Online)
        })
        .await;

    alice.says("Bob", "hello").await;
    alice
        .sees_delivery("Bob", &[("hello", Delivery::Sent)])
        .await;
    bob.until("one unread", |screen| screen.unread("Alice") == 1)
        .await;
    bob.sees("Alice", &["hello"]).await;
    bob.reads("Alice").await;
    bob.until("none unread", |screen| screen.unread("Alice") == 0)
        .await;

    bob.says("Alice", "hello yourself").await;
    alice.sees("Bob", &["hello", "hello yourself"]).await;
    alice.has_seen_everything().await;
    bob.has_seen_everything().await;
}

#[tokio::test]
async fn oneself_comes_first_and_can_be_written_to() {
    let server = TestServer::start().await;
    let mut alice = Person::signs_in("Zoe", &server.url()).await;
    alice.says("Zoe", "do not forget the milk").await;
    alice
        .sees_delivery("Zoe", &[("do not forget the milk", Delivery::Sent)])
        .await;
    let me = alice.screen.entry("Zoe").expect("in the roster");
    assert!(me.is_self);
    assert_eq!(alice.screen.unread("Zoe"), 0);
}

#[tokio::test]
async fn a_restart_needs_no_form_and_doubles_nothing() {
    let server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice.says("Bob", "one").await;
    bob.sees("Alice", &["one"]).await;
    bob.says("Alice", "two").await;
    alice.sees("Bob", &["one", "two"]).await;
    for _ in 0..2 {
        alice.quits().await;
        bob.until("Alice offline", |screen| {
            screen.presence("Alice") == Some(Presence::Offline)
        })
        .await;
        alice.comes_back().await;
        alice.until("online again", Screen::is_online).await;
        alice.sees("Bob", &["one", "two"]).await;
    }
    alice.says("Bob", "three").await;
    bob.sees("Alice", &["one", "two", "three"]).await;
    bob.has_seen_everything().await;
}

#[tokio::test]
async fn what_came_while_one_was_away_is_there_and_unread() {
    let server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    bob.says("Alice", "before").await;
    alice.sees("Bob", &["before"]).await;
    alice.reads("Bob").await;
    alice
        .until("read", |screen| screen.unread("Bob") == 0)
        .await;
    alice.quits().await;
    bob.until("Alice offline", |screen| {
        screen.presence("Alice") == Some(Presence::Offline)
    })
    .await;
    bob.says("Alice", "are you there?").await;
    bob.says("Alice", "are you there?").await;
    bob.sees_delivery(
        "Alice",
        &[
            ("before", Delivery::Sent),
            ("are you there?", Delivery::Sent),
            ("are you there?", Delivery::Sent),
        ],
    )
    .await;
    alice.comes_back().await;
    alice
        .sees("Bob", &["before", "are you there?", "are you there?"])
        .await;
    alice
        .until("two unread", |screen| screen.unread("Bob") == 2)
        .await;
}

#[tokio::test]
async fn a_long_rush_arrives_once_and_in_order() {
    let server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    let said: Vec<String> = (0..300).map(|n| format!("message {n}")).collect();
    for content in &said {
        alice.says("Bob", content).await;
    }
    bob.until_timeline("Alice", texts, said.clone()).await;
    alice.sees_all_sent("Bob").await;
    alice.until_timeline("Bob", texts, said).await;
    bob.until("all unread", |screen| screen.unread("Alice") == 300)
        .await;
    bob.has_seen_everything().await;
}

#[tokio::test]
async fn a_listener_that_sleeps_is_told_and_catches_up() {
    let server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    let mut sleeper = alice.client().subscribe().await.expect("a subscription");
    alice
        .until("Bob in the roster", |screen| screen.entry("Bob").is_some())
        .await;
    for n in 0..800 {
        alice.says("Bob", &format!("message {n}")).await;
    }
    bob.until("all unread", |screen| screen.unread("Alice") == 800)
        .await;
    let mut missed = 0;
    while let Some(event) = sleeper.next().await {
        if let parlour_client::ClientEvent::Lagged { missed: count } = event {
            missed = count;
            break;
        }
    }
    assert!(missed > 0);
    assert!(matches!(
        sleeper.next().await,
        Some(parlour_client::ClientEvent::Snapshot { .. })
    ));
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_a_code() {
    let server = TestServer::start().await;
    let mut alice = Person::new("Alice").await;
    let refused = |code: RefusalCode| Err(code.into());
    let sign_in = |server: &str, username: &str| Command::SignIn {
        server: server.into(),
        username: username.into(),
        options: None,
    };
    let send = |to: &str, content: &str| Command::SendMessage {
        to: to.into(),
        content: content.into(),
    };

    assert_eq!(
        alice.asks(sign_in("two words", "Alice")).await,
        refused(RefusalCode::InvalidAddress)
    );
    assert_eq!(
        alice.asks(sign_in(&server.url(), "  ")).await,
        refused(RefusalCode::UsernameEmpty)
    );
    assert_eq!(
        alice.asks(sign_in(&server.url(), &"x".repeat(33))).await,
        refused(RefusalCode::UsernameTooLong)
    );
    assert_eq!(
        alice.asks(sign_in(&server.url(), "a\u{202E}b")).await,
        refused(RefusalCode::UsernameInvisible)
    );
    assert_eq!(
        alice.asks(send("nobody", "hello")).await,
        refused(RefusalCode::NotSignedIn)
    );
    assert_eq!(
        alice.asks(Command::Resume).await,
        refused(RefusalCode::NoSession)
    );

    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    let me = alice
        .screen
        .entry("Alice")
        .expect("in the roster")
        .user_id
        .clone();
    assert_eq!(
        alice.asks(send("nobody", "hello")).await,
        refused(RefusalCode::UnknownUser)
    );
    assert_eq!(
        alice.asks(send(me.as_str(), " \n ")).await,
        refused(RefusalCode::MessageEmpty)
    );
    assert_eq!(
        alice
            .asks(send(me.as_str(), &"x".repeat(16 * 1024 + 1)))
            .await,
        refused(RefusalCode::MessageTooLarge)
    );
    alice.says("Alice", &"x".repeat(16 * 1024)).await;
    alice.sees_all_sent("Alice").await;
}
