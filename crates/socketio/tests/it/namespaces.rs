//! Several namespaces over one connection.

use std::time::Duration;

use futures_util::SinkExt;
use parlour_socketio::{
    AckError, CloseReason, EmitError, FenceAnswer, JoinError, JoinOptions, Socket, SocketEvent,
    SocketEvents,
};
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Message;

use crate::peer::{PATIENCE, Peer, closed, event, next, pair, shown, soon};

/// Joins one more, with a server that lets everybody in.
async fn joins(socket: &Socket, peer: &mut Peer, name: &str) -> (Socket, SocketEvents) {
    let serve = async {
        assert_eq!(peer.hear().await, format!("40{name},"));
        peer.say(&format!(r#"40{name},{{"sid":"in {name}"}}"#))
            .await;
    };
    let (joined, ()) =
        soon(async { tokio::join!(socket.join(name, JoinOptions::default()), serve) }).await;
    joined.unwrap()
}

/// Fails to join, without a word to the server.
async fn cannot(socket: &Socket, name: &str) -> JoinError {
    let joined = soon(socket.join(name, JoinOptions::default())).await;
    joined.map(|_| ()).unwrap_err()
}

#[tokio::test]
async fn each_has_events_answers_and_an_end_of_its_own() {
    let (main, mut main_events, mut peer) = pair(|_| {}).await;
    let (room, mut room_events) = joins(&main, &mut peer, "/room").await;
    assert_eq!((room.id(), room.namespace()), ("in /room", "/room"));
    assert_eq!((main.id(), main.namespace()), ("socket", "/"));

    room.try_emit("a", &()).unwrap();
    main.try_emit("b", &()).unwrap();
    room.try_emit("c", &()).unwrap();
    for text in [r#"42/room,["a"]"#, r#"42["b"]"#, r#"42/room,["c"]"#] {
        assert_eq!(peer.hear().await, text, "the order is that of the calls");
    }
    peer.say(r#"42["to main"]"#).await;
    peer.say(r#"42/room,9["to room"]"#).await;
    assert_eq!(shown(&event(&mut main_events).await), "to main()");
    let asked = event(&mut room_events).await;
    asked.ack.unwrap().send(&(1,)).unwrap();
    assert_eq!(peer.hear().await, "43/room,9[1]");

    let questions = async {
        tokio::join!(
            main.emit_with_ack("q", &(), PATIENCE),
            room.emit_with_ack("q", &(), PATIENCE),
        )
    };
    let serve = async {
        assert_eq!(peer.hear().await, r#"420["q"]"#);
        assert_eq!(peer.hear().await, r#"42/room,1["q"]"#);
        // Each from the wrong place first.
        peer.say(r#"431["wrong"]"#).await;
        peer.say(r#"43/room,0["wrong"]"#).await;
        peer.say(r#"43/room,1["room"]"#).await;
        peer.say(r#"430["main"]"#).await;
    };
    let ((one, two), ()) = soon(async { tokio::join!(questions, serve) }).await;
    assert_eq!(one.unwrap().args[0].get(), "\"main\"");
    assert_eq!(two.unwrap().args[0].get(), "\"room\"");

    let fence = room.try_fence().unwrap();
    assert_eq!(peer.hear().await, "40/__f0,");
    peer.say(r#"44/__f0,{"message":"Invalid namespace"}"#).await;
    assert_eq!(soon(fence).await, Ok(FenceAnswer::Refused));
}

#[tokio::test]
async fn leaving_one_leaves_the_others() {
    let (main, mut main_events, mut peer) = pair(|_| {}).await;
    let (room, mut room_events) = joins(&main, &mut peer, "/room").await;
    let (_hall, hall_events) = joins(&main, &mut peer, "/hall").await;
    for number in 0..100 {
        room.try_emit("n", &(number,)).unwrap();
    }
    room.close();
    assert_eq!(room.try_emit("n", &()).unwrap_err(), EmitError::Closed);
    for number in 0..100 {
        assert_eq!(peer.hear().await, format!(r#"42/room,["n",{number}]"#));
    }
    assert_eq!(peer.hear().await, "41/room,");
    assert_eq!(closed(&mut room_events).await, CloseReason::Local);
    drop(hall_events);
    assert_eq!(peer.hear().await, "41/hall,");
    // What crosses our goodbye is nobody's.
    peer.say(r#"42/room,["late"]"#).await;
    peer.say(r#"42["still"]"#).await;
    assert_eq!(shown(&event(&mut main_events).await), "still()");
    // And one may come back.
    let (room, mut room_events) = joins(&main, &mut peer, "/room").await;
    peer.say(r#"42/room,["again"]"#).await;
    assert_eq!(shown(&event(&mut room_events).await), "again()");
    // The first one is one of them.
    main.close();
    assert_eq!(peer.hear().await, "41");
    assert_eq!(closed(&mut main_events).await, CloseReason::Local);
    room.try_emit("here", &()).unwrap();
    assert_eq!(peer.hear().await, r#"42/room,["here"]"#);
    room.close();
    assert_eq!(peer.hear().await, "41/room,");
    assert!(peer.hears_the_end().await, "the last one closes the door");
    assert_eq!(closed(&mut room_events).await, CloseReason::Local);
}

#[tokio::test]
async fn the_server_ends_one_and_then_all() {
    let (main, mut main_events, mut peer) = pair(|_| {}).await;
    let (room, mut room_events) = joins(&main, &mut peer, "/room").await;
    let asked = room.emit_with_ack("q", &(), PATIENCE);
    let serve = async {
        assert_eq!(peer.hear().await, r#"42/room,0["q"]"#);
        peer.say(r#"42/room,["last"]"#).await;
        peer.say("41/room,").await;
    };
    let (asked, ()) = soon(async { tokio::join!(asked, serve) }).await;
    assert_eq!(asked.unwrap_err(), AckError::Closed);
    assert_eq!(shown(&event(&mut room_events).await), "last()");
    let reason = closed(&mut room_events).await;
    assert_eq!(reason, CloseReason::ServerDisconnect);
    assert_eq!(room.try_emit("n", &()).unwrap_err(), EmitError::Closed);
    main.try_emit("here", &()).unwrap();
    assert_eq!(peer.hear().await, r#"42["here"]"#);
    let (_room, mut room_events) = joins(&main, &mut peer, "/room").await;
    drop(peer);
    for events in [&mut main_events, &mut room_events] {
        assert_eq!(closed(events).await, CloseReason::TransportClosed);
    }
}

#[tokio::test]
async fn a_refusal_brings_its_data_and_costs_nothing_else() {
    let (main, mut events, mut peer) = pair(|_| {}).await;
    let mut options = JoinOptions::default();
    options.auth = Some(RawValue::from_string(r#"{"token":1}"#.to_owned()).unwrap());
    let serve = async {
        assert_eq!(peer.hear().await, r#"40/staff,{"token":1}"#);
        peer.say(r#"44/staff,{"message":"not you","data":{"code":7}}"#)
            .await;
    };
    let (joined, ()) = soon(async { tokio::join!(main.join("/staff", options), serve) }).await;
    match joined.map(|_| ()) {
        Err(JoinError::Refused { message, data }) => {
            assert_eq!(message, "not you");
            assert_eq!(data.unwrap().get(), r#"{"code":7}"#);
        }
        other => panic!("{other:?}"),
    }
    peer.say(r#"42["still"]"#).await;
    assert_eq!(shown(&event(&mut events).await), "still()");
}

#[tokio::test]
async fn what_cannot_be_joined_is_said_before_a_word_to_the_server() {
    let (main, _events, mut peer) = pair(|options| options.limits.namespaces = 2).await;
    for name in ["", "room", "/a,b", "/__f7", "/__p7"] {
        assert!(
            matches!(cannot(&main, name).await, JoinError::Name),
            "{name}"
        );
    }
    let mut no_object = JoinOptions::default();
    no_object.auth = Some(RawValue::from_string("\"me\"".to_owned()).unwrap());
    let joined = soon(main.join("/room", no_object)).await;
    assert!(matches!(joined, Err(JoinError::Auth)));
    let long = format!("/{}", "x".repeat(2_000));
    assert!(matches!(cannot(&main, &long).await, JoinError::Name));
    assert!(matches!(cannot(&main, "/").await, JoinError::Taken));
    let (room, mut room_events) = joins(&main, &mut peer, "/room").await;
    assert!(matches!(cannot(&main, "/room").await, JoinError::Taken));
    assert!(matches!(cannot(&main, "/hall").await, JoinError::TooMany));
    room.close();
    assert_eq!(closed(&mut room_events).await, CloseReason::Local);
    assert_eq!(peer.hear().await, "41/room,", "and nothing before");
    joins(&main, &mut peer, "/hall").await;
}

#[tokio::test]
async fn who_gives_up_leaves_once_let_in() {
    let (main, mut events, mut peer) = pair(|_| {}).await;
    let mut options = JoinOptions::default();
    options.timeout = Duration::from_millis(50);
    let joined = main.join("/slow", options).await;
    assert!(matches!(joined, Err(JoinError::TimedOut)));
    assert_eq!(peer.hear().await, "40/slow,");
    assert!(matches!(cannot(&main, "/slow").await, JoinError::Taken));
    main.try_emit("here", &()).unwrap();
    assert_eq!(peer.hear().await, r#"42["here"]"#, "no goodbye yet");
    peer.say(r#"42/slow,["early"]"#).await;
    peer.say(r#"40/slow,{"sid":"x"}"#).await;
    assert_eq!(peer.hear().await, "41/slow,");
    peer.say(r#"42["still"]"#).await;
    assert_eq!(shown(&event(&mut events).await), "still()");
    joins(&main, &mut peer, "/slow").await;
}

#[tokio::test]
async fn a_namespace_left_can_be_joined_at_once() {
    let (main, _events, mut peer) = pair(|_| {}).await;
    let (room, _room_events) = joins(&main, &mut peer, "/room").await;
    room.try_emit("first", &()).unwrap();
    room.close();
    let again = main.join("/room", JoinOptions::default());
    let serve = async {
        assert_eq!(peer.hear().await, r#"42/room,["first"]"#);
        assert_eq!(peer.hear().await, "41/room,");
        assert_eq!(peer.hear().await, "40/room,");
        // Said to the one who left.
        peer.say(r#"42/room,["old"]"#).await;
        peer.say(r#"40/room,{"sid":"new"}"#).await;
        peer.say(r#"42/room,["new"]"#).await;
    };
    let (again, ()) = soon(async { tokio::join!(again, serve) }).await;
    let (_room, mut events) = again.unwrap();
    assert_eq!(shown(&event(&mut events).await), "new()");
}

#[tokio::test]
async fn early_events_are_kept_up_to_a_limit() {
    let (main, mut main_events, mut peer) =
        pair(|options| options.limits.queued_event_bytes = 1 << 20).await;
    let serve = async {
        assert_eq!(peer.hear().await, "40/room,");
        for number in 0..2_000 {
            let text = format!(r#"42/room,["n",{number}]"#);
            peer.ws.feed(Message::text(text)).await.unwrap();
        }
        peer.say(r#"40/room,{"sid":"x"}"#).await;
    };
    let (joined, ()) =
        soon(async { tokio::join!(main.join("/room", JoinOptions::default()), serve) }).await;
    let (_room, mut events) = joined.unwrap();
    for number in 0..2_000 {
        assert_eq!(shown(&event(&mut events).await), format!("n({number})"));
    }
    let serve = async {
        assert_eq!(peer.hear().await, "40/flood,");
        let filler = "x".repeat(64 << 10);
        for _ in 0..17 {
            peer.say(&format!(r#"42/flood,["n","{filler}"]"#)).await;
        }
    };
    let (joined, ()) =
        soon(async { tokio::join!(main.join("/flood", JoinOptions::default()), serve) }).await;
    assert!(matches!(joined, Err(JoinError::Flooded)));
    peer.say(r#"40/flood,{"sid":"x"}"#).await;
    assert_eq!(peer.hear().await, "41/flood,");
    peer.say(r#"42["still"]"#).await;
    assert_eq!(shown(&event(&mut main_events).await), "still()");
}

#[tokio::test]
async fn where_the_last_who_waited_is_flooded_the_connection_ends() {
    let (main, main_events, mut peer) = pair(|options| {
        options.limits.queued_event_bytes = 64 << 10;
    })
    .await;
    let serve = async {
        assert_eq!(peer.hear().await, "40/flood,");
        drop(main_events);
        assert_eq!(peer.hear().await, "41");
        let filler = "x".repeat(64 << 10);
        peer.say(&format!(r#"42/flood,["n","{filler}"]"#)).await;
        soon(peer.hears_the_end()).await
    };
    let (joined, polite) =
        soon(async { tokio::join!(main.join("/flood", JoinOptions::default()), serve) }).await;
    assert!(matches!(joined, Err(JoinError::Flooded)));
    assert!(polite);
}

#[tokio::test]
async fn a_slow_reader_holds_all_up_and_its_leaving_frees_them() {
    let (main, mut main_events, mut peer) = pair(|options| options.limits.queued_events = 4).await;
    let (_room, room_events) = joins(&main, &mut peer, "/room").await;
    for number in 0..10 {
        peer.say(&format!(r#"42/room,["n",{number}]"#)).await;
    }
    peer.say(r#"42["for the quick one"]"#).await;
    let held = tokio::time::timeout(Duration::from_millis(300), main_events.next()).await;
    assert!(held.is_err(), "{held:?}");
    drop(room_events);
    assert_eq!(shown(&event(&mut main_events).await), "for the quick one()");
    assert_eq!(peer.hear().await, "41/room,");
}

#[tokio::test]
async fn what_cannot_be_read_is_told_once_and_to_the_eldest() {
    let (main, mut main_events, mut peer) = pair(|_| {}).await;
    let (_room, mut room_events) = joins(&main, &mut peer, "/room").await;
    peer.say("42{}").await;
    assert!(matches!(
        next(&mut main_events).await,
        SocketEvent::Undecodable(_)
    ));
    main.close();
    assert_eq!(peer.hear().await, "41");
    peer.say("42{}").await;
    assert!(matches!(
        next(&mut room_events).await,
        SocketEvent::Undecodable(_)
    ));
}

#[tokio::test]
async fn sixteen_at_once_keep_their_order() {
    const COUNT: usize = 500;
    let (main, _events, mut peer) = pair(|_| {}).await;
    let mut spaces = Vec::new();
    for number in 0..15 {
        spaces.push(joins(&main, &mut peer, &format!("/{number}")).await);
    }
    let serve = async {
        for number in 0..COUNT {
            for space in 0..15 {
                let text = format!(r#"42/{space},["n",{number}]"#);
                peer.ws.feed(Message::text(text)).await.unwrap();
            }
        }
        peer.ws.flush().await.unwrap();
        peer
    };
    let listen = spaces.iter_mut().map(|(_, events)| async {
        for number in 0..COUNT {
            assert_eq!(shown(&event(events).await), format!("n({number})"));
        }
    });
    soon(async { tokio::join!(serve, futures_util::future::join_all(listen)) }).await;
}
