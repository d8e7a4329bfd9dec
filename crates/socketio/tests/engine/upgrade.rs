//! The move from polling to WebSocket, step by step.

use std::time::Duration;

use futures_util::SinkExt;
use parlour_socketio::server::{LeaveReason, ServerOptions};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    http::{Poller, answer, kept_alive},
    stage::{options, soon, stage, until},
    websocket::Ws,
};

#[tokio::test]
async fn a_session_moves() {
    let mut stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    let mut ws = Ws::beside(stage.addr(), &poller.sid).await;
    let mut waiting = poller.poll_open().await;
    ws.says("2probe").await;
    assert_eq!(ws.hears().await, "3probe");
    // The poll that waits is set free, and so is every other until the move.
    assert_eq!(answer(&mut waiting).await.body, "6");
    assert_eq!(poller.poll().await.body, "6");
    // What is said meanwhile waits for one of them, or for the move.
    socket.emit("news", &(1,)).unwrap();
    assert_eq!(poller.poll().await.body, r#"42["news",1]"#);
    socket.emit("news", &(2,)).unwrap();
    ws.says("5").await;
    assert_eq!(ws.hears().await, r#"42["news",2]"#);
    ws.says(r#"42["message","hello"]"#).await;
    assert_eq!(ws.hears().await, r#"42["message-back","hello"]"#);
    let counts = stage.counts();
    assert_eq!(
        (counts.polling, counts.websocket, counts.upgrades_total),
        (0, 1, 1)
    );

    // By HTTP there is nothing left to say, which does no harm.
    assert_eq!(poller.poll().await.status, 400);
    assert_eq!(poller.post("3").await.status, 400);
    ws.says(r#"42["message","still"]"#).await;
    assert_eq!(ws.hears().await, r#"42["message-back","still"]"#);
    drop(ws);
    assert_eq!(stage.left().await, LeaveReason::TransportClosed);
    poller.is_unknown().await;
}

#[tokio::test]
async fn a_client_in_a_hurry_moves_too() {
    let stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let mut ws = Ws::beside(stage.addr(), &poller.sid).await;
    for text in ["2probe", "5", r#"42["message",1]"#, r#"42["message",2]"#] {
        ws.0.feed(Message::text(text)).await.unwrap();
    }
    ws.0.flush().await.unwrap();
    assert_eq!(ws.hears().await, "3probe");
    assert_eq!(ws.hears().await, r#"42["message-back",1]"#);
    assert_eq!(ws.hears().await, r#"42["message-back",2]"#);
    assert_eq!(poller.poll().await.status, 400);
}

#[tokio::test]
async fn a_second_websocket_is_closed_and_the_first_goes_on() {
    let stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let mut ws = Ws::beside(stage.addr(), &poller.sid).await;
    let mut early = Ws::beside(stage.addr(), &poller.sid).await;
    assert_eq!(early.rest().await.0, Vec::<String>::new());
    ws.says("2probe").await;
    assert_eq!(ws.hears().await, "3probe");
    ws.says("5").await;
    ws.says(r#"42["message"]"#).await;
    assert_eq!(ws.hears().await, r#"42["message-back"]"#);
    let mut late = Ws::beside(stage.addr(), &poller.sid).await;
    late.says("2probe").await;
    assert_eq!(late.rest().await.0, Vec::<String>::new());
    ws.says(r#"42["message"]"#).await;
    assert_eq!(ws.hears().await, r#"42["message-back"]"#);
}

#[tokio::test]
async fn when_the_move_fails_polling_goes_on() {
    let options = ServerOptions {
        upgrade_timeout: Duration::from_millis(100),
        ..options()
    };
    let mut stage = stage(options);
    let mut poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    // One does not speak, one says something else, one leaves, one stops halfway.
    let mut silent = Ws::beside(stage.addr(), &poller.sid).await;
    silent.rest().await;
    let mut strange = Ws::beside(stage.addr(), &poller.sid).await;
    strange.says(r#"42["message"]"#).await;
    strange.rest().await;
    let mut upgrading = Ws::beside(stage.addr(), &poller.sid).await;
    upgrading.says("5").await;
    upgrading.rest().await;
    let mut halfway = Ws::beside(stage.addr(), &poller.sid).await;
    halfway.says("2probe").await;
    assert_eq!(halfway.hears().await, "3probe");
    assert_eq!(poller.poll().await.body, "6");
    halfway.rest().await;
    // A poll waits again.
    let mut waiting = poller.poll_open().await;
    poller.says(r#"42["message"]"#).await;
    assert_eq!(answer(&mut waiting).await.body, r#"42["message-back"]"#);
    // And then it works.
    let mut ws = Ws::beside(stage.addr(), &poller.sid).await;
    ws.says("2probe").await;
    assert_eq!(ws.hears().await, "3probe");
    ws.says("5").await;
    socket.emit("news", &()).unwrap();
    assert_eq!(ws.hears().await, r#"42["news"]"#);
    assert_eq!(stage.counts().upgrades_total, 1);
    let _ = &mut poller;
}

#[tokio::test]
async fn a_poll_that_is_hung_up_during_the_move_does_no_harm() {
    let stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let mut ws = Ws::beside(stage.addr(), &poller.sid).await;
    drop(poller.poll_open().await);
    ws.says("2probe").await;
    assert_eq!(ws.hears().await, "3probe");
    drop(poller.poll_open().await);
    ws.says("5").await;
    ws.says(r#"42["message"]"#).await;
    assert_eq!(ws.hears().await, r#"42["message-back"]"#);
}

#[tokio::test]
async fn a_server_that_closes_does_not_wait_for_a_move() {
    let stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let mut ws = Ws::beside(stage.addr(), &poller.sid).await;
    ws.says("2probe").await;
    assert_eq!(ws.hears().await, "3probe");
    let mut kept = kept_alive(stage.addr()).await;
    let closing = tokio::spawn(stage.server.close(Duration::from_secs(10)));
    ws.rest().await;
    assert_eq!(poller.poll_on(&mut kept).await.body, "1");
    soon(closing).await.unwrap();
}

#[tokio::test]
async fn a_goodbye_finds_a_client_that_is_on_its_way() {
    let mut stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    // While its handler takes its time, the client moves.
    poller.says(r#"42["slow",300]"#).await;
    let mut ws = Ws::beside(stage.addr(), &poller.sid).await;
    ws.says("2probe").await;
    assert_eq!(ws.hears().await, "3probe");
    ws.says("5").await;
    // Seen, when polls are refused.
    soon(async { while poller.poll().await.status != 400 {} }).await;
    socket.emit("last", &()).unwrap();
    socket.close();
    let (texts, code) = ws.rest().await;
    assert_eq!(texts, [r#"42["last"]"#, "1"]);
    assert_eq!(code, Some(1000));
    assert_eq!(stage.left().await, LeaveReason::ServerLeft);
}

#[tokio::test]
async fn a_goodbye_finds_a_client_that_is_about_to_move() {
    let mut stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    let mut ws = Ws::beside(stage.addr(), &poller.sid).await;
    ws.says("2probe").await;
    assert_eq!(ws.hears().await, "3probe");
    // It polls no more, and has not yet said that it moves.
    socket.emit("last", &()).unwrap();
    socket.close();
    until(|| stage.counts().polling == 0).await;
    ws.says("5").await;
    let (texts, code) = ws.rest().await;
    assert_eq!(texts, [r#"42["last"]"#, "1"]);
    assert_eq!(code, Some(1000));
    assert_eq!(stage.left().await, LeaveReason::ServerLeft);
}

#[tokio::test]
async fn a_client_that_has_moved_is_not_waited_for() {
    let mut stage = stage(ServerOptions {
        stall_timeout: Duration::from_millis(100),
        ..options()
    });
    let poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    poller.says(r#"42["slow",600]"#).await;
    let mut ws = Ws::beside(stage.addr(), &poller.sid).await;
    ws.says("2probe").await;
    assert_eq!(ws.hears().await, "3probe");
    ws.says("5").await;
    soon(async { while poller.poll().await.status != 400 {} }).await;
    // That nothing moves now is the handler's doing.
    socket.emit("news", &()).unwrap();
    assert_eq!(ws.hears().await, r#"42["news"]"#);
    assert_eq!(ws.hears().await, r#"42["slow-back",600]"#);
}

#[tokio::test]
async fn polls_in_the_middle_of_the_move_are_all_answered() {
    let stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let mut ws = Ws::beside(stage.addr(), &poller.sid).await;
    let mut before = poller.poll_open().await;
    ws.says("2probe").await;
    assert_eq!(ws.hears().await, "3probe");
    let mut stray = [poller.poll_open().await, poller.poll_open().await];
    assert_eq!(answer(&mut before).await.body, "6");
    for poll in &mut stray {
        assert_eq!(answer(poll).await.body, "6");
    }
    // The stream breaks, and polling goes on as if nothing had been.
    drop(ws);
    let mut waiting = poller.poll_open().await;
    poller.says(r#"42["message"]"#).await;
    let answer = answer(&mut waiting).await;
    if answer.body == "6" {
        // It came before the break was seen.
        assert_eq!(poller.poll().await.body, r#"42["message-back"]"#);
    } else {
        assert_eq!(answer.body, r#"42["message-back"]"#);
    }
}
