//! Engine.IO 4: sessions, heartbeats, ends, upgrades.

use super::*;

const POLLING: &str = "EIO=4&transport=polling";
const WEBSOCKET: &str = "EIO=4&transport=websocket";

/// A session on long polling: its id.
async fn session(server: SocketAddr) -> String {
    let (status, body) = http(server, "GET", POLLING, "").await;
    assert_eq!(status, 200);
    opened(&body)["sid"].as_str().unwrap().to_owned()
}

fn opened(text: &str) -> Value {
    serde_json::from_str(text.strip_prefix('0').unwrap()).unwrap()
}

async fn poll(server: SocketAddr, sid: &str) -> (u16, String) {
    http(server, "GET", &format!("{POLLING}&sid={sid}"), "").await
}

async fn post(server: SocketAddr, sid: &str, body: &str) -> (u16, String) {
    http(server, "POST", &format!("{POLLING}&sid={sid}"), body).await
}

pub(super) async fn handshakes(server: SocketAddr) {
    let (status, body) = http(server, "GET", POLLING, "").await;
    assert_eq!(status, 200);
    let open = opened(&body);
    let mut keys: Vec<_> = open.as_object().unwrap().keys().collect();
    keys.sort();
    let all = [
        "maxPayload",
        "pingInterval",
        "pingTimeout",
        "sid",
        "upgrades",
    ];
    assert_eq!(keys, all);
    assert_eq!(open["upgrades"], serde_json::json!(["websocket"]));
    assert_eq!(open["pingInterval"], 300);
    assert_eq!(open["pingTimeout"], 200);
    assert_eq!(open["maxPayload"], 1_000_000);

    for query in [
        "transport=polling",
        "EIO=abc&transport=polling",
        "EIO=4",
        "EIO=4&transport=abc",
        "EIO=4&transport=polling&sid=unknown",
    ] {
        let (status, _) = http(server, "GET", query, "").await;
        assert_eq!(status, 400, "{query}");
    }
    for method in ["POST", "PUT"] {
        let (status, _) = http(server, method, POLLING, "").await;
        assert_eq!(status, 400, "{method}");
    }

    let mut raw = Raw::dial(server, WEBSOCKET).await.unwrap();
    let open = opened(&raw.hear().await);
    assert_eq!(open["upgrades"], serde_json::json!([]));
    assert_eq!(open["pingInterval"], 300);
    for query in [
        "transport=websocket",
        "EIO=abc&transport=websocket",
        "EIO=4",
        "EIO=4&transport=abc",
        "EIO=4&transport=websocket&sid=unknown",
    ] {
        assert!(Raw::dial(server, query).await.is_none(), "{query}");
    }
}

pub(super) async fn heartbeats(server: SocketAddr) {
    let sid = session(server).await;
    for _ in 0..3 {
        assert_eq!(poll(server, &sid).await, (200, "2".to_owned()));
        assert_eq!(post(server, &sid, "3").await, (200, "ok".to_owned()));
    }
    // Without an answer the session ends.
    let sid = session(server).await;
    assert_eq!(poll(server, &sid).await, (200, "2".to_owned()));
    let began = Instant::now();
    loop {
        let (status, body) = poll(server, &sid).await;
        if status == 400 {
            break;
        }
        assert_eq!((status, body.as_str()), (200, "1"));
        assert!(began.elapsed() >= PING_TIMEOUT / 2);
    }

    let mut raw = Raw::open(server).await;
    for _ in 0..3 {
        // Raw answers pings itself; here they are what is waited for.
        assert_eq!(ping(&mut raw).await, "2");
        raw.say("3").await;
        raw.say("40").await;
        raw.hears_welcome("40").await;
        assert_eq!(raw.hear().await, r#"42["auth",{}]"#);
        raw.say("41").await;
    }
    assert_eq!(ping(&mut raw).await, "2");
    let began = Instant::now();
    // Silent from now on.
    while ping(&mut raw).await != "closed" {}
    assert!(began.elapsed() < PING_INTERVAL * 10);
}

/// The next text, pings included; or that it is over.
async fn ping(raw: &mut Raw) -> String {
    use futures_util::StreamExt;
    use tokio_tungstenite::tungstenite::Message;
    loop {
        match soon(raw.ws.next()).await {
            Some(Ok(Message::Text(text))) => return text.to_string(),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return "closed".to_owned(),
        }
    }
}

pub(super) async fn ends(server: SocketAddr) {
    // A poll that waits is told of the end. Which of the two comes first is up to
    // the network; as a rule it is the poll.
    loop {
        let sid = session(server).await;
        let (polled, posted) = tokio::join!(poll(server, &sid), post(server, &sid, "1"));
        assert_eq!(posted.0, 200);
        assert_eq!(poll(server, &sid).await.0, 400);
        if polled.0 == 200 {
            assert_eq!(polled.1, "6");
            break;
        }
        assert_eq!(polled.0, 400);
    }

    let mut raw = Raw::open(server).await;
    raw.say("1").await;
    raw.hears_the_end().await;
}

pub(super) async fn upgrades(server: SocketAddr) {
    let sid = session(server).await;
    let query = format!("{WEBSOCKET}&sid={sid}");
    let mut raw = Raw::dial(server, &query).await.unwrap();
    raw.say("2probe").await;
    assert_eq!(raw.hear().await, "3probe");
    raw.say("5").await;
    raw.say("40").await;
    raw.hears_welcome("40").await;
    assert_eq!(raw.hear().await, r#"42["auth",{}]"#);
    // The session has moved: nothing else may use its id.
    assert_eq!(poll(server, &sid).await.0, 400);
    if let Some(mut second) = Raw::dial(server, &query).await {
        second.hears_the_end().await;
    }
    raw.say(r#"42["message","still here"]"#).await;
    assert_eq!(raw.hear().await, r#"42["message-back","still here"]"#);

    // Frames that wait in a poll are not lost by the move.
    let sid = session(server).await;
    assert_eq!(post(server, &sid, "40").await.0, 200);
    let (status, body) = poll(server, &sid).await;
    assert_eq!(status, 200);
    let packets: Vec<_> = body
        .split('\u{1e}')
        .filter(|packet| *packet != "2")
        .collect();
    assert!(packets[0].starts_with(r#"40{"sid":""#), "{packets:?}");
    assert_eq!(post(server, &sid, r#"42["message",1]"#).await.0, 200);
    let mut raw = Raw::dial(server, &format!("{WEBSOCKET}&sid={sid}"))
        .await
        .unwrap();
    raw.say("2probe").await;
    assert_eq!(raw.hear().await, "3probe");
    raw.say("5").await;
    assert_eq!(raw.hear().await, r#"42["message-back",1]"#);
}
