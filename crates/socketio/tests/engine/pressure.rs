//! Clients that do not read, or do not write.

use std::time::{Duration, Instant};

use parlour_socketio::server::{Frame, Full, LeaveReason, ServerOptions, Socket};
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::{
    http::{Poller, answer, request, send},
    stage::{Stage, options, soon, stage, until},
    websocket::Ws,
};

/// Sends so much that no system's buffers hold it, until the queue is not empty.
fn fill(socket: &Socket) -> Result<(), Full> {
    let frame = Frame::event("/", None, "long", &("x".repeat(100_000),)).unwrap();
    while socket.queued() == 0 {
        socket.send(&frame)?;
        socket.flush();
    }
    Ok(())
}

/// What a slow reader learns: nothing after the cut.
async fn is_cut(mut stage: Stage) {
    assert_eq!(stage.left().await, LeaveReason::SlowReader);
    assert_eq!(stage.counts().slow_readers_total, 1);
    until(|| stage.counts().connections == 0).await;
}

#[tokio::test]
async fn too_many_bytes_cut_a_slow_reader() {
    let mut stage = stage(ServerOptions {
        out_bytes: 300_000,
        ..options()
    });
    let _ws = Ws::join(stage.addr()).await;
    let socket = stage.joined().await;
    fill(&socket).unwrap();
    let frame = Frame::event("/", None, "long", &("x".repeat(100_000),)).unwrap();
    let mut taken = 0;
    while socket.send(&frame).is_ok() {
        taken += 1;
        assert!(taken < 10);
    }
    // Cut by that very call, and from then on all is taken and forgotten.
    assert_eq!(socket.queued(), 0);
    assert_eq!(socket.send(&frame), Ok(()));
    is_cut(stage).await;
}

#[tokio::test]
async fn too_many_frames_cut_a_slow_reader() {
    let mut stage = stage(ServerOptions {
        out_frames: 10,
        ..options()
    });
    let _ws = Ws::join(stage.addr()).await;
    let socket = stage.joined().await;
    fill(&socket).unwrap();
    let frame = Frame::event("/", None, "short", &()).unwrap();
    let taken = (0..100).take_while(|_| socket.send(&frame).is_ok()).count();
    assert!((5..10).contains(&taken), "{taken}");
    is_cut(stage).await;
}

#[tokio::test]
async fn too_much_cuts_a_client_that_does_not_poll() {
    let mut stage = stage(ServerOptions {
        out_frames: 10,
        ..options()
    });
    let poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    let frame = Frame::event("/", None, "short", &()).unwrap();
    let taken = (0..100).take_while(|_| socket.send(&frame).is_ok()).count();
    assert_eq!(taken, 10);
    assert_eq!(stage.left().await, LeaveReason::SlowReader);
    poller.is_unknown().await;
}

#[tokio::test]
async fn one_large_frame_fits_whatever_the_limit() {
    let mut stage = stage(ServerOptions {
        out_bytes: 1_000,
        ..options()
    });
    let mut ws = Ws::join(stage.addr()).await;
    let socket = stage.joined().await;
    let text = "x".repeat(8_000_000);
    let frame = Frame::event("/", None, "long", &(&text,)).unwrap();
    socket.send(&frame).unwrap();
    socket.flush();
    assert!(socket.queued() > 1_000, "no system holds that much");
    assert_eq!(
        ws.hears().await.len(),
        text.len() + r#"42["long",""]"#.len()
    );
    soon(socket.drained()).await;
    // And a batch fits that is only flushed at its end.
    let frame = Frame::event("/", None, "batch", &("x".repeat(400),)).unwrap();
    for _ in 0..50 {
        socket.send(&frame).unwrap();
    }
    socket.flush();
    for _ in 0..50 {
        assert!(ws.hears().await.starts_with(r#"42["batch","#));
    }
}

#[tokio::test]
async fn what_is_beyond_the_limits_is_so_once_at_a_time() {
    let mut stage = stage(ServerOptions {
        out_bytes: 100_000,
        ..options()
    });
    let poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    let state = Frame::event("/", None, "state", &("x".repeat(1_000_000),)).unwrap();
    let change = Frame::event("/", None, "change", &()).unwrap();
    socket.send_beyond(&state).unwrap();
    for _ in 0..100 {
        socket.send(&change).unwrap();
    }
    // Who comes for it again and again without reading it is a slow reader.
    let taken = (0..100).take_while(|_| socket.send_beyond(&state).is_ok());
    assert_eq!(taken.count(), 1);
    assert_eq!(stage.left().await, LeaveReason::SlowReader);
    poller.is_unknown().await;
}

#[tokio::test]
async fn a_reader_that_stands_still_is_cut() {
    let limit = Duration::from_millis(200);
    let mut stage = stage(ServerOptions {
        stall_timeout: limit,
        ..options()
    });
    let _ws = Ws::join(stage.addr()).await;
    let socket = stage.joined().await;
    let start = Instant::now();
    fill(&socket).unwrap();
    is_cut(stage).await;
    assert!(start.elapsed() >= limit);
}

#[tokio::test]
async fn a_client_that_stops_polling_is_cut() {
    let mut stage = stage(ServerOptions {
        stall_timeout: Duration::from_millis(100),
        ..options()
    });
    let poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    socket.emit("news", &()).unwrap();
    assert_eq!(stage.left().await, LeaveReason::SlowReader);
    poller.is_unknown().await;
}

#[tokio::test]
async fn a_reader_that_goes_on_is_not_cut() {
    let limit = Duration::from_millis(600);
    let mut stage = stage(ServerOptions {
        stall_timeout: limit,
        ..options()
    });
    let mut ws = Ws::join(stage.addr()).await;
    let socket = stage.joined().await;
    let frame = Frame::event("/", None, "long", &("x".repeat(8_000_000),)).unwrap();
    socket.send(&frame).unwrap();
    socket.flush();
    assert!(socket.queued() > 0);
    // Slower than the limit in all, and never still for as long.
    let start = Instant::now();
    let mut bytes = vec![0; 200_000];
    let mut rest = frame.size();
    while rest > 0 {
        if start.elapsed() < 2 * limit {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let read = soon(ws.0.get_mut().read(&mut bytes)).await.unwrap();
        assert_ne!(read, 0, "it is still there");
        rest -= read;
    }
    soon(socket.drained()).await;
    assert_eq!(stage.counts().slow_readers_total, 0);
}

#[tokio::test]
async fn a_head_that_does_not_end_is_hung_up() {
    let stage = stage(ServerOptions {
        header_timeout: Duration::from_millis(150),
        ..options()
    });
    let mut partial = send(stage.addr(), "GET / HTTP/1.1\r\nHost: te").await;
    let mut silent = TcpStream::connect(stage.addr()).await.unwrap();
    let mut kept = send(stage.addr(), "GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    for stream in [&mut partial, &mut silent, &mut kept] {
        let mut rest = Vec::new();
        let _ = soon(stream.read_to_end(&mut rest)).await;
    }
    until(|| stage.counts().connections == 0).await;
}

#[tokio::test]
async fn a_body_that_does_not_end_is_hung_up() {
    let mut stage = stage(ServerOptions {
        body_timeout: Duration::from_millis(150),
        ..options()
    });
    let poller = Poller::join(stage.addr()).await;
    let text = request("POST", &poller.path(), "", "42[]");
    let mut stream = send(stage.addr(), text.strip_suffix("2[]").unwrap()).await;
    assert_eq!(answer(&mut stream).await.status, 408);
    assert_eq!(stage.left().await, LeaveReason::TransportClosed);
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_given_up() {
    let mut stage = stage(ServerOptions {
        stall_timeout: Duration::from_millis(150),
        out_bytes: 100_000_000,
        ..options()
    });
    let poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    let frame = Frame::event("/", None, "long", &("x".repeat(16_000_000),)).unwrap();
    socket.send(&frame).unwrap();
    let _poll = poller.poll_open().await;
    until(|| socket.queued() == 0).await;
    until(|| stage.counts().connections == 0).await;
}

#[tokio::test]
async fn only_so_many_connections_are_open_at_once() {
    let stage = stage(ServerOptions {
        tcp_connections: 2,
        ..options()
    });
    let first = Ws::join(stage.addr()).await;
    let _second = Ws::join(stage.addr()).await;
    let third = tokio::spawn(Ws::join(stage.addr()));
    drop(first);
    let mut third = soon(third).await.unwrap();
    third.says(r#"42["message"]"#).await;
    assert_eq!(third.hears().await, r#"42["message-back"]"#);
    assert_eq!(stage.counts().connections, 2);
}
