//! Answers that are none, and those that never end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use parlour_socketio::{CloseReason, ConnectError, SocketEvent, SocketEvents, Transports, connect};

use crate::{
    echo::{arrives, closed, event, shown, soon, to},
    fake::{Fake, Reply, body},
};

/// Lets one in, and answers the polls after it like this.
async fn served(polls: Vec<Reply>) -> (Fake, SocketEvents) {
    let fake = Fake::start(polls, vec![]).await;
    let (_, events) = arrives(to(fake.address, Transports::Polling)).await;
    (fake, events)
}

async fn ends_with(reply: Reply) -> CloseReason {
    let (_fake, mut events) = served(vec![body(r#"42["first"]"#), reply]).await;
    assert_eq!(shown(&event(&mut events).await), "first()");
    closed(&mut events).await
}

#[tokio::test]
async fn what_holds_no_packet_ends_it() {
    for text in ["<html>sign in</html>", "", "{}", "bad gateway", "\x1e\x1e"] {
        let reason = ends_with(body(text)).await;
        assert!(
            matches!(reason, CloseReason::Protocol(_)),
            "{text}: {reason:?}"
        );
    }
    let reason = ends_with(Reply::Body(vec![b'4', 0xff, 0xfe])).await;
    assert!(matches!(reason, CloseReason::Protocol(_)), "{reason:?}");
    let zipped = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\n6";
    let reason = ends_with(Reply::Raw(zipped.to_vec())).await;
    assert!(matches!(reason, CloseReason::Protocol(_)), "{reason:?}");
    let reason = ends_with(Reply::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())).await;
    assert!(matches!(reason, CloseReason::Protocol(_)), "{reason:?}");
}

#[tokio::test]
async fn one_bad_packet_costs_itself() {
    let payload = "42[\"a\"]\x1enothing\x1eb!!!\x1e451-[\"file\",{\"_placeholder\":true,\"num\":0}]\x1eb!\x1e42[\"b\"]";
    let (_fake, mut events) = served(vec![body(payload)]).await;
    assert_eq!(shown(&event(&mut events).await), "a()");
    let mut undecodable = 0;
    loop {
        match soon(events.next()).await {
            Some(SocketEvent::Undecodable(_)) => undecodable += 1,
            Some(SocketEvent::Event(event)) => break assert_eq!(shown(&event), "b()"),
            other => panic!("{other:?}"),
        }
    }
    assert!((4..=5).contains(&undecodable), "{undecodable}");
}

#[tokio::test]
async fn an_answer_of_another_type_is_read_all_the_same() {
    let payload = "42[\"a\"]";
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n{payload}",
        payload.len()
    );
    let (_fake, mut events) = served(vec![Reply::Raw(answer.into_bytes())]).await;
    assert_eq!(shown(&event(&mut events).await), "a()");
}

#[tokio::test]
async fn an_error_ends_it_and_is_told() {
    for status in [400, 404, 413, 500, 503] {
        let reason = ends_with(Reply::Status(status)).await;
        assert_eq!(reason, CloseReason::Http { status });
        assert!(!reason.is_clean());
    }
    let elsewhere = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/?canary\r\nContent-Length: 0\r\n\r\n";
    let reason = ends_with(Reply::Raw(elsewhere.to_vec())).await;
    assert_eq!(reason, CloseReason::Http { status: 302 });
    let reason = ends_with(Reply::Raw(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n42[".to_vec(),
    ))
    .await;
    assert_eq!(reason, CloseReason::TransportClosed);
}

#[tokio::test]
async fn an_error_in_answer_to_packets_ends_it_after_the_last_words() {
    let slow = Reply::Drip("42[\"last\"]", Duration::from_millis(20));
    let fake = Fake::start(vec![slow], vec![Reply::Status(413)]).await;
    let (socket, mut events) = arrives(to(fake.address, Transports::Polling)).await;
    socket.try_emit("hello", &()).unwrap();
    assert_eq!(shown(&event(&mut events).await), "last()");
    assert_eq!(closed(&mut events).await, CloseReason::Http { status: 413 });
    assert!(fake.heard()[1].starts_with(r#"42["hello"]"#));
    assert_eq!(fake.heard().len(), 2, "nothing is said twice");
}

#[tokio::test]
async fn a_large_answer_is_not_taken_in() {
    for announced in [true, false] {
        let large = Reply::Large {
            bytes: 10 << 20,
            announced,
        };
        let fake = Fake::start(vec![large], vec![]).await;
        let mut options = to(fake.address, Transports::Polling);
        options.limits.incoming_bytes = 1 << 20;
        let (_, mut events) = arrives(options).await;
        assert_eq!(closed(&mut events).await, CloseReason::TooLarge);
    }
}

#[tokio::test]
async fn a_slow_answer_arrives_and_one_without_an_end_is_given_up() {
    // Longer than a ping may take (0.5 s), and a sign of life all along.
    let slow = Reply::Drip(r#"42["slow and steady"]"#, Duration::from_millis(50));
    let (_fake, mut events) = served(vec![slow]).await;
    assert_eq!(shown(&event(&mut events).await), "slow and steady()");
    // Then nothing comes any more, not even a ping.
    assert_eq!(closed(&mut events).await, CloseReason::PingTimeout);
}

#[tokio::test]
async fn answers_without_a_word_are_not_asked_for_in_a_frenzy() {
    let fake = Fake::start(vec![body("6"); 1_000], vec![]).await;
    let mut options = to(fake.address, Transports::Polling);
    options.probe_interval = Duration::from_secs(10);
    let start = Instant::now();
    let (_, mut events) = arrives(options).await;
    // Noops are no pings: it ends when the pings stay away, and has asked in vain
    // a few times by then, not a thousand.
    let reason = closed(&mut events).await;
    assert_eq!(reason, CloseReason::PingTimeout);
    assert!(start.elapsed() < Duration::from_secs(5));
    let asked = 1_000 - fake.left();
    assert!((5..50).contains(&asked), "{asked}");
}

async fn refused_with(polls: Vec<Reply>) -> ConnectError {
    let fake = Fake::bare(polls, vec![]).await;
    let mut options = to(fake.address, Transports::Polling);
    options.connect_timeout = Duration::from_secs(1);
    options.limits.incoming_bytes = 1 << 20;
    soon(connect(options)).await.unwrap_err()
}

#[tokio::test]
async fn a_first_answer_that_is_none_is_told_from_others() {
    let no_session = r#"0{"sid":"s"}"#;
    for reply in [
        body("<html></html>"),
        body(""),
        body("6"),
        body(no_session),
        Reply::Status(404),
        Reply::Large {
            bytes: 2 << 20,
            announced: true,
        },
        Reply::Raw(b"220 mail.example ESMTP\r\n".to_vec()),
    ] {
        let error = refused_with(vec![reply.clone()]).await;
        assert!(
            matches!(error, ConnectError::NotSocketIo(_)),
            "{reply:?}: {error:?}"
        );
    }
    let error = refused_with(vec![Reply::Status(503)]).await;
    assert!(
        matches!(error, ConnectError::Http { status: 503 }),
        "{error:?}"
    );
    let error = refused_with(vec![Reply::Raw(vec![])]).await;
    assert!(matches!(error, ConnectError::Network(_)), "{error:?}");
    let moved = b"HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.example/x?canary\r\nContent-Length: 0\r\n\r\n";
    let error = refused_with(vec![Reply::Raw(moved.to_vec())]).await;
    assert!(
        matches!(error, ConnectError::Redirected { .. }),
        "{error:?}"
    );
    assert!(!format!("{error:?} {error}").contains("canary"));
    for silent in [Reply::Never, Reply::Drip("0{}", Duration::from_secs(9))] {
        let error = refused_with(vec![silent]).await;
        assert!(matches!(error, ConnectError::TimedOut), "{error:?}");
    }
}

#[tokio::test]
async fn a_flood_of_tiny_packets_lets_others_run() {
    let pings = "2\x1e".repeat(100_000);
    let flood = body(&format!("42[\"a\"]\x1e{pings}42[\"b\"]"));
    let (_fake, mut events) = served(vec![flood]).await;
    let turns = Arc::new(AtomicU32::new(0));
    let counting = Arc::clone(&turns);
    let others = tokio::spawn(async move {
        loop {
            counting.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(shown(&event(&mut events).await), "a()");
    let before = turns.load(Ordering::Relaxed);
    assert_eq!(shown(&event(&mut events).await), "b()");
    let between = turns.load(Ordering::Relaxed) - before;
    others.abort();
    assert!(between > 100, "{between}");
}
