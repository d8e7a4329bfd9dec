//! Long conversations on our own server, where messages have ids: whatever
//! breaks, each is there once, in the same order on both sides.

use parlour_client::{Command, Delivery, FailureCode};
use parlour_tests::{
    person::{Person, Screen, texts},
    proxy::{Proxy, Troubles},
    server::TestServer,
};

/// Only their number tells these apart.
const WORDS: [&str; 3] = ["ok", "yes", "ok then"];

fn word(n: usize) -> &'static str {
    WORDS[n % WORDS.len()]
}

/// Both see the same, and each their own messages in the order they wrote them.
async fn agree(alice: &mut Person, bob: &mut Person, said: usize) {
    alice.sees_all_sent("Bob").await;
    bob.sees_all_sent("Alice").await;
    alice.until_timeline("Bob", <[_]>::len, 2 * said).await;
    let shown = alice.timeline("Bob").await;
    let expected: Vec<&str> = (0..said).map(word).collect();
    for mine in [true, false] {
        let told: Vec<&str> = shown
            .iter()
            .filter(|item| item.is_mine == mine)
            .map(|item| item.content.as_str())
            .collect();
        assert_eq!(told, expected);
    }
    bob.until_timeline("Alice", texts, texts(&shown)).await;
    let theirs = bob.timeline("Alice").await;
    let times = |items: &[parlour_client::TimelineItem]| {
        items.iter().map(|item| item.at).collect::<Vec<_>>()
    };
    assert_eq!(times(&shown), times(&theirs), "the server's time");
    let unread = u32::try_from(said).expect("a few");
    for (person, other) in [(alice, "Bob"), (bob, "Alice")] {
        person
            .until("all unread", move |screen| screen.unread(other) == unread)
            .await;
        person.has_seen_everything().await;
    }
}

#[tokio::test]
async fn a_server_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let mut server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice.gets_impatient();
    bob.gets_impatient();
    let mut said = 0;
    for _ in 0..5 {
        for _ in 0..60 {
            alice.says("Bob", word(said)).await;
            bob.says("Alice", word(said)).await;
            said += 1;
        }
        server.kill().await;
        server.restart().await;
    }
    agree(&mut alice, &mut bob, said).await;
}

#[tokio::test]
async fn a_line_that_breaks_all_the_time_loses_and_doubles_nothing() {
    let server = TestServer::start().await;
    // Enough for signing in and a few messages, in each direction.
    let line = Proxy::to(&server.url(), 3, Troubles::cuts(1_000..4_000)).await;
    line.begins();
    let mut alice = Person::signs_in("Alice", &line.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice.gets_impatient();
    let mut said = 0;
    for _ in 0..30 {
        for _ in 0..8 {
            alice.says("Bob", word(said)).await;
            bob.says("Alice", word(said)).await;
            said += 1;
        }
        // Looking, she has no patience with broken connections.
        alice.sees_all_sent("Bob").await;
        bob.sees_all_sent("Alice").await;
    }
    line.is_mended();
    assert!(line.count() > 15, "{}", line.count());
    agree(&mut alice, &mut bob, said).await;
}

#[tokio::test]
async fn a_long_absence_is_made_up_for_once() {
    let server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    let mut said = Vec::new();
    for round in 0..3 {
        alice.quits().await;
        for n in 0..150 {
            said.push(word(n + round).to_owned());
            bob.says("Alice", word(n + round)).await;
        }
        bob.sees_all_sent("Alice").await;
        alice.comes_back().await;
        alice.until_timeline("Bob", texts, said.clone()).await;
    }
    alice.quits().await;
    alice.comes_back().await;
    alice.until("online", Screen::is_online).await;
    assert_eq!(texts(&alice.timeline("Bob").await), said);
    let unread = u32::try_from(said.len()).expect("a few");
    alice
        .until("all unread", move |screen| screen.unread("Bob") == unread)
        .await;
}

#[tokio::test]
async fn an_app_that_is_closed_amid_a_rush_goes_on_where_it_was() {
    let server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    let mut said = 0;
    for _ in 0..4 {
        for _ in 0..60 {
            alice.says("Bob", word(said)).await;
            bob.says("Alice", word(said)).await;
            said += 1;
        }
        alice.quits().await;
        alice.comes_back().await;
    }
    agree(&mut alice, &mut bob, said).await;
}

#[tokio::test]
async fn a_server_that_stops_says_so_and_keeps_what_it_took() {
    let mut server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice.says("Bob", "before").await;
    bob.sees("Alice", &["before"]).await;
    server.stop().await;
    alice
        .until("that it starts again", |screen| {
            screen.reason() == Some(FailureCode::ServerRestarting)
        })
        .await;
    alice.says("Bob", "meanwhile").await;
    server.restart().await;
    for person in [&alice, &bob] {
        person.asks(Command::Reconnect).await.expect("accepted");
    }
    bob.sees("Alice", &["before", "meanwhile"]).await;
    alice
        .sees_delivery(
            "Bob",
            &[("before", Delivery::Sent), ("meanwhile", Delivery::Sent)],
        )
        .await;
}

#[tokio::test]
async fn a_history_from_before_pm_is_matched_and_not_doubled() {
    let mut server = TestServer::start().await;
    let mut alice = Person::signs_in_without_pm("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    let mut said = 0;
    for _ in 0..130 {
        alice.says("Bob", word(said)).await;
        bob.says("Alice", word(said)).await;
        said += 1;
    }
    alice.sees_all_sent("Bob").await;
    bob.sees_all_sent("Alice").await;
    // What she says now is in doubt, and the next app is a new one.
    for _ in 0..20 {
        alice.says("Bob", word(said)).await;
        bob.says("Alice", word(said)).await;
        said += 1;
    }
    server.kill().await;
    alice.quits().await;
    server.restart().await;
    bob.asks(Command::Reconnect).await.expect("accepted");
    for _ in 0..20 {
        bob.says("Alice", word(said)).await;
        said += 1;
    }
    bob.sees_all_sent("Alice").await;
    alice.comes_back().await;
    alice
        .until("Bob", |screen| screen.entry("Bob").is_some())
        .await;
    for n in said - 20..said {
        alice.says("Bob", word(n)).await;
    }
    agree(&mut alice, &mut bob, said).await;
    alice.quits().await;
    alice.comes_back().await;
    agree(&mut alice, &mut bob, said).await;
}
