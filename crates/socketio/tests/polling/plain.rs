//! What holds for WebSocket holds over polling.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use parlour_socketio::{
    CloseReason, ConnectError, EmitError, FenceAnswer, Placeholder, Transport, Transports,
};
use serde_json::value::RawValue;

use crate::echo::{arrives, bytes, closed, echo, event, shown, soon, to};

#[tokio::test]
async fn events_go_both_ways_in_order() {
    let server = echo(|_| {});
    let (socket, mut events) = arrives(to(server.addr(), Transports::Polling)).await;
    assert_eq!(socket.transport(), Transport::Polling);
    assert!(format!("{socket:?}").contains("Polling"));
    for number in 0..2_000 {
        socket.emit("n", &(number, "half 😀")).await.unwrap();
        if number % 100 == 99 {
            for number in number - 99..=number {
                let heard = shown(&event(&mut events).await);
                assert_eq!(heard, format!(r#"n({number}, "half 😀")"#));
            }
        }
    }
    assert_eq!(socket.transport(), Transport::Polling);
    socket.close();
    assert_eq!(closed(&mut events).await, CloseReason::Local);
    soon(server.abort()).await;
}

#[tokio::test]
async fn attachments_arrive_whole() {
    let server = echo(|_| {});
    let (socket, mut events) = arrives(to(server.addr(), Transports::Polling)).await;
    for length in [0, 1, 2, 3, 4, 1_000, 300_000] {
        let sent = vec![bytes(7, length), Bytes::from_static(b"\x1e\0\xff")];
        let args = (Placeholder(0), "text", Placeholder(1));
        socket
            .try_emit_with_attachments("file", &args, sent.clone())
            .unwrap();
        assert_eq!(event(&mut events).await.attachments, sent);
    }
}

#[tokio::test]
async fn what_fits_in_no_request_is_refused_here() {
    let server = echo(|options| options.max_payload = 1_000);
    let (socket, mut events) = arrives(to(server.addr(), Transports::Polling)).await;
    let attach = |length| {
        let part = vec![bytes(1, length)];
        socket.try_emit_with_attachments("f", &(Placeholder(0),), part)
    };
    // In base64 it is a third larger.
    assert!(matches!(
        attach(800),
        Err(EmitError::TooLarge { limit: 1_000, .. })
    ));
    attach(700).unwrap();
    assert_eq!(event(&mut events).await.attachments, [bytes(1, 700)]);
    // Many that fit only one by one.
    let text = "x".repeat(900);
    for number in 0..50 {
        socket.emit("n", &(number, &text)).await.unwrap();
    }
    for number in 0..50 {
        assert_eq!(event(&mut events).await.args[0].get(), number.to_string());
    }
}

#[tokio::test]
async fn answers_find_who_asked() {
    let server = echo(|_| {});
    let (socket, mut events) = arrives(to(server.addr(), Transports::Polling)).await;
    let asked = (0..200).map(|number| {
        let socket = socket.clone();
        async move {
            let patience = Duration::from_secs(20);
            let answer = socket.emit_with_ack("ask", &(number,), patience).await;
            assert_eq!(answer.unwrap().args[0].get(), number.to_string());
        }
    });
    let reading = async {
        for _ in 0..200 {
            event(&mut events).await;
        }
    };
    soon(async { tokio::join!(join_all(asked), reading) }).await;
}

#[tokio::test]
async fn a_thousand_fences_are_answered_in_order() {
    let server = echo(|_| {});
    let (socket, mut events) = arrives(to(server.addr(), Transports::Polling)).await;
    for number in 0..1_000 {
        socket.emit("n", &(number,)).await.unwrap();
        let fence = loop {
            match socket.try_fence() {
                Ok(fence) => break fence,
                Err(EmitError::Full) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(soon(fence).await.unwrap(), FenceAnswer::Refused);
        assert_eq!(shown(&event(&mut events).await), format!("n({number})"));
    }
}

#[tokio::test]
async fn a_refusal_is_the_same_and_no_reason_to_try_otherwise() {
    let server = echo(|_| {});
    for transports in [
        Transports::Polling,
        Transports::PollingFirst,
        Transports::WebSocketFirst,
    ] {
        let before = server.counts().sessions_total;
        let mut options = to(server.addr(), transports);
        options.auth = Some(RawValue::from_string(r#"{"name":"stranger"}"#.to_owned()).unwrap());
        let error = soon(parlour_socketio::connect(options)).await.unwrap_err();
        assert!(
            matches!(&error, ConnectError::Refused { message, .. } if message == "we do not know you"),
            "{error:?}"
        );
        assert_eq!(server.counts().sessions_total, before + 1);
    }
}

#[tokio::test]
async fn a_slow_reader_slows_the_server_and_loses_nothing() {
    let server = echo(|options| options.out_bytes = 64 << 20);
    let mut options = to(server.addr(), Transports::Polling);
    options.limits.queued_events = 4;
    options.silence_limit = Duration::from_secs(2);
    options.probe_interval = Duration::from_millis(500);
    let (socket, mut events) = arrives(options).await;
    let filler = "x".repeat(10_000);
    socket.try_emit("many", &(1_000, &filler)).unwrap();
    event(&mut events).await;
    // Longer than silence may last: a pause of our own is no silence of the server.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let sent = server.counts().bytes_out_total;
    assert!(sent < 9_000_000, "{sent} of 10 MB: no poll goes out");
    for number in 1..1_000 {
        assert_eq!(event(&mut events).await.args[0].get(), number.to_string());
    }
}

#[tokio::test]
async fn times_without_an_end_are_as_good_as_long_ones() {
    let server = echo(|_| {});
    for transports in [
        Transports::Polling,
        Transports::PollingFirst,
        Transports::WebSocketFirst,
    ] {
        let mut options = to(server.addr(), transports);
        for time in [
            &mut options.connect_timeout,
            &mut options.write_timeout,
            &mut options.close_timeout,
            &mut options.probe_interval,
            &mut options.silence_limit,
            &mut options.wake_limit,
        ] {
            *time = Duration::MAX;
        }
        let (socket, mut events) = arrives(options).await;
        socket.try_emit("hello", &()).unwrap();
        assert_eq!(shown(&event(&mut events).await), "hello()");
        socket.close();
        assert_eq!(closed(&mut events).await, CloseReason::Local);
    }
    soon(server.abort()).await;
}
