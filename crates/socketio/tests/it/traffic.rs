//! Events, answers and fences, both ways.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, future::join_all};
use parlour_socketio::{
    AckError, EmitError, FenceAnswer, Placeholder, SocketEvent, packet::DecodeError,
};
use tokio_tungstenite::tungstenite::Message;

use crate::peer::{PATIENCE, event, next, pair, pair_over, shown, soon};

#[tokio::test]
async fn ten_thousand_events_keep_their_order_both_ways() {
    let (socket, mut events, mut peer) = pair(|_| {}).await;
    const COUNT: usize = 10_000;
    let serve = async {
        for number in 0..COUNT {
            peer.ws
                .feed(Message::text(format!(r#"42["n",{number}]"#)))
                .await
                .unwrap();
        }
        peer.ws.flush().await.unwrap();
        for number in 0..COUNT {
            assert_eq!(peer.hear().await, format!(r#"42["m",{number}]"#));
        }
    };
    let listen = async {
        for number in 0..COUNT {
            assert_eq!(shown(&event(&mut events).await), format!("n({number})"));
        }
    };
    let speak = async {
        for number in 0..COUNT {
            soon(socket.emit("m", &(number,))).await.unwrap();
        }
    };
    tokio::join!(serve, listen, speak);
}

#[tokio::test]
async fn fifty_callers_at_once_get_their_own_answers() {
    let (socket, _events, mut peer) = pair(|_| {}).await;
    let calls = (0..50).map(|number| {
        let socket = socket.clone();
        async move {
            let answer = socket
                .emit_with_ack("double", &(number,), PATIENCE)
                .await
                .unwrap();
            assert_eq!(answer.args[0].get(), (number * 2).to_string());
        }
    });
    let serve = async {
        let mut asked = Vec::new();
        while asked.len() < 50 {
            let text = peer.hear().await;
            let (id, number) = text.strip_prefix("42").unwrap().split_once('[').unwrap();
            let number: u32 = number
                .strip_prefix(r#""double","#)
                .unwrap()
                .trim_end_matches(']')
                .parse()
                .unwrap();
            asked.push((id.to_owned(), number));
        }
        for (id, number) in asked.into_iter().rev() {
            peer.say(&format!("43{id}[{}]", number * 2)).await;
        }
    };
    soon(async { tokio::join!(join_all(calls), serve) }).await;
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_time_out_and_a_late_one_is_nothing() {
    let (socket, mut events, mut peer) = pair(|_| {}).await;
    let asked = socket
        .emit_with_ack("ask", &(), Duration::from_millis(50))
        .await;
    assert_eq!(asked.unwrap_err(), AckError::TimedOut);
    assert_eq!(peer.hear().await, r#"420["ask"]"#);
    peer.say("430[\"late\"]").await;
    peer.say("43999[\"never asked\"]").await;
    let again = async { socket.emit_with_ack("ask", &(), PATIENCE).await };
    let serve = async {
        assert_eq!(peer.hear().await, r#"421["ask"]"#);
        peer.say("431[\"in time\",2]").await;
        peer.say(r#"42["alive"]"#).await;
    };
    let (answer, ()) = soon(async { tokio::join!(again, serve) }).await;
    let args: Vec<_> = answer
        .unwrap()
        .args
        .iter()
        .map(|arg| arg.get().to_owned())
        .collect();
    assert_eq!(args, ["\"in time\"", "2"]);
    assert_eq!(shown(&event(&mut events).await), "alive()");
}

#[tokio::test]
async fn callers_beyond_the_limit_wait_for_their_turn() {
    let (socket, _events, mut peer) = pair(|options| options.limits.acks = 1).await;
    let first = socket.emit_with_ack("first", &(), PATIENCE);
    let second = socket.emit_with_ack("second", &(), PATIENCE);
    let serve = async {
        let first = peer.hear().await;
        assert_eq!(first, r#"420["first"]"#);
        peer.say("430[1]").await;
        assert_eq!(peer.hear().await, r#"421["second"]"#);
        peer.say("431[2]").await;
    };
    let (first, second, ()) = soon(async { tokio::join!(first, second, serve) }).await;
    assert_eq!(first.unwrap().args[0].get(), "1");
    assert_eq!(second.unwrap().args[0].get(), "2");
}

#[tokio::test]
async fn the_server_can_ask_too() {
    let (_socket, mut events, mut peer) = pair(|_| {}).await;
    peer.say(r#"4217["how many"]"#).await;
    let asked = event(&mut events).await;
    asked.ack.unwrap().send(&(3, "four")).unwrap();
    assert_eq!(peer.hear().await, r#"4317[3,"four"]"#);
    peer.say(r#"4218["and now"]"#).await;
    event(&mut events).await.ack.unwrap().send(&()).unwrap();
    assert_eq!(peer.hear().await, "4318[]");
}

#[tokio::test]
async fn a_fence_stands_behind_what_was_sent_and_either_answer_counts() {
    let (socket, _events, mut peer) = pair(|_| {}).await;
    socket.try_emit("message", &("hello",)).unwrap();
    let refused = socket.try_fence().unwrap();
    let accepted = socket.try_fence().unwrap();
    assert_eq!(peer.hear().await, r#"42["message","hello"]"#);
    assert_eq!(peer.hear().await, "40/__f0,");
    assert_eq!(peer.hear().await, "40/__f1,");
    peer.say(r#"44/__f0,{"message":"Invalid namespace"}"#).await;
    peer.say(r#"40/__f1,{"sid":"x"}"#).await;
    assert_eq!(soon(refused).await, Ok(FenceAnswer::Refused));
    assert_eq!(soon(accepted).await, Ok(FenceAnswer::Accepted));
    assert_eq!(peer.hear().await, "41/__f1,", "an accepted fence is left");
}

#[tokio::test]
async fn fences_are_bounded_and_die_with_the_link() {
    let (socket, _events, peer) = pair(|options| options.limits.fences = 2).await;
    let first = socket.try_fence().unwrap();
    let second = socket.try_fence().unwrap();
    assert_eq!(socket.try_fence().unwrap_err(), EmitError::Full);
    drop(peer);
    assert!(soon(first).await.is_err());
    assert!(soon(second).await.is_err());
}

#[tokio::test]
async fn half_an_emoji_costs_one_character() {
    let (_socket, mut events, mut peer) = pair(|_| {}).await;
    peer.say(r#"42["users",[{"messages":["a\ud83d","😀"]}]]"#)
        .await;
    let event = event(&mut events).await;
    let users: serde_json::Value = serde_json::from_str(event.args[0].get()).unwrap();
    assert_eq!(users[0]["messages"][0], "a\u{fffd}");
    assert_eq!(users[0]["messages"][1], "😀");
}

#[tokio::test]
async fn a_packet_that_cannot_be_read_is_told_and_the_next_one_arrives() {
    let (_socket, mut events, mut peer) = pair(|_| {}).await;
    let deep = format!(r#"42["deep",{}"#, "[".repeat(60));
    for (text, expected) in [
        ("42[1]", DecodeError::Shape),
        ("4", DecodeError::Kind),
        ("42[\"a\",", DecodeError::Json { column: 5 }),
        (deep.as_str(), DecodeError::Json { column: 68 }),
    ] {
        peer.say(text).await;
        match next(&mut events).await {
            SocketEvent::Undecodable(told) => assert_eq!(told.error, expected),
            other => panic!("{other:?}"),
        }
    }
    peer.say(r#"42["alive"]"#).await;
    assert_eq!(shown(&event(&mut events).await), "alive()");
}

#[tokio::test]
async fn a_message_of_twenty_megabytes_arrives_whole() {
    let (_socket, mut events, mut peer) = pair(|_| {}).await;
    let size = 20 << 20;
    let serve = async {
        peer.say(&format!(r#"42["big","{}"]"#, "x".repeat(size)))
            .await
    };
    let (event, ()) = tokio::join!(event(&mut events), serve);
    assert_eq!(event.args[0].get().len(), size + 2);
}

#[tokio::test]
async fn attachments_travel_both_ways() {
    let (socket, mut events, mut peer) = pair(|_| {}).await;
    let bytes = Bytes::from_static(b"\x00\xff");
    socket
        .try_emit_with_attachments("file", &("name", Placeholder(0)), vec![bytes.clone()])
        .unwrap();
    let text = peer.hear().await;
    assert_eq!(text, r#"451-["file","name",{"_placeholder":true,"num":0}]"#);
    let Some(Ok(Message::Binary(part))) = soon(peer.ws.next()).await else {
        panic!("no attachment");
    };
    peer.say(&text).await;
    peer.ws.send(Message::Binary(part)).await.unwrap();
    assert_eq!(event(&mut events).await.attachments, [bytes]);
}

#[tokio::test]
async fn what_the_server_would_not_take_is_not_sent() {
    let open = r#"0{"sid":"e","pingInterval":25000,"pingTimeout":20000,"maxPayload":100}"#;
    let (socket, _events, mut peer) = pair_over(open, |_| {}).await;
    let refused = socket.try_emit("m", &("x".repeat(100),)).unwrap_err();
    assert_eq!(
        refused,
        EmitError::TooLarge {
            size: 110,
            limit: 100
        }
    );
    assert_eq!(
        socket.try_emit("disconnect", &()).unwrap_err(),
        EmitError::Reserved
    );
    let no_json = std::collections::HashMap::from([((1, 2), 3)]);
    assert!(matches!(
        socket.try_emit("m", &(no_json,)),
        Err(EmitError::Json(_))
    ));
    socket.try_emit("m", &("x".repeat(90),)).unwrap();
    assert_eq!(peer.hear().await.len(), 100);
}

#[tokio::test]
async fn pings_are_answered() {
    let (_socket, _events, mut peer) = pair(|_| {}).await;
    peer.say("2").await;
    assert_eq!(peer.hear().await, "3");
}
