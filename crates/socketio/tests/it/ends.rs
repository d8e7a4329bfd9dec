//! How connections end, and what each end is called.

use std::time::Duration;

use futures_util::SinkExt;
use parlour_socketio::{AckError, CloseReason, EmitError};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use crate::peer::{PATIENCE, closed, event, pair, pair_over, shown, soon};

#[tokio::test]
async fn a_server_that_says_goodbye_ended_it_cleanly() {
    for goodbye in [
        Message::text("41"),
        Message::text("1"),
        Message::Close(None),
    ] {
        let (socket, mut events, mut peer) = pair(|_| {}).await;
        peer.say(r#"42["last"]"#).await;
        peer.ws.send(goodbye.clone()).await.unwrap();
        assert_eq!(shown(&event(&mut events).await), "last()");
        let reason = closed(&mut events).await;
        assert_eq!(reason, CloseReason::ServerDisconnect, "{goodbye:?}");
        assert!(reason.is_clean());
        assert_eq!(socket.try_emit("m", &()).unwrap_err(), EmitError::Closed);
        assert_eq!(socket.emit("m", &()).await.unwrap_err(), EmitError::Closed);
        assert_eq!(socket.try_fence().unwrap_err(), EmitError::Closed);
        assert!(
            peer.hears_the_end().await,
            "a goodbye is returned: {goodbye:?}"
        );
    }
}

#[tokio::test]
async fn a_link_that_just_ends_is_not_clean() {
    let (socket, mut events, mut peer) = pair(|_| {}).await;
    let asked = socket.emit_with_ack("ask", &(), PATIENCE);
    let serve = async {
        peer.hear().await;
        drop(peer);
    };
    let (asked, ()) = soon(async { tokio::join!(asked, serve) }).await;
    assert_eq!(asked.unwrap_err(), AckError::Closed);
    let reason = closed(&mut events).await;
    assert_eq!(reason, CloseReason::TransportClosed);
    assert!(!reason.is_clean());
}

#[tokio::test]
async fn a_dead_link_is_noticed_by_our_own_probes() {
    let (_socket, mut events, peer) = pair(|options| {
        options.probe_interval = Duration::from_millis(50);
        options.silence_limit = Duration::from_millis(200);
    })
    .await;
    // The peer is there and never looks: its probes stay unanswered.
    assert_eq!(closed(&mut events).await, CloseReason::PingTimeout);
    drop(peer);
}

#[tokio::test]
async fn a_live_link_without_traffic_stays() {
    let (socket, mut events, mut peer) = pair(|options| {
        options.probe_interval = Duration::from_millis(20);
        options.silence_limit = Duration::from_millis(1_000);
    })
    .await;
    // Listening answers the probes. Two seconds of them are twice the limit.
    let quiet = tokio::time::timeout(Duration::from_secs(2), peer.hear()).await;
    assert!(quiet.is_err());
    socket.try_emit("still", &()).unwrap();
    assert_eq!(peer.hear().await, r#"42["still"]"#);
    peer.say(r#"42["here"]"#).await;
    assert_eq!(shown(&event(&mut events).await), "here()");
}

#[tokio::test]
async fn a_server_that_answers_probes_and_forgets_its_pings_is_dead() {
    let open = r#"0{"sid":"e","pingInterval":100,"pingTimeout":100}"#;
    let (_socket, mut events, mut peer) = pair_over(open, |options| {
        options.probe_interval = Duration::from_millis(20);
    })
    .await;
    let (reason, polite) = tokio::join!(closed(&mut events), peer.hears_the_end());
    assert_eq!(reason, CloseReason::PingTimeout);
    assert!(!polite);
}

#[tokio::test]
async fn a_message_over_the_limit_ends_it() {
    let (_socket, mut events, mut peer) =
        pair(|options| options.limits.incoming_bytes = 1_000).await;
    peer.say(&format!(r#"42["big","{}"]"#, "x".repeat(1_000)))
        .await;
    assert_eq!(closed(&mut events).await, CloseReason::TooLarge);
}

#[tokio::test]
async fn text_that_is_none_ends_it() {
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    let (_socket, mut events, mut peer) = pair(|_| {}).await;
    let frame = Frame::message(vec![b'4', 0xff, 0xfe], OpCode::Data(Data::Text), true);
    peer.ws.send(Message::Frame(frame)).await.unwrap();
    assert!(matches!(
        closed(&mut events).await,
        CloseReason::Protocol(_)
    ));
}

#[tokio::test]
async fn closing_writes_what_was_taken_and_says_goodbye() {
    let (socket, mut events, mut peer) = pair(|_| {}).await;
    for number in 0..500 {
        socket.try_emit("n", &(number,)).unwrap();
    }
    socket.close();
    let serve = async {
        for number in 0..500 {
            assert_eq!(peer.hear().await, format!(r#"42["n",{number}]"#));
        }
        assert_eq!(peer.hear().await, "41");
        assert!(peer.hears_the_end().await);
    };
    let (reason, ()) = tokio::join!(closed(&mut events), serve);
    assert_eq!(reason, CloseReason::Local);
    assert_eq!(socket.try_emit("n", &()).unwrap_err(), EmitError::Closed);
}

#[tokio::test]
async fn a_goodbye_that_no_one_hears_is_bounded() {
    let (socket, mut events, peer) =
        pair(|options| options.close_timeout = Duration::from_millis(100)).await;
    socket.close();
    assert_eq!(closed(&mut events).await, CloseReason::Local);
    drop(peer);
}

#[tokio::test]
async fn who_drops_the_events_closes_the_connection() {
    let (socket, events, mut peer) = pair(|_| {}).await;
    drop(events);
    assert_eq!(peer.hear().await, "41");
    assert!(peer.hears_the_end().await);
    assert_eq!(socket.try_emit("n", &()).unwrap_err(), EmitError::Closed);
}

#[tokio::test]
async fn dropping_every_handle_leaves_the_events() {
    let (socket, mut events, mut peer) = pair(|_| {}).await;
    drop(socket);
    peer.say(r#"42["still"]"#).await;
    assert_eq!(shown(&event(&mut events).await), "still()");
}

#[tokio::test]
async fn a_long_message_on_a_slow_link_is_a_sign_of_life() {
    let limit = Duration::from_millis(500);
    let (_socket, mut events, mut peer) = pair(|options| {
        options.probe_interval = limit / 10;
        options.silence_limit = limit;
    })
    .await;
    let text = format!(r#"42["slow","{}"]"#, "x".repeat(1_000));
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    let frame = [&[0x81, 126], length.as_slice(), text.as_bytes()].concat();
    // One frame in ten pieces, over twice the time that silence may last. No probe
    // can be answered in the middle of it.
    let drip = async {
        for piece in frame.chunks(frame.len().div_ceil(10)) {
            peer.ws.get_mut().write_all(piece).await.unwrap();
            tokio::time::sleep(limit / 5).await;
        }
    };
    let (event, ()) = tokio::join!(event(&mut events), drip);
    assert_eq!(event.name, "slow");
}

#[tokio::test]
async fn what_the_server_said_last_is_heard_although_writing_fails() {
    let (socket, mut events, mut peer) = pair(|_| {}).await;
    // The server leaves with much of this unread, so that its system resets the
    // connection while we still write.
    let filler = "x".repeat(64 << 10);
    while socket.try_emit("n", &(&filler,)).is_ok() {
        tokio::task::yield_now().await;
    }
    // In one write, for what is still on its way at a reset is lost for good.
    for number in 0..100 {
        let text = format!(r#"42["n",{number}]"#);
        peer.ws.feed(Message::text(text)).await.unwrap();
    }
    peer.ws.send(Message::text("41")).await.unwrap();
    drop(peer);
    for number in 0..100 {
        assert_eq!(shown(&event(&mut events).await), format!("n({number})"));
    }
    assert_eq!(closed(&mut events).await, CloseReason::ServerDisconnect);
}
