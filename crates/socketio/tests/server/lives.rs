//! How a socket comes, and every way it goes.

use std::time::Duration;

use parlour_socketio::{
    CloseReason, ConnectError, ConnectOptions, FenceAnswer, SocketEvent, connect,
    packet::DecodeError, server::LeaveReason,
};
use serde_json::value::RawValue;

use crate::{
    raw::{Raw, soon},
    recorder::{Call, options, stage},
};

fn auth(json: &str) -> Option<Box<RawValue>> {
    Some(RawValue::from_string(json.to_owned()).unwrap())
}

#[tokio::test]
async fn our_own_client_comes_and_goes() {
    let mut stage = stage(options());
    let url = format!("http://{}", stage.addr()).parse().unwrap();
    let (socket, mut events) = soon(connect(ConnectOptions::new(url))).await.unwrap();
    let here = stage.joined().await;
    assert_eq!(here.id(), socket.id());
    assert_eq!(here.namespace(), "/");

    socket.try_emit("one", &(1,)).unwrap();
    let fence = socket.try_fence().unwrap();
    assert_eq!(soon(fence).await.unwrap(), FenceAnswer::Refused);
    assert_eq!(stage.event().await, (here.clone(), "one(1)".to_owned()));
    assert!(matches!(stage.call().await, Call::Settle));

    socket.close();
    let end = soon(events.next()).await;
    assert!(matches!(end, Some(SocketEvent::Closed(CloseReason::Local))));
    assert_eq!(stage.left().await, (here, LeaveReason::ClientLeft));
    assert!(stage.rest().await.is_empty());
}

#[tokio::test]
async fn a_refusal_says_why_and_another_try_is_possible() {
    let mut stage = stage(options());
    let url = format!("http://{}", stage.addr()).parse().unwrap();
    let mut wish = ConnectOptions::new(url);
    wish.auth = auth(r#"{"refuse":"not you"}"#);
    let Err(ConnectError::Refused { message, data }) = soon(connect(wish)).await else {
        panic!("it should have been refused");
    };
    assert_eq!(message, "not you");
    assert_eq!(data.unwrap().get(), r#"{"why":"not you"}"#);
    assert!(matches!(stage.call().await, Call::Connect(_)));

    let mut raw = Raw::open(stage.addr()).await;
    raw.say(r#"40{"refuse":"no"}"#).await;
    let refused = r#"44{"message":"no","data":{"why":"no"}}"#;
    assert_eq!(raw.hear().await, refused);
    assert!(matches!(stage.call().await, Call::Connect(_)));
    raw.say("40{}").await;
    raw.hears_welcome("40").await;
    let here = stage.joined().await;
    drop(raw);
    assert_eq!(stage.left().await, (here, LeaveReason::TransportClosed));
    assert!(stage.rest().await.is_empty());
}

#[tokio::test]
async fn two_namespaces_on_one_connection_are_two_lives() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let main = stage.joined().await;
    raw.say("40/other,").await;
    raw.hears_welcome("40/other,").await;
    let other = stage.joined().await;
    assert_ne!(main, other);
    assert_ne!(main.number(), other.number());

    raw.say(r#"42/other,["back","o"]"#).await;
    raw.say(r#"42["back","m"]"#).await;
    assert_eq!(raw.hear().await, r#"42/other,["back","o"]"#);
    assert_eq!(raw.hear().await, r#"42["back","m"]"#);
    assert_eq!(stage.event().await.0, other);
    assert_eq!(stage.event().await.0, main);

    raw.say("41").await;
    assert_eq!(stage.left().await, (main, LeaveReason::ClientLeft));
    raw.say(r#"42/other,["back",1]"#).await;
    assert_eq!(raw.hear().await, r#"42/other,["back",1]"#);
    assert_eq!(stage.event().await.0, other);

    raw.say("40").await;
    raw.hears_welcome("40").await;
    let again = stage.joined().await;
    drop(raw);
    let mut left = [stage.left().await.0, stage.left().await.0];
    left.sort_by_key(|socket| socket.number());
    assert_eq!(left, [other, again]);
    assert!(stage.rest().await.is_empty());
}

#[tokio::test]
async fn one_that_is_disconnected_hears_it_and_may_come_back() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let here = stage.joined().await;
    // From outside of any call: the client says nothing that would bring it about.
    here.emit("last", &()).unwrap();
    here.disconnect();
    assert_eq!(raw.hear().await, r#"42["last"]"#);
    assert_eq!(raw.hear().await, "41");
    assert_eq!(stage.left().await, (here.clone(), LeaveReason::ServerLeft));
    // Nothing reaches it any more, and what it had on its way is no crime.
    assert!(here.emit("late", &()).is_err());
    here.send(&crate::recorder::news(1)).unwrap();
    raw.say(r#"42["on its way"]"#).await;
    raw.say(r#"451-["on its way",{"_placeholder":true,"num":0}]"#)
        .await;
    raw.say_bytes(b"x").await;
    raw.say("41").await;
    raw.hears_nothing_else().await;

    raw.say("40").await;
    raw.hears_welcome("40").await;
    let again = stage.joined().await;
    raw.say(r#"42["out"]"#).await;
    raw.say(r#"42["too late"]"#).await;
    assert_eq!(raw.hear().await, "41");
    assert_eq!(stage.event().await, (again.clone(), "out()".to_owned()));
    assert_eq!(stage.left().await, (again, LeaveReason::ServerLeft));
    drop(raw);
    assert!(stage.rest().await.is_empty());
}

#[tokio::test]
async fn one_that_is_disconnected_before_it_was_in_is_refused() {
    let mut stage = stage(options());
    let mut raw = Raw::open(stage.addr()).await;
    raw.say(r#"40{"vanish":true}"#).await;
    assert_eq!(raw.hear().await, r#"44{"message":"disconnected"}"#);
    let Call::Connect(here) = stage.call().await else {
        panic!("it was asked first");
    };
    assert_eq!(stage.left().await, (here, LeaveReason::ServerLeft));
    drop(raw);
    assert!(stage.rest().await.is_empty());
}

#[tokio::test]
async fn one_that_dies_while_it_is_decided_about_leaves_without_having_joined() {
    let mut stage = stage(options());
    let mut raw = Raw::open(stage.addr()).await;
    raw.say(r#"40{"wait":true}"#).await;
    let Call::Connect(here) = stage.call().await else {
        panic!("it was asked first");
    };
    here.cut();
    raw.hears_the_end().await;
    stage.gate.add_permits(1);
    assert_eq!(stage.left().await, (here, LeaveReason::Cut));
    assert!(stage.rest().await.is_empty());
}

#[tokio::test]
async fn what_is_said_early_follows_the_answer_in_its_order() {
    let mut stage = stage(options());
    let mut raw = Raw::open(stage.addr()).await;
    raw.say(r#"40{"early":true}"#).await;
    raw.hears_welcome("40").await;
    assert_eq!(raw.hear().await, r#"42["early",1]"#);
    assert_eq!(raw.hear().await, r#"42["news",0]"#);
    assert_eq!(raw.hear().await, r#"42["early",2]"#);
    stage.joined().await;
}

#[tokio::test]
async fn packets_of_one_client_are_handled_one_after_the_other() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let here = stage.joined().await;
    raw.say(r#"42["wait"]"#).await;
    raw.say(r#"42["after"]"#).await;
    raw.say("40/nowhere").await;
    // Others are not held up.
    let mut second = Raw::join(stage.addr()).await;
    let other = stage.joined().await;
    second.say(r#"42["back"]"#).await;
    assert_eq!(second.hear().await, r#"42["back"]"#);
    assert_eq!(stage.event().await.0, other);

    stage.gate.add_permits(1);
    assert_eq!(stage.event().await, (here.clone(), "wait()".to_owned()));
    assert_eq!(stage.event().await, (here, "after()".to_owned()));
    assert!(matches!(stage.call().await, Call::Settle));
    assert_eq!(
        raw.hear().await,
        r#"44/nowhere,{"message":"Invalid namespace"}"#
    );
}

#[tokio::test]
async fn close_writes_what_is_queued_and_ends_all_namespaces() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let main = stage.joined().await;
    raw.say("40/other,").await;
    raw.hears_welcome("40/other,").await;
    let other = stage.joined().await;
    main.send(&crate::recorder::news(1)).unwrap();
    other.close();
    assert_eq!(raw.hears_the_end().await, [r#"42["news",1]"#, "1"]);
    assert_eq!(stage.left().await, (main, LeaveReason::ServerLeft));
    assert_eq!(stage.left().await, (other, LeaveReason::ServerLeft));
    assert!(stage.rest().await.is_empty());
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_connection() {
    let mut stage = stage(options());
    for (text, error) in [
        ("4abc", Some(DecodeError::Kind)),
        ("4", Some(DecodeError::Kind)),
        ("42{}", Some(DecodeError::Shape)),
        ("42[]", Some(DecodeError::Shape)),
        ("42[\"connect\"]", Some(DecodeError::Reserved)),
        ("42[\"a\"", Some(DecodeError::Json { column: 4 })),
        ("42abc[\"a\"]", Some(DecodeError::Json { column: 1 })),
        ("43[\"a\"]", Some(DecodeError::AckId)),
        ("45-[\"a\"]", Some(DecodeError::Attachments)),
        ("4599-[\"a\"]", Some(DecodeError::TooManyAttachments)),
        ("40/other,\"text\"", Some(DecodeError::Shape)),
        ("41{}", Some(DecodeError::Shape)),
        ("44{\"message\":\"no, you\"}", Some(DecodeError::Kind)),
        // What is well formed, and has no place there.
        ("40", None),
        ("41/other", None),
        ("42/other,[\"a\"]", None),
        ("43/other,1[]", None),
    ] {
        let mut raw = Raw::join(stage.addr()).await;
        let here = stage.joined().await;
        raw.say(text).await;
        assert_eq!(raw.hears_the_end().await, ["1"], "{text}");
        if let Some(error) = error {
            let Call::Undecodable(found) = stage.call().await else {
                panic!("{text} can be read");
            };
            assert_eq!(found, error, "{text}");
        }
        assert_eq!(
            stage.left().await,
            (here, LeaveReason::ProtocolError),
            "{text}"
        );
    }
    let name = "x".repeat(2_000);
    let mut raw = Raw::open(stage.addr()).await;
    raw.say(&format!("40/{name}")).await;
    assert_eq!(raw.hears_the_end().await, ["1"]);
    assert!(stage.rest().await.is_empty());
}

#[tokio::test]
async fn attachments_have_their_place_or_the_connection_ends() {
    let mut stage = stage(options());
    let event = r#"452-["back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    for error in [
        DecodeError::MissingAttachments,
        DecodeError::StrayAttachment,
    ] {
        let mut raw = Raw::join(stage.addr()).await;
        let here = stage.joined().await;
        raw.say(event).await;
        raw.say_bytes(&[1]).await;
        if error == DecodeError::MissingAttachments {
            raw.say(r#"42["too early"]"#).await;
        } else {
            raw.say_bytes(&[2]).await;
            assert_eq!(raw.hear().await, event);
            assert_eq!(*raw.hear_bytes().await, [1]);
            assert_eq!(*raw.hear_bytes().await, [2]);
            stage.event().await;
            raw.say_bytes(&[3]).await;
        }
        assert_eq!(raw.hears_the_end().await, ["1"]);
        assert!(matches!(stage.call().await, Call::Undecodable(found) if found == error));
        assert_eq!(stage.left().await, (here, LeaveReason::ProtocolError));
    }
}

#[tokio::test]
async fn half_an_emoji_and_a_deep_array_are_only_arguments() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    stage.joined().await;
    raw.say(r#"42["back","\ud83d"]"#).await;
    assert_eq!(raw.hear().await, r#"42["back","\ufffd"]"#);
    stage.event().await;
    let deep = format!(
        "42[\"back\",{}{}]",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    raw.say(&deep).await;
    assert_eq!(raw.hear().await, deep);
}

#[tokio::test]
async fn who_joins_nothing_is_sent_away() {
    let stage = stage(parlour_socketio::server::ServerOptions {
        connect_timeout: Duration::from_millis(50),
        ..options()
    });
    let mut raw = Raw::open(stage.addr()).await;
    raw.hears_the_end().await;
    assert!(stage.rest().await.is_empty());
}

#[tokio::test]
async fn a_server_that_closes_writes_what_is_queued_and_says_goodbye() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let here = stage.joined().await;
    stage.feed.subscribe(&here);
    here.send(&crate::recorder::news(1)).unwrap();
    stage.feed.publish(crate::recorder::news(2));
    let (rest, heard) = tokio::join!(stage.rest(), raw.hears_the_end());
    // Not a DISCONNECT, after which official clients do not come back.
    assert_eq!(heard, [r#"42["news",1]"#, r#"42["news",2]"#, "1"]);
    let [Call::Left(left, LeaveReason::ServerClosing)] = &rest[..] else {
        panic!("it left, and nothing else: {rest:?}");
    };
    assert_eq!(*left, here);
}

#[tokio::test]
async fn a_server_that_stops_lets_nobody_in_and_goes_on_with_who_is_there() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let here = stage.joined().await;
    let mut late = Raw::open(stage.addr()).await;
    stage.server.stop_accepting();
    late.say("40").await;
    assert_eq!(late.hears_the_end().await, ["1"]);
    // Another namespace is too much to ask, and no reason to lose this one.
    raw.say("40/other,").await;
    assert_eq!(
        raw.hear().await,
        r#"44/other,{"message":"The server is closing"}"#
    );
    raw.say(r#"42["back"]"#).await;
    assert_eq!(raw.hear().await, r#"42["back"]"#);
    assert_eq!(stage.event().await.0, here);
    assert!(
        Raw::dial(stage.addr(), "EIO=4&transport=websocket")
            .await
            .is_none()
    );
}

#[tokio::test]
async fn a_crash_breaks_everything_and_still_everybody_leaves() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let here = stage.joined().await;
    let crate::recorder::Stage {
        server, mut calls, ..
    } = stage;
    let (heard, ()) = tokio::join!(raw.hears_the_end(), server.abort());
    assert!(heard.is_empty());
    let Some(Call::Left(left, _)) = soon(calls.recv()).await else {
        panic!("it left");
    };
    assert_eq!(left, here);
}

#[tokio::test]
async fn a_namespace_that_panics_loses_that_connection_and_no_other() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let here = stage.joined().await;
    here.join("room");
    let peers = here.peers();
    let mut other = Raw::join(stage.addr()).await;
    stage.joined().await;
    raw.say(r#"42["panic"]"#).await;
    raw.hears_the_end().await;
    other.say(r#"42["back"]"#).await;
    assert_eq!(other.hear().await, r#"42["back"]"#);
    assert_eq!(peers.count(), 1);
    assert!(peers.to("room").sockets().is_empty());
    assert_eq!(
        here.emit("anybody?", &()),
        Err(parlour_socketio::EmitError::Closed)
    );
}
