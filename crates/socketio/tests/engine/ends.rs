//! How sessions end, and servers.

use std::time::Duration;

use futures_util::SinkExt;
use parlour_socketio::server::LeaveReason;
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    http::{POLLING, Poller, answer, get, kept_alive, request, send},
    stage::{options, soon, stage, until},
    websocket::Ws,
};

#[tokio::test]
async fn a_polling_client_says_goodbye() {
    let mut stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let mut waiting = poller.poll_open().await;
    poller.says("1").await;
    // The poll that waits ends without a word, or came too late for one.
    let answer = answer(&mut waiting).await;
    assert!(answer.body == "6" || answer.status == 400, "{answer:?}");
    poller.is_unknown().await;
    assert_eq!(stage.left().await, LeaveReason::TransportClosed);
}

#[tokio::test]
async fn a_websocket_client_says_goodbye() {
    let mut stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    ws.says("1").await;
    assert_eq!(ws.rest().await, (Vec::new(), Some(1000)));
    assert_eq!(stage.left().await, LeaveReason::TransportClosed);
}

#[tokio::test]
async fn a_websocket_is_closed_in_turn() {
    let mut stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    // What was said before is still answered.
    ws.says(r#"42["message"]"#).await;
    ws.0.send(Message::Close(None)).await.unwrap();
    let (texts, code) = ws.rest().await;
    assert_eq!(texts, [r#"42["message-back"]"#]);
    assert_eq!(code, Some(1000));
    assert_eq!(stage.left().await, LeaveReason::TransportClosed);
}

#[tokio::test]
async fn a_broken_stream_is_noticed() {
    let mut stage = stage(options());
    drop(Ws::join(stage.addr()).await);
    assert_eq!(stage.left().await, LeaveReason::TransportClosed);
    until(|| stage.counts().connections == 0).await;
}

#[tokio::test]
async fn a_poll_that_is_hung_up_ends_the_session() {
    let mut stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    // The request is complete, and then comes the end.
    drop(poller.poll_open().await);
    assert_eq!(stage.left().await, LeaveReason::TransportClosed);
    poller.is_unknown().await;
}

#[tokio::test]
async fn the_application_closes_or_cuts() {
    let mut stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    let socket = stage.joined().await;
    socket.emit("last", &("word",)).unwrap();
    socket.close();
    let (texts, code) = ws.rest().await;
    assert_eq!(texts.first().unwrap(), r#"42["last","word"]"#);
    assert_eq!(texts.last().unwrap(), "1");
    assert_eq!(code, Some(1000));
    assert_eq!(stage.left().await, LeaveReason::ServerLeft);

    let mut ws = Ws::join(stage.addr()).await;
    let socket = stage.joined().await;
    socket
        .send(&parlour_socketio::server::Frame::event("/", None, "lost", &()).unwrap())
        .unwrap();
    socket.cut();
    assert_eq!(ws.rest().await, (Vec::new(), None));
    assert_eq!(stage.left().await, LeaveReason::Cut);
    assert_eq!(socket.queued(), 0);
    soon(socket.drained()).await;

    let poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    socket.emit("last", &("word",)).unwrap();
    socket.close();
    let body = poller.poll().await.body;
    let packets: Vec<_> = body.split('\x1e').collect();
    assert_eq!(packets.first().unwrap(), &r#"42["last","word"]"#);
    // The official client drops what comes with the end.
    assert!(!packets.contains(&"1"));
    assert_eq!(poller.poll().await.body, "1");
    poller.is_unknown().await;
}

#[tokio::test]
async fn a_cut_reaches_a_client_whose_handler_takes_its_time() {
    let mut stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    let socket = stage.joined().await;
    ws.says(r#"42["slow",5000]"#).await;
    socket.cut();
    let start = std::time::Instant::now();
    assert_eq!(ws.rest().await, (Vec::new(), None));
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "before the handler ends"
    );
}

#[tokio::test]
async fn a_server_closes_with_a_goodbye_and_what_was_queued() {
    let mut stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    let by_websocket = stage.joined().await;
    let poller = Poller::join(stage.addr()).await;
    let by_polling = stage.joined().await;
    by_websocket.emit("last", &("word",)).unwrap();
    by_polling.emit("last", &("word",)).unwrap();
    assert_eq!(poller.poll().await.body, r#"42["last","word"]"#);
    // It polls on the connection that it has; new ones are not taken any more.
    let mut kept = kept_alive(stage.addr()).await;
    let idle = TcpStream::connect(stage.addr()).await.unwrap();

    let addr = stage.addr();
    let server = stage.server;
    let closing = tokio::spawn(server.close(Duration::from_secs(10)));
    let (texts, code) = ws.rest().await;
    assert_eq!(texts, [r#"42["last","word"]"#, "1"]);
    assert_eq!(code, Some(1001));
    assert_eq!(poller.poll_on(&mut kept).await.body, "1");
    drop(idle);
    soon(closing).await.unwrap();
    assert!(
        TcpStream::connect(addr).await.is_err(),
        "the address is given up"
    );
}

#[tokio::test]
async fn nobody_holds_a_server_back_longer_than_the_grace() {
    let stage = stage(options());
    // It never polls again, and this one never ends its request.
    let _poller = Poller::join(stage.addr()).await;
    let _partial = send(stage.addr(), "GET / HTTP/1.1\r\n").await;
    // This one does not answer the close.
    let _ws = Ws::join(stage.addr()).await;
    let start = std::time::Instant::now();
    soon(stage.server.close(Duration::from_millis(200))).await;
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn who_is_in_stays_when_a_server_takes_nobody_any_more() {
    let stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    let mut kept = kept_alive(stage.addr()).await;
    stage.server.stop_accepting();
    ws.says(r#"42["message"]"#).await;
    assert_eq!(ws.hears().await, r#"42["message-back"]"#);
    // Neither by a connection that it has…
    tokio::io::AsyncWriteExt::write_all(&mut kept, request("GET", POLLING, "", "").as_bytes())
        .await
        .unwrap();
    assert_eq!(answer(&mut kept).await.status, 503);
    // … nor by a new one.
    until(|| std::net::TcpStream::connect(stage.server.addr()).is_err()).await;
}

#[tokio::test]
async fn an_abort_breaks_everything_and_everybody_has_left() {
    let stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    let poller = Poller::join(stage.addr()).await;
    let mut waiting = poller.poll_open().await;
    let mut idle = kept_alive(stage.addr()).await;
    let addr = stage.addr();
    assert_eq!(stage.end().await, [LeaveReason::ServerClosing; 2]);
    assert_eq!(ws.rest().await, (Vec::new(), None));
    for stream in [&mut waiting, &mut idle] {
        let mut rest = Vec::new();
        // Broken or at its end, but not open.
        let _ = soon(stream.read_to_end(&mut rest)).await;
    }
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_server_that_is_dropped_is_gone() {
    let stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    let addr = stage.addr();
    drop(stage);
    ws.rest().await;
    until(|| std::net::TcpStream::connect(addr).is_err()).await;
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let stage = stage(options());
    let _kept = kept_alive(stage.addr()).await;
    assert_eq!(get(stage.addr(), "/other").await.status, 404);
    assert_eq!(stage.counts().connections_total, 2);
}
