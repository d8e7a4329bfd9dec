//! Pings, pongs, and what silence means.

use std::time::{Duration, Instant};

use parlour_socketio::server::{
    ConnectRequest, Frame, IncomingEvent, LeaveReason, Namespace, Refusal, Server, ServerOptions,
    Socket,
};
use tokio::io::AsyncReadExt;

use crate::{
    http::Poller,
    stage::{options, soon, stage, stage_of},
    websocket::Ws,
};

const INTERVAL: Duration = Duration::from_millis(150);
const TIMEOUT: Duration = Duration::from_millis(150);

fn quick() -> ServerOptions {
    ServerOptions {
        ping_interval: INTERVAL,
        ping_timeout: TIMEOUT,
        ..options()
    }
}

#[tokio::test]
async fn polling_clients_are_pinged() {
    let stage = stage(quick());
    let mut poller = Poller::join(stage.addr()).await;
    for _ in 0..3 {
        assert_eq!(poller.hears().await, "2");
        poller.says("3").await;
    }
}

#[tokio::test]
async fn websocket_clients_are_pinged() {
    let stage = stage(quick());
    let mut ws = Ws::join(stage.addr()).await;
    for _ in 0..3 {
        assert_eq!(ws.hears().await, "2");
        ws.says("3").await;
    }
}

#[tokio::test]
async fn a_silent_polling_client_is_given_up() {
    let mut stage = stage(quick());
    let start = Instant::now();
    let poller = Poller::join(stage.addr()).await;
    assert_eq!(stage.left().await, LeaveReason::PingTimeout);
    assert!(start.elapsed() >= INTERVAL + TIMEOUT);
    poller.is_unknown().await;
    assert_eq!(stage.counts().ping_timeouts_total, 1);
}

#[tokio::test]
async fn a_silent_websocket_client_is_given_up() {
    let mut stage = stage(quick());
    let start = Instant::now();
    let mut ws = Ws::join(stage.addr()).await;
    assert_eq!(stage.left().await, LeaveReason::PingTimeout);
    assert!(start.elapsed() >= INTERVAL + TIMEOUT);
    assert_eq!(ws.rest().await.0, ["2"]);
}

#[tokio::test]
async fn a_client_that_speaks_is_not_silent() {
    let mut stage = stage(quick());
    let mut ws = Ws::join(stage.addr()).await;
    assert_eq!(ws.hears().await, "2");
    // Its pong is late, but it speaks.
    let start = Instant::now();
    while start.elapsed() < 2 * TIMEOUT {
        ws.says(r#"42["message"]"#).await;
        assert_eq!(ws.hears().await, r#"42["message-back"]"#);
    }
    drop(ws);
    assert_eq!(stage.left().await, LeaveReason::TransportClosed);
}

#[tokio::test]
async fn a_slow_handler_is_not_its_clients_silence() {
    let mut stage = stage(quick());
    let mut ws = Ws::join(stage.addr()).await;
    ws.says(r#"42["slow",700]"#).await;
    // It answers at once, behind what the server takes its time for.
    assert_eq!(ws.hears().await, "2");
    ws.says("3").await;
    assert_eq!(ws.hears().await, r#"42["slow-back",700]"#);
    assert_eq!(ws.hears().await, "2");
    drop(ws);
    assert_eq!(stage.left().await, LeaveReason::TransportClosed);
}

#[tokio::test]
async fn a_ping_behind_much_else_is_waited_for() {
    let mut stage = stage(quick());
    let mut ws = Ws::join_narrow(stage.addr()).await;
    let socket = stage.joined().await;
    let frame = Frame::event("/", None, "long", &("x".repeat(8_000_000),)).unwrap();
    socket.send(&frame).unwrap();
    socket.flush();
    assert!(socket.queued() > 0, "no system holds that much");
    // A slow network: the ping is on its way for longer than its answer may take.
    let start = Instant::now();
    let mut bytes = vec![0; 50_000];
    let mut rest = frame.size();
    while rest > 0 {
        if start.elapsed() < 3 * (INTERVAL + TIMEOUT) {
            tokio::time::sleep(TIMEOUT / 10).await;
        }
        let room = rest.min(bytes.len());
        let read = soon(ws.0.get_mut().read(&mut bytes[..room])).await.unwrap();
        assert_ne!(read, 0, "it is still there");
        rest -= read;
    }
    assert_eq!(ws.hears().await, "2");
    ws.says("3").await;
    ws.says(r#"42["message"]"#).await;
    assert_eq!(ws.hears().await, r#"42["message-back"]"#);
}

/// Whoever says something has to go, which takes a while.
struct Reluctant;

impl Namespace for Reluctant {
    type State = ();

    async fn connect(&self, _: &Socket, _: ConnectRequest) -> Result<(), Refusal> {
        Ok(())
    }

    async fn event(&self, socket: &Socket, (): &mut (), _: IncomingEvent) {
        socket.disconnect();
    }

    async fn left(&self, _: &Socket, (): (), _: LeaveReason) {
        tokio::time::sleep(4 * (INTERVAL + TIMEOUT)).await;
    }
}

#[tokio::test]
async fn slow_leave_taking_is_not_the_clients_silence() {
    let stage = stage_of(Server::builder(quick()).namespace("/reluctant", Reluctant));
    let mut ws = Ws::join(stage.addr()).await;
    ws.says("40/reluctant,").await;
    assert!(ws.hears().await.starts_with("40/reluctant,"));
    ws.says(r#"42/reluctant,["out"]"#).await;
    assert_eq!(ws.hears().await, "41/reluctant,");
    assert_eq!(ws.hears().await, "2");
    ws.says("3").await;
    ws.says(r#"42["message"]"#).await;
    assert_eq!(ws.hears().await, r#"42["message-back"]"#);
}
