//! Options that nobody should have to think about twice.

use std::time::Duration;

use parlour_socketio::server::{LeaveReason, ServerOptions};

use crate::{
    http::{POLLING, Poller, get},
    stage::{options, soon, stage},
    websocket::Ws,
};

#[tokio::test]
async fn no_limit_at_all_is_a_limit_like_any_other() {
    let stage = stage(ServerOptions {
        ping_interval: Duration::MAX,
        ping_timeout: Duration::MAX,
        connect_timeout: Duration::MAX,
        upgrade_timeout: Duration::MAX,
        stall_timeout: Duration::MAX,
        header_timeout: Duration::MAX,
        body_timeout: Duration::MAX,
        max_payload: usize::MAX,
        max_attachments: usize::MAX,
        out_bytes: usize::MAX,
        out_frames: usize::MAX,
        tcp_connections: usize::MAX,
        ..options()
    });
    let mut poller = Poller::join(stage.addr()).await;
    poller.says(r#"42["message",1]"#).await;
    assert_eq!(poller.hears().await, r#"42["message-back",1]"#);
    let mut ws = Ws::beside(stage.addr(), &poller.sid).await;
    ws.says("2probe").await;
    assert_eq!(ws.hears().await, "3probe");
    ws.says("5").await;
    ws.says(r#"42["message",2]"#).await;
    assert_eq!(ws.hears().await, r#"42["message-back",2]"#);
    assert_eq!(stage.end().await, [LeaveReason::ServerClosing]);
}

#[tokio::test]
async fn a_path_is_the_same_with_and_without_its_slashes() {
    for path in ["/engine/", "/engine", "engine"] {
        let stage = stage(ServerOptions {
            path: path.to_owned(),
            ..options()
        });
        let (_, query) = POLLING.split_once('?').unwrap();
        for asked in ["/engine/", "/engine"] {
            let answer = get(stage.addr(), &format!("{asked}?{query}")).await;
            assert_eq!(answer.status, 200, "{asked} at {path}");
        }
        assert_eq!(get(stage.addr(), POLLING).await.status, 404);
    }
}

#[tokio::test]
async fn sessions_that_only_begin_are_counted_too() {
    let stage = stage(ServerOptions {
        tcp_connections: 3,
        ..options()
    });
    let mut pollers = Vec::new();
    for _ in 0..3 {
        pollers.push(Poller::join(stage.addr()).await);
    }
    assert_eq!(get(stage.addr(), POLLING).await.status, 503);
    // One goes, and there is room again.
    let gone = pollers.pop().unwrap();
    gone.says("1").await;
    soon(async { while get(stage.addr(), POLLING).await.status != 200 {} }).await;
}
