//! Slow readers on either side.

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use parlour_socketio::{CloseReason, EmitError, SocketEvent};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::Message;

use crate::peer::{PATIENCE, closed, event, next, pair, pair_over, soon};

#[tokio::test]
async fn a_slow_reader_slows_the_server_and_loses_nothing() {
    let (_socket, mut events, mut peer) = pair(|options| {
        options.limits.queued_events = 8;
        options.probe_interval = Duration::from_millis(50);
        options.silence_limit = Duration::from_millis(200);
    })
    .await;
    // More than the queue and every buffer of the kernel hold together.
    const COUNT: usize = 1_000;
    let filler = "x".repeat(64 << 10);
    let mut flood = tokio::spawn(async move {
        for number in 0..COUNT {
            let text = format!(r#"42["n",{number},"{filler}"]"#);
            peer.ws.send(Message::text(text)).await.unwrap();
        }
        peer
    });
    // Long enough for the silence limit to pass several times: a pause of our own
    // is no silence of the server.
    let stuck = tokio::time::timeout(Duration::from_millis(1_000), &mut flood).await;
    assert!(stuck.is_err(), "the server must not be able to send it all");
    for number in 0..COUNT {
        assert_eq!(event(&mut events).await.args[0].get(), number.to_string());
    }
    let mut peer = soon(flood).await.unwrap();
    peer.ws.send(Message::text("41")).await.unwrap();
    assert_eq!(closed(&mut events).await, CloseReason::ServerDisconnect);
}

#[tokio::test]
async fn the_queue_is_bounded_in_bytes_too() {
    let (_socket, mut events, mut peer) = pair(|options| {
        options.limits.queued_event_bytes = 1_000;
        options.limits.queued_events = 1_000_000;
    })
    .await;
    let mut flood = tokio::spawn(async move {
        let filler = "x".repeat(1 << 20);
        for _ in 0..64 {
            let text = format!(r#"42["n","{filler}"]"#);
            peer.ws.send(Message::text(text)).await.unwrap();
        }
        peer
    });
    let stuck = tokio::time::timeout(Duration::from_millis(500), &mut flood).await;
    assert!(stuck.is_err(), "the server must not be able to send it all");
    for _ in 0..64 {
        assert!(matches!(next(&mut events).await, SocketEvent::Event(_)));
    }
    drop(soon(flood).await);
    assert_eq!(closed(&mut events).await, CloseReason::TransportClosed);
}

#[tokio::test]
async fn a_long_upload_that_moves_is_no_silence() {
    let open = r#"0{"sid":"engine","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
    let (socket, mut events, mut peer) = pair_over(open, |options| {
        options.probe_interval = Duration::from_millis(500);
        options.silence_limit = Duration::from_secs(2);
    })
    .await;
    const LENGTH: usize = 32 << 20;
    socket.try_emit("n", &("x".repeat(LENGTH),)).unwrap();
    // Takes more than twice the silence limit, and says nothing meanwhile.
    let mut taken = 0;
    let mut buffer = vec![0; 64 << 10];
    let start = Instant::now();
    while taken < LENGTH {
        match soon(peer.ws.get_mut().read(&mut buffer)).await.unwrap() {
            0 => panic!("given up after {taken} bytes"),
            length => taken += length,
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(start.elapsed() > Duration::from_secs(4));
    // From now on it is.
    assert_eq!(closed(&mut events).await, CloseReason::PingTimeout);
}

#[tokio::test]
async fn a_server_that_stops_reading_fills_the_queue_and_then_ends_it() {
    let (socket, mut events, peer) = pair(|options| {
        options.write_timeout = Duration::from_secs(2);
        options.probe_interval = PATIENCE;
        options.silence_limit = PATIENCE;
    })
    .await;
    let filler = "x".repeat(64 << 10);
    let refused = soon(async {
        loop {
            if let Err(refused) = socket.try_emit("n", &(&filler,)) {
                return refused;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(refused, EmitError::Full);
    // One who waits for room hears of the end instead.
    let args = (&filler,);
    let waiting = socket.emit("n", &args);
    let (waited, reason) = soon(async { tokio::join!(waiting, closed(&mut events)) }).await;
    assert_eq!(waited.unwrap_err(), EmitError::Closed);
    assert_eq!(reason, CloseReason::WriteTimeout);
    drop(peer);
}

#[tokio::test]
async fn events_are_still_read_while_writing_stands_still() {
    let (socket, mut events, mut peer) = pair(|options| options.write_timeout = PATIENCE).await;
    let filler = "x".repeat(64 << 10);
    // Until half a second does not make room for one more.
    let room = Duration::from_millis(500);
    while tokio::time::timeout(room, socket.emit("n", &(&filler,)))
        .await
        .is_ok()
    {}
    for number in 0..100 {
        // Pings too: their answers wait as one.
        peer.ws.send(Message::text("2")).await.unwrap();
        peer.ws
            .send(Message::text(format!(r#"42["n",{number}]"#)))
            .await
            .unwrap();
        assert_eq!(event(&mut events).await.args[0].get(), number.to_string());
    }
    let mut pongs = 0;
    let mut texts = 0;
    socket.close();
    soon(async {
        loop {
            match peer.hear().await.as_str() {
                "41" => return,
                "3" => pongs += 1,
                _ => texts += 1,
            }
        }
    })
    .await;
    assert!((1..100).contains(&pongs), "{pongs}");
    assert!(texts > 0);
}
