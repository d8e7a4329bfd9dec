//! Questions and answers while the queue is full.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use parlour_socketio::{AckError, EmitError, Placeholder};
use tokio_tungstenite::tungstenite::Message;

use crate::peer::{PATIENCE, event, pair, soon};

#[tokio::test]
async fn a_full_queue_refuses_questions_and_answers_can_wait() {
    let (socket, mut events, mut peer) = pair(|options| {
        options.limits.acks = 1;
        options.write_timeout = PATIENCE;
    })
    .await;
    for text in [r#"421["one"]"#, r#"422["two"]"#] {
        peer.say(text).await;
    }
    let one = event(&mut events).await.ack.unwrap();
    let two = event(&mut events).await.ack.unwrap();
    // Until half a second does not make room for one more: nobody reads.
    let filler = "x".repeat(64 << 10);
    let room = Duration::from_millis(500);
    while tokio::time::timeout(room, socket.emit("n", &(&filler,)))
        .await
        .is_ok()
    {}
    let large = (&filler,);
    assert_eq!(socket.try_ask("q", &large).unwrap_err(), EmitError::Full);
    let asked = socket.emit_with_ack("q", &large, Duration::from_millis(50));
    assert_eq!(asked.await.unwrap_err(), AckError::TimedOut);
    assert_eq!(one.send(&large).unwrap_err(), EmitError::Full);

    let parts = vec![Bytes::from_static(b"\x00")];
    let args = (&filler, Placeholder(0));
    let serve = async {
        let (mut fillers, mut binary) = (0, None);
        // The answer, its attachment, and the question after it.
        loop {
            match soon(peer.ws.next()).await.unwrap().unwrap() {
                Message::Text(text) if text.starts_with("42[\"n\"") => fillers += 1,
                Message::Text(text) if text.starts_with("461-2[") => {
                    binary = soon(peer.ws.next()).await;
                }
                // Of those who had no room, none was written.
                Message::Text(text) => {
                    let (id, _) = text[2..].split_once('[').unwrap();
                    peer.say(&format!("43{id}[true]")).await;
                    return (fillers, binary, text);
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let speak = async {
        two.send_waiting(&args, parts).await.unwrap();
        // The turn of those who failed is free again.
        let answer = socket.emit_with_ack("last", &(), PATIENCE).await.unwrap();
        assert_eq!(answer.args[0].get(), "true");
    };
    let ((fillers, binary, text), ()) = soon(async { tokio::join!(serve, speak) }).await;
    assert!(fillers > 0);
    assert!(text.ends_with(r#"["last"]"#), "{}", text.len());
    match binary {
        Some(Ok(Message::Binary(part))) => assert_eq!(&part[..], b"\x00"),
        other => panic!("{other:?}"),
    }
}
