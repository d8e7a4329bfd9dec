//! What is too large is refused before it is here.

use futures_util::SinkExt;
use parlour_socketio::server::{LeaveReason, ServerOptions};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    http::{Poller, answer, request, send},
    stage::{Stage, options, stage},
    websocket::Ws,
};

const LIMIT: usize = 10_000;

fn small() -> Stage {
    stage(ServerOptions {
        max_payload: LIMIT,
        ..options()
    })
}

/// A message that has exactly this size on the wire.
fn sized(size: usize) -> String {
    let empty = r#"42["message",""]"#.len();
    format!(r#"42["message","{}"]"#, "x".repeat(size - empty))
}

#[tokio::test]
async fn a_websocket_message_of_the_limit_fits_and_one_more_byte_does_not() {
    let mut stage = small();
    let mut ws = Ws::join(stage.addr()).await;
    ws.says(&sized(LIMIT)).await;
    assert_eq!(ws.hears().await.len(), LIMIT + "-back".len());
    ws.says(&sized(LIMIT + 1)).await;
    assert_eq!(ws.rest().await, (vec!["1".to_owned()], Some(1009)));
    assert_eq!(stage.left().await, LeaveReason::TooLarge);
    assert_eq!(stage.counts().too_large_total, 1);
}

#[tokio::test]
async fn fragments_count_together() {
    let mut stage = small();
    let mut ws = Ws::join(stage.addr()).await;
    let fragment = |kind, last| {
        let payload = vec![b'4'; 6_000];
        Message::Frame(Frame::message(payload, OpCode::Data(kind), last))
    };
    ws.0.send(fragment(Data::Text, false)).await.unwrap();
    ws.0.send(fragment(Data::Continue, true)).await.unwrap();
    assert_eq!(ws.rest().await.1, Some(1009));
    assert_eq!(stage.left().await, LeaveReason::TooLarge);
}

#[tokio::test]
async fn an_announcement_is_enough() {
    let mut stage = small();
    let mut ws = Ws::join(stage.addr()).await;
    // 100 MB are announced and never come.
    let mut header = vec![0x81, 0xff];
    header.extend(100_000_000_u64.to_be_bytes());
    header.extend([0; 4]);
    ws.0.get_mut().write_all(&header).await.unwrap();
    assert_eq!(ws.rest().await.1, Some(1009));
    assert_eq!(stage.left().await, LeaveReason::TooLarge);

    let poller = Poller::join(stage.addr()).await;
    let text = request("POST", &poller.path(), "", "");
    let text = text.replace("Content-Length: 0", "Content-Length: 100000000");
    assert_eq!(
        answer(&mut send(stage.addr(), &text).await).await.status,
        413
    );
    assert_eq!(stage.left().await, LeaveReason::TooLarge);
    poller.is_unknown().await;
}

#[tokio::test]
async fn a_body_of_the_limit_fits_and_one_more_byte_does_not() {
    let mut stage = small();
    let mut poller = Poller::join(stage.addr()).await;
    poller.says(&sized(LIMIT)).await;
    assert_eq!(poller.hears().await.len(), LIMIT + "-back".len());
    assert_eq!(poller.post(&sized(LIMIT + 1)).await.status, 413);
    assert_eq!(stage.left().await, LeaveReason::TooLarge);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_cut_at_the_limit() {
    let mut stage = small();
    let poller = Poller::join(stage.addr()).await;
    let head = request("POST", &poller.path(), "Transfer-Encoding: chunked\r\n", "");
    let head = head.replace("Content-Length: 0\r\n", "");
    let mut stream = send(stage.addr(), &head).await;
    for _ in 0..3 {
        let chunk = format!("{:x}\r\n{}\r\n", 5_000, "4".repeat(5_000));
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    assert_eq!(answer(&mut stream).await.status, 413);
    assert_eq!(stage.left().await, LeaveReason::TooLarge);
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let stage = small();
    let headers = format!("X-Long: {}\r\n", "x".repeat(100_000));
    let mut stream = send(stage.addr(), &request("GET", "/", &headers, "")).await;
    assert_eq!(answer(&mut stream).await.status, 431);
}
