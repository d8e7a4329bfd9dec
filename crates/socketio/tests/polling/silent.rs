//! Lines on which nothing passes any more, and servers that are gone.

use std::time::{Duration, Instant};

use parlour_socketio::{AckError, CloseReason, Transports};

use crate::{
    echo::{arrives, closed, echo, event, shown, soon, to},
    fake::Fake,
    proxy::{Proxy, Upgrades},
};

#[tokio::test]
async fn a_line_that_swallows_everything_is_noticed_without_a_word_of_ours() {
    let server = echo(|_| {});
    let proxy = Proxy::start(server.addr(), Upgrades::Pass).await;
    let mut options = to(proxy.address, Transports::Polling);
    options.probe_interval = Duration::from_millis(500);
    options.silence_limit = Duration::from_millis(1_500);
    let (socket, mut events) = arrives(options).await;
    socket.try_emit("hello", &()).unwrap();
    assert_eq!(shown(&event(&mut events).await), "hello()");
    // Quiet, and alive: four times what silence may last.
    let quiet = tokio::time::timeout(Duration::from_secs(6), events.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    proxy.swallow_everything();
    let start = Instant::now();
    assert_eq!(closed(&mut events).await, CloseReason::PingTimeout);
    // A third of the time that it takes by default, where 20 s are the limit.
    assert!(start.elapsed() < Duration::from_millis(2_500));
}

#[tokio::test]
async fn a_poll_on_a_dead_line_is_noticed_although_other_requests_are_answered() {
    let server = echo(|_| {});
    let proxy = Proxy::start(server.addr(), Upgrades::Pass).await;
    let mut options = to(proxy.address, Transports::Polling);
    options.probe_interval = Duration::from_millis(200);
    options.silence_limit = Duration::from_millis(800);
    let (_socket, mut events) = arrives(options).await;
    // Until the first probe has come back.
    let quiet = tokio::time::timeout(Duration::from_secs(1), events.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    proxy.swallow_polls();
    let start = Instant::now();
    assert_eq!(closed(&mut events).await, CloseReason::PingTimeout);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_request_that_is_never_answered_ends_it() {
    let fake = Fake::start(vec![], vec![crate::fake::Reply::Never]).await;
    let mut options = to(fake.address, Transports::Polling);
    options.write_timeout = Duration::from_millis(200);
    let (socket, mut events) = arrives(options).await;
    socket.try_emit("hello", &()).unwrap();
    assert_eq!(closed(&mut events).await, CloseReason::WriteTimeout);
}

#[tokio::test]
async fn a_server_that_answers_no_probe_by_a_poll_lives_by_its_other_answers() {
    // It pings every 300 ms, and knows of no namespaces.
    let pings = (0..10).map(|_| crate::fake::Reply::Drip("2", Duration::from_millis(300)));
    let fake = Fake::start(pings.collect(), vec![]).await;
    let mut options = to(fake.address, Transports::Polling);
    options.probe_interval = Duration::from_millis(50);
    options.silence_limit = Duration::from_millis(200);
    let start = Instant::now();
    let (_socket, mut events) = arrives(options).await;
    assert_eq!(closed(&mut events).await, CloseReason::PingTimeout);
    assert!(
        start.elapsed() > Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    let pongs = fake
        .heard()
        .iter()
        .filter(|body| body.contains('3'))
        .count();
    assert!(pongs >= 10, "{:?}", fake.heard());
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_of_a_poll_is_missed_at_once() {
    let server = echo(|_| {});
    let (socket, mut events) = arrives(to(server.addr(), Transports::Polling)).await;
    let asked = socket.emit_with_ack("slow", &(), Duration::from_secs(20));
    socket.try_emit("hello", &()).unwrap();
    assert_eq!(shown(&event(&mut events).await), "hello()");
    drop(asked);
    let start = Instant::now();
    soon(server.abort()).await;
    let reason = closed(&mut events).await;
    assert!(
        matches!(
            reason,
            // The last: it still answers, and knows of nothing any more.
            CloseReason::TransportClosed
                | CloseReason::ServerDisconnect
                | CloseReason::Http { status: 400 }
        ),
        "{reason:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(3));
    let late = socket.emit_with_ack("late", &(), Duration::from_secs(1));
    assert!(matches!(late.await, Err(AckError::Emit(_))));
}

#[tokio::test]
async fn a_goodbye_is_heard_and_ends_the_session_at_the_server() {
    let server = echo(|_| {});
    let (socket, mut events) = arrives(to(server.addr(), Transports::Polling)).await;
    for number in 0..500 {
        socket.emit("n", &(number,)).await.unwrap();
    }
    let start = Instant::now();
    socket.close();
    loop {
        match soon(events.next()).await {
            Some(parlour_socketio::SocketEvent::Event(_)) => {}
            Some(parlour_socketio::SocketEvent::Closed(reason)) => {
                break assert_eq!(reason, CloseReason::Local);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(
        start.elapsed() < Duration::from_millis(1_500),
        "nobody waited for it"
    );
    soon(async {
        while server.counts().polling > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
