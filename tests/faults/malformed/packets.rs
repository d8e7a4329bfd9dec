//! Socket.IO: packets that are none, in the wrong order, of the wrong kind.

use parlour_tests::wire::{Frame, RawSocket};
use serde_json::json;

use super::{
    Stage,
    nested::{arrays, objects, values},
};

pub(super) async fn strikes(stage: &mut Stage) {
    let mut alive = Vec::new();
    for text in closing() {
        let mut socket = joined(stage).await;
        socket.send_text(&text).await;
        if socket.fence(1).await {
            alive.push(text.clone());
        }
        stage.chats(shown(&text)).await;
    }
    assert!(alive.is_empty(), "connections live after {alive:#?}");
    for text in harmless() {
        let mut socket = joined(stage).await;
        socket.send_text(&text).await;
        let _ = socket.fence(1).await;
        stage.chats(shown(&text)).await;
        // The same from somebody who has not joined.
        let mut socket = RawSocket::open(&stage.address).await;
        socket.send_text(&text).await;
        let _ = socket.fence(1).await;
        stage.chats(shown(&text)).await;
    }
    joining(stage).await;
    attachments(stage).await;
    namespaces(stage).await;
}

async fn joined(stage: &Stage) -> RawSocket {
    let auth = json!({"username": "Eve"});
    RawSocket::joins(&stage.address, &auth).await.0
}

/// As much of a text as a message can show.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(60)]
}

/// What is no packet: the connection ends, as Socket.IO wants it.
fn closing() -> Vec<String> {
    [
        "4",
        "47",
        "48[\"x\"]",
        "49",
        "4x",
        "4hello",
        "4\u{0}",
        "4 2[\"x\"]",
        "42",
        "42{}",
        "42\"x\"",
        "42null",
        "42[\"x\"",
        "42[\"x\"]]",
        "42[\"x\"] trailing",
        "42['x']",
        "42[\"x\",]",
        "42[\"x\",NaN]",
        "42[\"x\",undefined]",
        "42[\"x\",0x10]",
        "42[\"x\",01]",
        "42[\"\\x41\"]",
        "42[]",
        "42[1]",
        "42[null]",
        "42[{}]",
        "43",
        "43[]",
        "43abc",
        "45[\"x\"]",
        "45-[\"x\"]",
        "45x-[\"x\"]",
        "451[\"x\"]",
        "40", // The second time.
    ]
    .into_iter()
    .map(str::to_owned)
    .collect()
}

/// What may close the connection or not: nobody else notices.
fn harmless() -> Vec<String> {
    let mut texts: Vec<String> = [
        "42[\"connect\"]",
        "42[\"connect_error\",{}]",
        "42[\"disconnect\",\"x\"]",
        "42[\"disconnecting\"]",
        "42[\"newListener\"]",
        "42[\"removeListener\"]",
        "42[\"error\",\"x\"]",
        "42[\"__proto__\",{\"toString\":1}]",
        "42[\"constructor\"]",
        "42[\"hasOwnProperty\"]",
        "42[\"\"]",
        "42[\"session\",{\"sessionID\":\"x\",\"userID\":\"y\"}]",
        "42[\"users\",[]]",
        "42[\"user connected\",{}]",
        "42[\"user disconnected\",\"x\"]",
        "42[\"pm:bye\",{\"reason\":\"restart\"}]",
        "42[\"private message\"]",
        "421[\"private message\"]",
        "4299999999999999999999999999[\"private message\",{}]",
        "4218446744073709551615[\"private message\",{}]",
        "42-1[\"private message\",{}]",
        "4200000000000000000000000001[\"private message\",{}]",
        "431[]",
        "430[\"x\"]",
        "4399999999999999999999999[]",
        "431{}",
        "44{\"message\":\"x\"}",
        "44",
        "41",
        "41\"x\"",
        "41/other,",
        "41,",
        "42/__proto__,[\"x\"]",
        "42/nowhere,[\"private message\",{}]",
        "42/,[\"private message\",{}]",
        "42/?a=b,[\"private message\",{}]",
        "450-[\"x\"]",
        "450-[\"private message\",{}]",
        "461-1[]",
        "460-1[]",
        "451-",
        "459999999999-[\"x\"]",
        "4599999999999999999999999999-[\"x\"]",
        "\u{feff}42[\"x\"]",
        "42[\"x\",\"\u{0}\u{1}\"]",
        "42[\"x\",\"\\ud800\"]",
        "42[\"\\ud800\",1]",
    ]
    .map(str::to_owned)
    .to_vec();
    for value in values() {
        texts.push(format!("42[\"private message\",{value}]"));
        texts.push(format!("427[{value},1]"));
    }
    texts.push(format!("42[\"private message\",{}]", arrays(60_000)));
    texts.push(format!("42[\"x\",{}", "[".repeat(100_000)));
    texts.push(format!("42[\"x\",{}]", objects(20_000)));
    texts.push(format!("42{}", arrays(60_000)));
    texts.push(format!("42[\"{}\"]", "x".repeat(100_000)));
    texts.push(format!("42[\"x\",{}1]", "1,".repeat(50_000)));
    texts.push(format!("42[\"x\",{}]", "9".repeat(100_000)));
    texts.push(format!("42[\"x\",1e{}]", "9".repeat(1_000)));
    texts.push(format!("42/{},[\"x\"]", "n".repeat(60_000)));
    texts.push(format!("42{}[\"x\"]", "1".repeat(60_000)));
    texts
}

/// CONNECT with all sorts of `auth`.
async fn joining(stage: &mut Stage) {
    let mut auths = values();
    auths.extend(["not JSON", "{", "[1,2", "\"x\"", "{}{}", "{}x"].map(str::to_owned));
    for value in values() {
        auths.push(format!("{{\"username\":{value}}}"));
        auths.push(format!("{{\"sessionID\":{value},\"username\":{value}}}"));
        auths.push(format!(
            "{{\"username\":\"Eve\",\"sessionID\":{value},\"secret\":{value}}}"
        ));
        auths.push(format!("{{\"username\":\"Eve\",\"pm\":{value}}}"));
        auths.push(format!(
            "{{\"username\":\"Eve\",\"pm\":{{\"v\":[1],\"caps\":{value},\"client\":{value},\"since\":{value},\"epoch\":{value}}}}}"
        ));
        auths.push(format!("{{\"username\":\"Eve\",\"pm\":{{\"v\":{value}}}}}"));
    }
    auths.push(format!("{{\"username\":\"Eve\",\"x\":{}}}", arrays(50_000)));
    for auth in auths {
        let mut socket = RawSocket::open(&stage.address).await;
        socket.send_text(&format!("40{auth}")).await;
        if let Some(answer) = socket.text().await {
            // Let in, refused, or the end for what is no packet.
            let is_answer = ["40{", "44{", "1"]
                .iter()
                .any(|head| answer.starts_with(head));
            assert!(is_answer, "{} was answered by {answer}", shown(&auth));
        }
        stage.chats(shown(&auth)).await;
    }
    // Again and again after a refusal, on the same connection.
    let mut socket = RawSocket::open(&stage.address).await;
    for _ in 0..200 {
        socket.send_text("40{}").await;
        let answer = socket.text().await.expect("a refusal");
        assert!(answer.starts_with("44{"), "{answer}");
    }
    let session = socket.join(&json!({"username": "Eve"})).await;
    assert!(session["userID"].is_string());
    stage.chats("two hundred refusals").await;
    // An event before joining closes.
    let mut socket = RawSocket::open(&stage.address).await;
    socket.send_text("42[\"x\"]").await;
    assert!(!socket.fence(1).await, "an event before joining");
    // Joining and leaving without end.
    let mut socket = joined(stage).await;
    for _ in 0..50 {
        socket.send_text("41").await;
        socket.join(&json!({"username": "Eve"})).await;
    }
    stage.chats("joining and leaving").await;
}

/// Binary events: attachments that are missing, too many, or something else.
async fn attachments(stage: &mut Stage) {
    let bytes = || Frame::binary(vec![1, 2, 3]);
    let text = |text: &str| Frame::text(text);
    let message = |placeholder: &str| {
        text(&format!(
            "451-[\"private message\",{{\"content\":{placeholder},\"to\":\"x\"}}]"
        ))
    };
    let cases: Vec<(&str, Vec<Frame>)> = vec![
        (
            "text where bytes belong",
            vec![message("{}"), text("42[\"x\"]")],
        ),
        (
            "a second packet within the first",
            vec![message("{}"), message("{}"), bytes(), bytes()],
        ),
        (
            "bytes where text belongs",
            vec![message(r#"{"_placeholder":true,"num":0}"#), bytes()],
        ),
        (
            "an attachment of number -1",
            vec![message(r#"{"_placeholder":true,"num":-1}"#), bytes()],
        ),
        (
            "an attachment of number 1e9",
            vec![
                message(r#"{"_placeholder":true,"num":1000000000}"#),
                bytes(),
            ],
        ),
        (
            "an attachment of number 1.5",
            vec![message(r#"{"_placeholder":true,"num":1.5}"#), bytes()],
        ),
        (
            "an attachment of number x",
            vec![message(r#"{"_placeholder":true,"num":"x"}"#), bytes()],
        ),
        (
            "an attachment of no number",
            vec![message(r#"{"_placeholder":true}"#), bytes()],
        ),
        (
            "the same attachment twice",
            vec![
                text(r#"451-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#),
                bytes(),
            ],
        ),
        (
            "an attachment that nobody mentions",
            vec![text(r#"451-["x"]"#), bytes()],
        ),
        (
            "more than were announced",
            vec![
                text(r#"451-["x",{"_placeholder":true,"num":0}]"#),
                bytes(),
                bytes(),
            ],
        ),
        (
            "an empty attachment",
            vec![
                text(r#"451-["x",{"_placeholder":true,"num":0}]"#),
                Frame::binary(vec![]),
            ],
        ),
        (
            "a leave within a packet",
            vec![
                text(r#"451-["x",{"_placeholder":true,"num":0}]"#),
                text("41"),
                bytes(),
            ],
        ),
        (
            "bytes as an answer",
            vec![text(r#"461-99[{"_placeholder":true,"num":0}]"#), bytes()],
        ),
        (
            "a name of bytes",
            vec![text(r#"451-[{"_placeholder":true,"num":0}]"#), bytes()],
        ),
    ];
    for (name, frames) in cases {
        let mut socket = joined(stage).await;
        for frame in &frames {
            socket.send(frame).await;
        }
        let _ = socket.fence(1).await;
        stage.chats(name).await;
    }
    // A packet whose attachments never come does not stop the others.
    let mut waiting = joined(stage).await;
    waiting.send(&text(r#"4510-["x"]"#)).await;
    stage.chats("attachments that never come").await;
}

/// Namespaces without number, long ones, and such as look like properties.
async fn namespaces(stage: &mut Stage) {
    let mut socket = joined(stage).await;
    for number in 0..2_000 {
        socket.send_text(&format!("40/__f{number},")).await;
    }
    assert!(socket.fence(2_000).await, "two thousand fences");
    stage.chats("two thousand fences").await;
    let long = format!("/{}", "n".repeat(30_000));
    for name in [
        "/__proto__",
        "/constructor",
        "/%00",
        "//",
        "/ ",
        "/é",
        "/a?b=c",
        long.as_str(),
    ] {
        let mut socket = joined(stage).await;
        socket.send_text(&format!("40{name},{{}}")).await;
        socket.send_text(&format!("42{name},[\"x\"]")).await;
        let _ = socket.fence(1).await;
        stage.chats(shown(name)).await;
    }
}
