//! Everybody at once.

use std::time::Duration;

use futures_util::future::join_all;
use parlour_socketio::server::ServerOptions;

use crate::{
    stage::{options, soon, stage, until},
    websocket::Ws,
};

const CROWD: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connect_at_once_and_are_served() {
    let stage = stage(ServerOptions {
        connect_timeout: Duration::from_secs(60),
        ..options()
    });
    let addr = stage.addr();
    let crowd = (0..CROWD).map(|_| tokio::spawn(Ws::join(addr)));
    let mut crowd: Vec<Ws> = join_all(crowd)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(stage.counts().websocket, CROWD as u64);
    join_all(crowd.iter_mut().enumerate().map(|(number, ws)| async move {
        ws.says(&format!(r#"42["message",{number}]"#)).await;
        assert_eq!(ws.hears().await, format!(r#"42["message-back",{number}]"#));
    }))
    .await;
    drop(crowd);
    until(|| stage.counts().connections == 0).await;
    soon(stage.end()).await;
}
