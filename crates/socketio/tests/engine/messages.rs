//! Messages in both directions, by both transports.

use futures_util::SinkExt;
use parlour_socketio::server::{Frame, LeaveReason};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    http::{Poller, answer, request, send},
    stage::{options, stage},
    websocket::Ws,
};

#[tokio::test]
async fn one_text_by_polling() {
    let stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    poller.says(r#"42["message","hello"]"#).await;
    let answer = poller.poll().await;
    assert_eq!(
        (answer.status, &*answer.body),
        (200, r#"42["message-back","hello"]"#)
    );
}

#[tokio::test]
async fn several_texts_by_polling() {
    let stage = stage(options());
    let mut poller = Poller::join(stage.addr()).await;
    let payload = "42[\"message\",1]\x1e42[\"message\",2]\x1e42[\"message\",3]";
    poller.says(payload).await;
    for number in 1..=3 {
        let expected = format!(r#"42["message-back",{number}]"#);
        assert_eq!(poller.hears().await, expected);
    }
}

#[tokio::test]
async fn text_and_binary_by_polling() {
    let stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let event = |name| format!(r#"451-["{name}",{{"_placeholder":true,"num":0}}]"#);
    poller
        .says(&format!("{}\x1ebAQIDBA==", event("message")))
        .await;
    let answer = poller.poll().await;
    assert_eq!(
        answer.body,
        format!("{}\x1ebAQIDBA==", event("message-back"))
    );
}

#[tokio::test]
async fn what_waits_comes_together_and_a_poll_waits_for_more() {
    let mut stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    for number in 0..3 {
        socket.emit("news", &(number,)).unwrap();
    }
    let body = poller.poll().await.body;
    assert_eq!(body, "42[\"news\",0]\x1e42[\"news\",1]\x1e42[\"news\",2]");

    let mut waiting = poller.poll_open().await;
    // The poll is there when this is answered, or comes later and finds it.
    socket.emit("news", &("late",)).unwrap();
    assert_eq!(answer(&mut waiting).await.body, r#"42["news","late"]"#);
}

#[tokio::test]
async fn answers_to_polls_stay_within_bounds() {
    let mut stage = stage(options());
    let mut poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;
    let long = "x".repeat(400_000);
    // The last would not be taken behind the others, were they small.
    for _ in 0..3 {
        socket
            .send(&Frame::event("/", None, "long", &(&long,)).unwrap())
            .unwrap();
    }
    socket.flush();
    let first = poller.poll().await.body;
    assert_eq!(first.split('\x1e').count(), 2, "two fit into a megabyte");
    assert_eq!(
        poller.hears().await.len(),
        r#"42["long",""]"#.len() + long.len()
    );
}

#[tokio::test]
async fn text_and_binary_by_websocket() {
    let stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    ws.says(r#"42["message","hello"]"#).await;
    assert_eq!(ws.hears().await, r#"42["message-back","hello"]"#);
    let event = |name| format!(r#"451-["{name}",{{"_placeholder":true,"num":0}}]"#);
    ws.says(&event("message")).await;
    ws.0.send(Message::binary(vec![1, 2, 3, 4])).await.unwrap();
    assert_eq!(ws.hears().await, event("message-back"));
    assert_eq!(
        ws.next().await.unwrap().unwrap(),
        Message::binary(vec![1, 2, 3, 4])
    );
}

#[tokio::test]
async fn a_websocket_answers_pings_of_its_own_kind() {
    let stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    ws.0.send(Message::Ping("there?".into())).await.unwrap();
    assert_eq!(
        ws.next().await.unwrap().unwrap(),
        Message::Pong("there?".into())
    );
}

#[tokio::test]
async fn thousands_of_messages_keep_their_order() {
    let stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    for number in 0..3_000 {
        let text = format!(r#"42["message",{number}]"#);
        ws.0.feed(Message::text(text)).await.unwrap();
    }
    ws.0.flush().await.unwrap();
    for number in 0..3_000 {
        assert_eq!(ws.hears().await, format!(r#"42["message-back",{number}]"#));
    }
}

#[tokio::test]
async fn packets_that_are_none_end_the_session() {
    let mut stage = stage(options());
    for packet in ["abc", "", "0{}", "2", "7", "4\x1e", "b*"] {
        let poller = Poller::join(stage.addr()).await;
        let answer = poller.post(packet).await;
        assert_eq!(answer.status, 400, "{packet:?}");
        poller.is_unknown().await;
        assert_eq!(stage.left().await, LeaveReason::ProtocolError);
    }
    for packet in ["abc", "", "0{}", "2", "7"] {
        let mut ws = Ws::join(stage.addr()).await;
        ws.says(packet).await;
        assert_eq!(ws.rest().await.1, Some(1002), "{packet:?}");
        assert_eq!(stage.left().await, LeaveReason::ProtocolError);
    }
    assert_eq!(stage.counts().protocol_errors_total, 12);
}

#[tokio::test]
async fn a_body_that_is_not_utf8_ends_the_session() {
    let mut stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let head = request("POST", &poller.path(), "", "xx");
    let mut stream = send(stage.addr(), head.strip_suffix("xx").unwrap()).await;
    stream.write_all(b"4\xff").await.unwrap();
    assert_eq!(answer(&mut stream).await.status, 400);
    assert_eq!(stage.left().await, LeaveReason::ProtocolError);
}

#[tokio::test]
async fn a_second_poll_ends_the_session() {
    let mut stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let mut first = poller.poll_open().await;
    // Whichever is there first waits; the other is one too many.
    let mut second = poller.poll_open().await;
    let (first, second) = tokio::join!(answer(&mut first), answer(&mut second));
    let mut both = [(first.status, &*first.body), (second.status, &*second.body)];
    both.sort_unstable();
    let refused = r#"{"code":3,"message":"Bad request"}"#;
    assert_eq!(both, [(200, "1"), (400, refused)]);
    poller.is_unknown().await;
    assert_eq!(stage.left().await, LeaveReason::ProtocolError);
}

#[tokio::test]
async fn a_second_post_at_a_time_ends_the_session() {
    let mut stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let text = request("POST", &poller.path(), "Expect: 100-continue\r\n", "3");
    let mut first = send(stage.addr(), text.strip_suffix('3').unwrap()).await;
    // The server asks for the body when it has begun with the request.
    let mut asked = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut first, &mut asked)
        .await
        .unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100 Continue"));
    assert_eq!(poller.post("3").await.status, 400);
    assert_eq!(stage.left().await, LeaveReason::ProtocolError);
}

#[tokio::test]
async fn any_thread_can_send() {
    let mut stage = stage(options());
    let mut ws = Ws::join(stage.addr()).await;
    let socket = stage.joined().await;
    // One without a runtime, and more than the system takes at once.
    let thread = std::thread::spawn(move || {
        for number in 0..20 {
            let args = (number, "x".repeat(100_000));
            let frame = Frame::event("/", None, "news", &args).unwrap();
            while socket.queued() > 500_000 {
                std::thread::yield_now();
            }
            socket.send(&frame).unwrap();
            socket.flush();
        }
    });
    for number in 0..20 {
        let start = format!(r#"42["news",{number},"#);
        assert!(ws.hears().await.starts_with(&start));
    }
    thread.join().unwrap();
}
