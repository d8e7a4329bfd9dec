//! The chat: payloads of the wrong shape, each with the code that answers it.

use parlour_protocol::limits;
use parlour_tests::wire::RawSocket;
use serde_json::{Value, json};

use super::{Stage, nested::values};

/// What takes a payload.
const EVENTS: [&str; 8] = [
    "private message",
    "pm:sync",
    "pm:history",
    "pm:users",
    "pm:received",
    "pm:read",
    "pm:typing",
    "pm:logout",
];

pub(super) async fn strikes(stage: &mut Stage) {
    let mut eve = Eve::arrives(stage).await;
    let bob = stage.bob.user().as_str().to_owned();
    let mut wrong = Vec::new();
    for (event, payload, expected) in requests(&bob, &eve.user) {
        let answer = eve.asks(event, &payload).await;
        let is_as_expected = match expected {
            Ok(key) => !answer[key].is_null() && answer["ok"] != false,
            Err(code) => answer["ok"] == false && answer["code"] == code,
        };
        if !is_as_expected {
            wrong.push(format!("{event} {payload}: {answer}, not {expected:?}"));
        }
        stage.chats(event).await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    every_value_everywhere(stage, &mut eve, &bob).await;
    every_field_of_every_kind(stage, &mut eve, &bob).await;
    without_an_answer(stage, &mut eve).await;
    from_a_plain_client(stage, &bob).await;
}

/// What is asked, and what is in the answer: a field, or a code.
fn requests(
    bob: &str,
    eve: &str,
) -> Vec<(&'static str, String, Result<&'static str, &'static str>)> {
    let text = |length: usize| "x".repeat(length);
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let mut requests = Vec::new();
    let mut add = |event, payload: Value, expected| {
        requests.push((event, payload.to_string(), expected));
    };
    let message = "private message";
    add(message, json!({"content": "x"}), Err("bad_request"));
    add(message, json!({"to": bob}), Err("bad_request"));
    add(
        message,
        json!({"content": "", "to": bob}),
        Err("bad_request"),
    );
    add(
        message,
        json!({"content": "x", "to": ""}),
        Err("bad_request"),
    );
    add(
        message,
        json!({"content": "x", "to": [bob]}),
        Err("bad_request"),
    );
    add(
        message,
        json!({"content": ["x"], "to": bob}),
        Err("bad_request"),
    );
    add(
        message,
        json!([{"content": "x", "to": bob}]),
        Err("bad_request"),
    );
    add(
        message,
        json!({"content": "x", "to": text(65)}),
        Err("bad_request"),
    );
    add(
        message,
        json!({"content": "x", "to": "nobody"}),
        Err("unknown_recipient"),
    );
    add(
        message,
        json!({"content": "x", "to": "__proto__"}),
        Err("unknown_recipient"),
    );
    add(
        message,
        json!({"content": "x", "to": bob.to_uppercase() + " "}),
        Err("unknown_recipient"),
    );
    add(
        message,
        json!({"content": text(limits::CONTENT_BYTES + 1), "to": bob}),
        Err("too_large"),
    );
    for id in [
        json!(7),
        json!({}),
        json!(""),
        json!("x"),
        json!("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ] {
        add(
            message,
            json!({"content": "x", "to": eve, "id": id}),
            Err("bad_request"),
        );
    }
    // Good ones to oneself: a repeat is the same, another text is not.
    add(
        message,
        json!({"content": "x", "to": eve, "id": id}),
        Ok("seq"),
    );
    add(
        message,
        json!({"content": "x", "to": eve, "id": id}),
        Ok("dup"),
    );
    add(
        message,
        json!({"content": "y", "to": eve, "id": id}),
        Err("conflict"),
    );
    add(
        message,
        json!({"content": "x", "to": eve, "from": bob, "seq": 1, "ts": 1}),
        Ok("seq"),
    );
    add(
        message,
        json!({"content": "x", "to": eve, "sentAt": {"a": []}}),
        Ok("seq"),
    );
    add(message, json!({"content": "\u{0}", "to": eve}), Ok("seq"));
    add("pm:sync", json!({}), Err("bad_request"));
    add("pm:sync", json!({"since": -1}), Err("bad_request"));
    add("pm:sync", json!({"since": 1.5}), Err("bad_request"));
    add("pm:sync", json!({"since": "0"}), Err("bad_request"));
    add(
        "pm:sync",
        json!({"since": 0, "limit": 0}),
        Err("bad_request"),
    );
    add(
        "pm:sync",
        json!({"since": 0, "limit": -1}),
        Err("bad_request"),
    );
    add(
        "pm:sync",
        json!({"since": 0, "limit": 1e9}),
        Err("bad_request"),
    );
    add(
        "pm:sync",
        json!({"since": 0, "limit": 1_000_000_000}),
        Ok("messages"),
    );
    add("pm:sync", json!({"since": u64::MAX}), Ok("messages"));
    add("pm:sync", json!({"since": i64::MAX}), Ok("messages"));
    add(
        "pm:history",
        json!({"peer": "nobody"}),
        Err("unknown_recipient"),
    );
    add("pm:history", json!({"peer": ""}), Err("bad_request"));
    add("pm:history", json!({"peer": [bob]}), Err("bad_request"));
    add(
        "pm:history",
        json!({"peer": bob, "before": 0}),
        Ok("messages"),
    );
    add(
        "pm:history",
        json!({"peer": bob, "before": u64::MAX}),
        Ok("messages"),
    );
    add(
        "pm:history",
        json!({"peer": bob, "before": "x"}),
        Err("bad_request"),
    );
    add("pm:users", json!({"after": "~~~~"}), Ok("users"));
    add("pm:users", json!({"after": 7}), Err("bad_request"));
    add("pm:users", json!({"q": ""}), Ok("users"));
    add("pm:users", json!({"q": "%_\\'\"*"}), Ok("users"));
    add(
        "pm:users",
        json!({"q": "\u{0}\u{202e}\u{fdfa}"}),
        Ok("users"),
    );
    add("pm:users", json!({"q": text(1_000)}), Err("bad_request"));
    add("pm:users", json!({"q": ["a"]}), Err("bad_request"));
    add("pm:users", json!({"limit": 0}), Err("bad_request"));
    add("pm:received", json!({}), Err("bad_request"));
    add("pm:received", json!({"upTo": -1}), Err("bad_request"));
    add("pm:read", json!({"upTo": 1}), Err("bad_request"));
    add(
        "pm:read",
        json!({"peer": bob, "upTo": "1"}),
        Err("bad_request"),
    );
    add("pm:typing", json!({"to": 7}), Err("bad_request"));
    add("pm:logout", json!({"all": "yes"}), Err("bad_request"));
    add("pm:logout", json!([]), Err("bad_request"));
    add("pm:nothing", json!({}), Err("unsupported"));
    add("pm:", json!({}), Err("unsupported"));
    add("pm:bye", json!({"reason": "restart"}), Err("unsupported"));
    add(
        "pm:receipt",
        json!({"peer": bob, "read": 1}),
        Err("unsupported"),
    );
    requests
}

/// Any value as the whole payload: an answer, whatever it is.
async fn every_value_everywhere(stage: &mut Stage, eve: &mut Eve, bob: &str) {
    for event in EVENTS {
        for value in values() {
            // No payload at all ends the session, which is what logging out is for.
            if event == "pm:logout" && (value == "null" || value.starts_with('{')) {
                continue;
            }
            let answer = eve.asks(event, &value).await;
            assert!(answer.is_object(), "{event}: {answer}");
        }
        stage.chats(event).await;
    }
    let payload = json!({"content": "x", "to": bob, "id": 1}).to_string();
    let answer = eve.asks("private message", &payload).await;
    assert_eq!(answer["code"], "bad_request");
}

/// Any value in each field.
async fn every_field_of_every_kind(stage: &mut Stage, eve: &mut Eve, bob: &str) {
    let fields = [
        "content", "to", "id", "since", "limit", "peer", "before", "after", "q", "upTo", "all",
    ];
    let good =
        json!({"content": "x", "to": "nobody", "since": 0, "limit": 1, "peer": bob, "upTo": 0});
    for event in EVENTS.iter().filter(|event| **event != "pm:logout") {
        for field in fields {
            for value in values() {
                let mut payload = good.clone();
                payload[field] = json!("~");
                let payload = payload.to_string().replace("\"~\"", &value);
                let answer = eve.asks(event, &payload).await;
                assert!(answer.is_object(), "{event}: {answer}");
            }
        }
        stage.chats(event).await;
    }
}

/// The same without asking for an answer: the connection lives.
async fn without_an_answer(stage: &mut Stage, eve: &mut Eve) {
    for event in EVENTS.iter().filter(|event| **event != "pm:logout") {
        for value in values() {
            let packet = format!("42[\"{event}\",{value}]");
            eve.socket.send_text(&packet).await;
        }
    }
    assert!(eve.socket.fence(1).await, "cut for messages that are none");
    stage.chats("events without an answer").await;
}

/// A client of the guide does not speak pm: what it asks is not supported, and
/// what it does not ask is ignored.
async fn from_a_plain_client(stage: &mut Stage, bob: &str) {
    let auth = json!({"username": "Plain"});
    let (mut socket, session) = RawSocket::joins(&stage.address, &auth).await;
    assert!(session["pm"].is_null());
    for event in EVENTS.iter().filter(|event| event.starts_with("pm:")) {
        let payload = json!({"since": 0, "peer": bob, "to": bob, "upTo": 1});
        socket
            .send_text(&format!("42[\"{event}\",{payload}]"))
            .await;
        socket
            .send_text(&format!("425[\"{event}\",{payload}]"))
            .await;
        let answer = next_answer(&mut socket, 5).await.expect("an answer");
        assert_eq!(answer["code"], "unsupported", "{event}: {answer}");
    }
    socket.send_text("42[\"private message\"]").await;
    socket.send_text("426[\"private message\"]").await;
    let answer = next_answer(&mut socket, 6).await.expect("an answer");
    assert_eq!(answer["code"], "bad_request");
    assert!(socket.fence(1).await);
    stage.chats("a plain client").await;
}

/// Somebody who sends what nobody should.
struct Eve {
    socket: RawSocket,
    user: String,
    asked: u64,
}

impl Eve {
    async fn arrives(stage: &Stage) -> Self {
        let pm = json!({"v": [1], "caps": [], "client": "eve"});
        let auth = json!({"username": "Eve", "pm": pm});
        let (socket, session) = RawSocket::joins(&stage.address, &auth).await;
        Self {
            socket,
            user: session["userID"].as_str().expect("an id").to_owned(),
            asked: 0,
        }
    }

    /// Sends an event with this JSON as payload; gives the answer.
    async fn asks(&mut self, event: &str, payload: &str) -> Value {
        self.asked += 1;
        let number = self.asked;
        let packet = format!("42{number}[\"{event}\",{payload}]");
        self.socket.send_text(&packet).await;
        let answer = next_answer(&mut self.socket, number).await;
        answer.unwrap_or_else(|| panic!("cut for {event} {}", &payload[..payload.len().min(200)]))
    }
}

/// The answer to what was asked under this number.
async fn next_answer(socket: &mut RawSocket, number: u64) -> Option<Value> {
    let head = format!("43{number}[");
    loop {
        let text = socket.text().await?;
        if text.starts_with(&head) {
            let answer: Value = serde_json::from_str(&text[head.len() - 1..]).expect("JSON");
            assert_eq!(answer.as_array().map(Vec::len), Some(1), "{answer}");
            return Some(answer[0].clone());
        }
    }
}
