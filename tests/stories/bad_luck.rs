//! What goes wrong: servers that stop, forget, are no servers.

use std::net::SocketAddr;

use parlour_client::{Command, Delivery, FailureCode, Presence, SessionView};
use parlour_tests::server::TestServer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use parlour_tests::person::{Person, Screen};

#[tokio::test]
async fn a_message_written_while_the_server_is_down_arrives_once() {
    let mut server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice.says("Bob", "one").await;
    bob.sees("Alice", &["one"]).await;

    server.stop().await;
    alice
        .until("a reason", |screen| {
            screen.reason() == Some(FailureCode::ConnectionRefused)
        })
        .await;
    assert_eq!(
        alice.screen.presence("Bob"),
        Some(Presence::Unknown),
        "nobody can say"
    );
    alice.says("Bob", "two").await;
    alice
        .sees_delivery("Bob", &[("one", Delivery::Sent), ("two", Delivery::Queued)])
        .await;

    server.restart().await;
    alice.asks(Command::Reconnect).await.expect("accepted");
    bob.asks(Command::Reconnect).await.expect("accepted");
    bob.sees("Alice", &["one", "two"]).await;
    alice
        .sees_delivery("Bob", &[("one", Delivery::Sent), ("two", Delivery::Sent)])
        .await;
    alice.has_seen_everything().await;
}

#[tokio::test]
async fn what_is_queued_survives_the_app_too() {
    let mut server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice
        .until("Bob", |screen| screen.entry("Bob").is_some())
        .await;
    server.stop().await;
    alice
        .until("offline", |screen| screen.reason().is_some())
        .await;
    alice.says("Bob", "written in the dark").await;
    alice.quits().await;

    alice.comes_back().await;
    alice
        .sees_delivery("Bob", &[("written in the dark", Delivery::Queued)])
        .await;
    server.restart().await;
    alice.asks(Command::Reconnect).await.expect("accepted");
    bob.asks(Command::Reconnect).await.expect("accepted");
    bob.sees("Alice", &["written in the dark"]).await;
}

#[tokio::test]
async fn a_server_that_stops_amid_a_rush_loses_and_doubles_nothing() {
    let mut server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice
        .until("Bob", |screen| screen.entry("Bob").is_some())
        .await;
    alice.gets_impatient();
    bob.gets_impatient();
    let mut said = Vec::new();
    for round in 0..3 {
        for n in 0..100 {
            // The same few texts again and again: only their number tells.
            let content = format!("round {round} text {}", n % 3);
            alice.says("Bob", &content).await;
            said.push(content);
        }
        server.stop().await;
        server.restart().await;
    }
    alice.sees_all_sent("Bob").await;
    bob.until_timeline("Alice", parlour_tests::person::texts, said.clone())
        .await;
    alice
        .until_timeline("Bob", parlour_tests::person::texts, said)
        .await;
    bob.has_seen_everything().await;
}

#[tokio::test]
async fn a_server_that_forgot_gets_nothing_under_another_identity() {
    let mut server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice.says("Bob", "before").await;
    bob.sees("Alice", &["before"]).await;
    server.stop().await;
    alice
        .until("offline", |screen| screen.reason().is_some())
        .await;
    alice.says("Bob", "for the old Bob").await;

    server.restart_empty().await;
    alice.asks(Command::Reconnect).await.expect("accepted");
    alice
        .until("the form", |screen| {
            screen.reason() == Some(FailureCode::SessionForgotten)
        })
        .await;
    let SessionView::SignedOut {
        username,
        server: address,
        ..
    } = &alice.screen.session
    else {
        panic!("{:?}", alice.screen.session);
    };
    assert_eq!(username.as_deref(), Some("Alice"));
    assert_eq!(address.as_deref(), Some(server.url().as_str()));

    let mut other_bob = Person::signs_in("Bob", &server.url()).await;
    alice.sign_in(&server.url()).await;
    alice
        .until("two Bobs", |screen| {
            screen
                .roster
                .values()
                .filter(|user| user.username == "Bob")
                .count()
                == 2
        })
        .await;
    let gone = alice
        .screen
        .roster
        .values()
        .find(|user| user.presence == Presence::Gone)
        .expect("the old Bob");
    let held = gone.last_message.as_ref().expect("what was written to him");
    assert_eq!(
        (held.content.as_str(), held.delivery),
        ("for the old Bob", Some(Delivery::Held))
    );
    other_bob
        .until("Alice", |screen| screen.entry("Alice").is_some())
        .await;
    assert_eq!(
        other_bob.timeline("Alice").await,
        [],
        "the new Bob gets nothing"
    );

    let item = held.id;
    alice
        .asks(Command::DiscardMessage { item })
        .await
        .expect("accepted");
    alice
        .until("the message gone", |screen| {
            screen
                .roster
                .values()
                .all(|user| user.last_message.is_none())
        })
        .await;
}

#[tokio::test]
async fn nobody_at_the_address_is_said_and_can_be_given_up() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("address");
    let mut alice = Person::new("Alice").await;
    alice.sign_in(&format!("http://{free}")).await;
    alice
        .until("the reason", |screen| {
            screen.reason() == Some(FailureCode::ConnectionRefused)
        })
        .await;
    assert!(matches!(alice.screen.session, SessionView::Waiting { .. }));
    alice.asks(Command::SignOut).await.expect("accepted");
    alice
        .until("the form", |screen| {
            matches!(screen.session, SessionView::SignedOut { reason: None, .. })
        })
        .await;
    let SessionView::SignedOut { username, .. } = &alice.screen.session else {
        unreachable!()
    };
    assert_eq!(username.as_deref(), Some("Alice"), "the name is kept");
}

#[tokio::test]
async fn a_web_server_that_speaks_no_socket_io_is_said() {
    let address = web_server().await;
    let mut alice = Person::new("Alice").await;
    alice.sign_in(&format!("http://{address}")).await;
    alice
        .until("the reason", |screen| {
            screen.reason() == Some(FailureCode::NotSocketIo)
        })
        .await;
    assert!(
        matches!(alice.screen.session, SessionView::SignedOut { .. }),
        "no loop"
    );
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_said() {
    let mut alice = Person::new("Alice").await;
    alice.sign_in("http://no-such-name.invalid:3000").await;
    alice
        .until("the reason", |screen| {
            screen.reason() == Some(FailureCode::NameNotFound)
        })
        .await;
}

#[tokio::test]
async fn signing_out_forgets_the_session() {
    let server = TestServer::start().await;
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    bob.until("Alice", |screen| {
        screen.presence("Alice") == Some(Presence::Online)
    })
    .await;
    alice.asks(Command::SignOut).await.expect("accepted");
    alice
        .until("signed out", |screen| {
            !screen.is_online() && screen.roster.is_empty()
        })
        .await;
    bob.until("Alice left", |screen| {
        screen.presence("Alice") == Some(Presence::Offline)
    })
    .await;
    alice.quits().await;
    alice.comes_back().await;
    assert!(matches!(
        alice.screen.session,
        SessionView::SignedOut { reason: None, .. }
    ));
    alice.until("the form", Screen::is_signed_out).await;
}

/// Answers every request with a page.
async fn web_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_ok() {
                    let page =
                        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
                    let _ = stream.write_all(page).await;
                }
            });
        }
    });
    address
}
