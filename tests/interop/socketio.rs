//! Our connection layer and the official server, beyond what the chat needs:
//! namespaces, acknowledgements both ways, binary, state that is recovered.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use parlour_socketio::{
    AckError, CloseReason, ConnectOptions, FenceAnswer, JoinError, JoinOptions, Placeholder,
    Recovery, Socket, SocketEvent, SocketEvents, Transports, connect,
};
use parlour_tests::{node, process::Process};
use serde_json::{Value, json, value::to_raw_value};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// `features.mjs`, running.
struct Server {
    process: Process,
    port: u16,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut command = node::script("features.mjs");
        command.args(arguments);
        let mut process = Process::start(command);
        let line = process.line().expect("it starts");
        let port = line.strip_prefix("listening ").map(str::parse);
        let port = port.expect("a port").expect("a number");
        Self { process, port }
    }

    /// One that keeps the state of connections that broke for a minute.
    fn that_remembers() -> Self {
        Self::start(&["--window", "60000"])
    }

    fn tell(&mut self, order: &Value) -> Value {
        self.process.tell(&order.to_string());
        let answer = self.process.line().expect("an answer");
        serde_json::from_str(&answer).expect("an answer in JSON")
    }

    fn options(&self) -> ConnectOptions {
        let url = format!("http://127.0.0.1:{}", self.port);
        ConnectOptions::new(url.parse().expect("an address"))
    }

    async fn connects(&self) -> (Socket, SocketEvents) {
        connect(self.options()).await.expect("connected")
    }

    async fn comes_back(&self, recovery: Recovery) -> (Socket, SocketEvents) {
        let mut options = self.options();
        options.recovery = Some(recovery);
        connect(options).await.expect("connected")
    }
}

async fn next(events: &mut SocketEvents) -> SocketEvent {
    let next = timeout(PATIENCE, events.next()).await;
    next.expect("an event in time").expect("no end yet")
}

/// The next event: its name and first argument.
async fn hears(events: &mut SocketEvents) -> (String, Value) {
    match next(events).await {
        SocketEvent::Event(event) => {
            let first = event.args.first().map(|json| json.get());
            let first = first.map(|json| serde_json::from_str(json).expect("json"));
            (event.name, first.unwrap_or(Value::Null))
        }
        other => panic!("not an event: {other:?}"),
    }
}

/// The numbers that come until the end of the connection.
async fn hears_numbers_until_the_end(events: &mut SocketEvents) -> Vec<u64> {
    let mut numbers = Vec::new();
    loop {
        match next(events).await {
            SocketEvent::Event(event) if event.name == "n" => {
                numbers.push(event.args[0].get().parse().expect("a number"));
            }
            SocketEvent::Event(_) | SocketEvent::Undecodable(_) => panic!("no number"),
            SocketEvent::Closed(_) => return numbers,
        }
    }
}

#[tokio::test]
async fn what_a_broken_connection_missed_comes_once_and_in_order() {
    let mut server = Server::that_remembers();
    let (mut socket, mut events) = server.connects().await;
    assert!(!socket.recovered());
    assert!(
        socket.recovery().is_none(),
        "nothing with an offset came yet"
    );
    let (id, mut heard, mut sent) = (socket.id().to_owned(), Vec::new(), 0);
    for round in 0..12 {
        server.tell(&json!({"do": "count", "from": sent, "to": sent + 9}));
        // Half of these are lost with the line, more or less.
        server.tell(&json!({"do": "burst", "from": sent + 10, "to": sent + 999}));
        heard.extend(hears_numbers_until_the_end(&mut events).await);
        // And these are said to nobody.
        server.tell(&json!({"do": "count", "from": sent + 1_000, "to": sent + 1_049}));
        sent += 1_050;
        let recovery = socket.recovery().expect("an offset");
        (socket, events) = server.comes_back(recovery).await;
        assert!(socket.recovered(), "round {round}");
        assert_eq!(socket.id(), id, "the old id");
    }
    server.tell(&json!({"do": "count", "from": sent, "to": sent}));
    while heard.last() != Some(&sent) {
        let (_, number) = hears(&mut events).await;
        heard.push(number.as_u64().expect("a number"));
    }
    assert_eq!(heard, (0..=sent).collect::<Vec<_>>());
}

#[tokio::test]
async fn state_is_recovered_in_each_namespace() {
    let mut server = Server::that_remembers();
    let (main, mut main_events) = server.connects().await;
    let (room, mut room_events) = main
        .join("/room", JoinOptions::default())
        .await
        .expect("joined");
    server.tell(&json!({"do": "count", "to": 1}));
    server.tell(&json!({"do": "count", "to": 1, "space": "/room"}));
    server.tell(&json!({"do": "drop"}));
    assert_eq!(hears_numbers_until_the_end(&mut main_events).await, [0, 1]);
    assert_eq!(hears_numbers_until_the_end(&mut room_events).await, [0, 1]);
    server.tell(&json!({"do": "count", "from": 2, "to": 3, "space": "/room"}));
    let (of_main, of_room) = (main.recovery(), room.recovery());
    let (again, mut main_events) = server.comes_back(of_main.expect("an offset")).await;
    let mut options = JoinOptions::default();
    options.recovery = of_room;
    let (room_again, mut room_events) = again.join("/room", options).await.expect("joined");
    assert!(again.recovered() && room_again.recovered());
    assert_eq!(room_again.id(), room.id());
    for number in 2..=3 {
        assert_eq!(
            hears(&mut room_events).await,
            ("n".to_owned(), json!(number))
        );
    }
    server.tell(&json!({"do": "count", "from": 7, "to": 7}));
    assert_eq!(hears(&mut main_events).await, ("n".to_owned(), json!(7)));
}

#[tokio::test]
async fn a_server_that_forgot_begins_anew() {
    let mut server = Server::start(&["--window", "1"]);
    let (socket, mut events) = server.connects().await;
    server.tell(&json!({"do": "count", "to": 0}));
    hears(&mut events).await;
    server.tell(&json!({"do": "drop"}));
    assert!(hears_numbers_until_the_end(&mut events).await.is_empty());
    let recovery = socket.recovery().expect("an offset");
    // Many times as long as it remembers.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (again, mut events) = server.comes_back(recovery).await;
    assert!(!again.recovered());
    assert_ne!(again.id(), socket.id());
    server.tell(&json!({"do": "count", "from": 7, "to": 7}));
    assert_eq!(hears(&mut events).await, ("n".to_owned(), json!(7)));
    // One that keeps nothing gives nothing to come back with.
    let server = Server::start(&[]);
    let (socket, mut events) = server.connects().await;
    socket
        .try_emit("echo", &("x", "like an offset"))
        .expect("room");
    hears(&mut events).await;
    assert!(socket.recovery().is_none());
}

#[tokio::test]
async fn namespaces_share_a_connection_and_not_their_fate() {
    for transports in [Transports::WebSocket, Transports::Polling] {
        let mut server = Server::start(&[]);
        let mut options = server.options();
        options.transports = transports;
        let (main, mut main_events) = connect(options).await.expect("connected");
        match main.join("/staff", JoinOptions::default()).await {
            Err(JoinError::Refused { message, data }) => {
                assert_eq!(message, "not you");
                let data: Value = serde_json::from_str(data.expect("data").get()).expect("json");
                assert_eq!(data, json!({"code": 7, "why": ["no", {"token": null}]}));
            }
            other => panic!("{:?}", other.map(|_| ())),
        }
        match main.join("/nowhere", JoinOptions::default()).await {
            Err(JoinError::Refused { message, .. }) => assert_eq!(message, "Invalid namespace"),
            other => panic!("{:?}", other.map(|_| ())),
        }
        let mut options = JoinOptions::default();
        options.auth = Some(to_raw_value(&json!({"token": "right"})).expect("json"));
        let (staff, mut staff_events) = main.join("/staff", options).await.expect("joined");
        let joined = main.join("/room", JoinOptions::default()).await;
        let (room, mut room_events) = joined.expect("joined");
        for (number, socket) in [&main, &staff, &room].into_iter().enumerate() {
            socket.try_emit("echo", &(number,)).expect("room");
        }
        let expected = |number: u64| ("echo".to_owned(), json!(number));
        assert_eq!(hears(&mut main_events).await, expected(0));
        assert_eq!(hears(&mut staff_events).await, expected(1));
        assert_eq!(hears(&mut room_events).await, expected(2));
        server.tell(&json!({"do": "dismiss", "space": "/room"}));
        match next(&mut room_events).await {
            SocketEvent::Closed(reason) => assert_eq!(reason, CloseReason::ServerDisconnect),
            other => panic!("{other:?}"),
        }
        staff.close();
        match next(&mut staff_events).await {
            SocketEvent::Closed(reason) => assert_eq!(reason, CloseReason::Local),
            other => panic!("{other:?}"),
        }
        let joined = main.join("/room", JoinOptions::default()).await;
        let (room, _room_events) = joined.expect("joined again");
        // The server took the goodbye, and nothing here as a violation.
        let fence = main.try_fence().expect("room");
        let answer = timeout(PATIENCE, fence).await.expect("in time");
        assert_eq!(answer, Ok(FenceAnswer::Refused));
        let who = server.tell(&json!({"do": "who"}));
        let expected = json!({"/": [main.id()], "/room": [room.id()], "/staff": []});
        assert_eq!(who, expected, "{transports:?}");
    }
}

#[tokio::test]
async fn five_thousand_questions_at_once_get_their_own_answers() {
    let server = Server::start(&[]);
    let (main, _events) = server.connects().await;
    let joined = main.join("/room", JoinOptions::default()).await;
    let (room, _room_events) = joined.expect("joined");
    let questions = (0..5_000_u32).map(|number| {
        let socket = if number % 3 == 0 { &room } else { &main };
        async move {
            let answer = socket.emit_with_ack("double", &(number,), PATIENCE).await;
            let answer = answer.expect("an answer");
            assert_eq!(answer.args[0].get(), (number * 2).to_string());
        }
    });
    join_all(questions).await;
    let never = main
        .emit_with_ack("never", &(), Duration::from_millis(50))
        .await;
    assert_eq!(never.expect_err("no answer"), AckError::TimedOut);
}

#[tokio::test]
async fn binary_answers_go_both_ways() {
    let mut server = Server::start(&[]);
    let (socket, mut events) = server.connects().await;
    let parts = vec![Bytes::from_static(b"\x00\xff"), Bytes::from_static(b"\x1e")];
    let args = (Placeholder(1), "between", Placeholder(0));
    let answer = socket
        .emit_with_ack_and_attachments("echo", &args, parts.clone(), PATIENCE)
        .await
        .expect("an answer");
    // The official server numbers them as it meets them.
    assert_eq!(answer.attachments, [parts[1].clone(), parts[0].clone()]);
    assert_eq!(answer.args[1].get(), "\"between\"");

    let asked = async {
        for _ in 0..2 {
            let SocketEvent::Event(event) = next(&mut events).await else {
                panic!("not an event");
            };
            assert_eq!((event.name.as_str(), event.args.len()), ("ask", 2));
            let reply = event.ack.expect("it wants an answer");
            let parts = vec![Bytes::from_static(b"\x01\x02")];
            let sent = reply.send_with_attachments(&("here", Placeholder(0)), parts);
            sent.expect("room");
        }
    };
    let ask = tokio::task::spawn_blocking(move || {
        let once = server.tell(&json!({"do": "ask", "args": [1, {"two": []}]}));
        let again = server.tell(&json!({"do": "ask", "args": ["three", null]}));
        (once, again, server)
    });
    let (answers, ()) = tokio::join!(ask, asked);
    let (once, again, _server) = answers.expect("asked");
    let expected = json!({"answers": [["here", "binary 0102"]]});
    assert_eq!((&once, &again), (&expected, &expected));
}
