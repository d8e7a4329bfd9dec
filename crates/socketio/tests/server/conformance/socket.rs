//! Socket.IO 5: namespaces, messages, answers, attachments.

use super::*;

pub(super) async fn joining(server: SocketAddr) {
    for (connect, auth) in [("40", "{}"), (r#"40{"token":"123"}"#, r#"{"token":"123"}"#)] {
        let mut raw = Raw::open(server).await;
        raw.say(connect).await;
        raw.hears_welcome("40").await;
        assert_eq!(raw.hear().await, format!(r#"42["auth",{auth}]"#));
    }
    for (connect, auth) in [
        ("40/custom", "{}"),
        ("40/custom,", "{}"),
        (r#"40/custom,{"token":"abc"}"#, r#"{"token":"abc"}"#),
    ] {
        let mut raw = Raw::open(server).await;
        raw.say(connect).await;
        raw.hears_welcome("40/custom,").await;
        assert_eq!(raw.hear().await, format!(r#"42/custom,["auth",{auth}]"#));
    }
    // The ids of two namespaces on one connection differ.
    let mut raw = Raw::open(server).await;
    raw.say("40").await;
    let main = raw.hears_welcome("40").await;
    raw.hear().await;
    raw.say("40/custom,").await;
    assert_ne!(raw.hears_welcome("40/custom,").await, main);
}

pub(super) async fn refusals(server: SocketAddr) {
    let mut raw = Raw::open(server).await;
    raw.say("40/random").await;
    let refused = r#"44/random,{"message":"Invalid namespace"}"#;
    assert_eq!(raw.hear().await, refused);

    let mut raw = Raw::open(server).await;
    raw.say("4abc").await;
    raw.hears_the_end().await;

    let mut raw = Raw::open(server).await;
    let began = Instant::now();
    assert_eq!(raw.hears_the_end().await, ["1"]);
    assert!(began.elapsed() >= CONNECT_TIMEOUT / 2);
}

pub(super) async fn leaving(server: SocketAddr) {
    let mut raw = joined(server).await;
    raw.say("40/custom").await;
    raw.hears_welcome("40/custom,").await;
    raw.hear().await;
    // Out of the custom one; the main one goes on.
    raw.say("41/custom").await;
    raw.say(r#"42["message","message to main namespace"]"#)
        .await;
    let back = r#"42["message-back","message to main namespace"]"#;
    assert_eq!(raw.hear().await, back);
    // Out of the main one: the connection stays, and one can come back.
    raw.say("41").await;
    raw.say("40/custom,").await;
    raw.hears_welcome("40/custom,").await;
}

async fn joined(server: SocketAddr) -> Raw {
    let mut raw = Raw::join(server).await;
    assert_eq!(raw.hear().await, r#"42["auth",{}]"#);
    raw
}

pub(super) async fn messages(server: SocketAddr) {
    let mut raw = joined(server).await;
    raw.say(r#"42["message",1,"2",{"3":[true]}]"#).await;
    assert_eq!(raw.hear().await, r#"42["message-back",1,"2",{"3":[true]}]"#);

    let places = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
    raw.say(&format!(r#"452-["message",{places}]"#)).await;
    raw.say_bytes(&[1, 2, 3]).await;
    raw.say_bytes(&[4, 5, 6]).await;
    assert_eq!(
        raw.hear().await,
        format!(r#"452-["message-back",{places}]"#)
    );
    assert_eq!(*raw.hear_bytes().await, [1, 2, 3]);
    assert_eq!(*raw.hear_bytes().await, [4, 5, 6]);

    raw.say(r#"42456["message-with-ack",1,"2",{"3":[false]}]"#)
        .await;
    assert_eq!(raw.hear().await, r#"43456[1,"2",{"3":[false]}]"#);

    raw.say(&format!(r#"452-789["message-with-ack",{places}]"#))
        .await;
    raw.say_bytes(&[1, 2, 3]).await;
    raw.say_bytes(&[4, 5, 6]).await;
    assert_eq!(raw.hear().await, format!("462-789[{places}]"));
    assert_eq!(*raw.hear_bytes().await, [1, 2, 3]);
    assert_eq!(*raw.hear_bytes().await, [4, 5, 6]);
}

pub(super) async fn invalid_packets(server: SocketAddr) {
    for text in [
        // An unknown type.
        "4abc",
        // A payload that no event has.
        "42{}",
        // A number for the answer that is none.
        r#"42abc["message-with-ack",1,"2",{"3":[false]}]"#,
    ] {
        let mut raw = joined(server).await;
        raw.say(text).await;
        raw.hears_the_end().await;
    }
    // Speaking before joining.
    let mut raw = Raw::open(server).await;
    raw.say(r#"42["message"]"#).await;
    raw.hears_the_end().await;
    // Joining twice.
    let mut raw = joined(server).await;
    raw.say("40").await;
    raw.hears_the_end().await;
}
