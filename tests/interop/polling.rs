//! Our client over long polling, with the official server at the other end.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use parlour_socketio::{
    CloseReason, ConnectError, ConnectOptions, EmitError, Event, FenceAnswer, Placeholder, Socket,
    SocketEvent, SocketEvents, Transport, Transports, connect,
};
use parlour_tests::{node::script, process::Process};

/// The official server, sending everything back.
struct Echo {
    process: Process,
    port: u16,
}

impl Echo {
    fn start(options: &[&str]) -> Self {
        let mut command = script("echo.mjs");
        command.args(options);
        let mut process = Process::start(command);
        let line = process.line().expect("a first line");
        let port = line.strip_prefix("listening ").expect("a port");
        Self {
            port: port.parse().expect("a port"),
            process,
        }
    }

    fn options(&self, transports: Transports) -> ConnectOptions {
        let url = format!("http://127.0.0.1:{}", self.port);
        let mut options = ConnectOptions::new(url.parse().expect("an address"));
        options.transports = transports;
        options
    }

    async fn arrives(&self, transports: Transports) -> (Socket, SocketEvents) {
        soon(connect(self.options(transports)))
            .await
            .expect("a connection")
    }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what)
        .await
        .expect("it should have happened by now")
}

async fn event(events: &mut SocketEvents) -> Event {
    match soon(events.next()).await {
        Some(SocketEvent::Event(event)) => event,
        other => panic!("expected an event: {other:?}"),
    }
}

async fn closed(events: &mut SocketEvents) -> CloseReason {
    match soon(events.next()).await {
        Some(SocketEvent::Closed(reason)) => reason,
        other => panic!("expected the end: {other:?}"),
    }
}

fn number(event: &Event) -> u32 {
    event.args[0].get().parse().expect("a number")
}

/// What the server says of the connection.
async fn says_of_it(socket: &Socket, events: &mut SocketEvents) -> (String, String) {
    socket.emit("transport", &()).await.expect("taken");
    let event = event(events).await;
    let said = |at: usize| event.args[at].get().trim_matches('"').to_owned();
    (said(0), said(1))
}

#[tokio::test]
async fn everything_goes_over_polling_alone() {
    let server = Echo::start(&["--transports", "polling", "--max-payload", "20000"]);
    for transports in [Transports::Polling, Transports::WebSocketFirst] {
        let (socket, mut events) = server.arrives(transports).await;
        assert_eq!(socket.transport(), Transport::Polling);
        // Far more than fits in one request.
        let text = "half 😀 ".repeat(100);
        for sent in 0..500_u32 {
            socket.emit("n", &(sent, &text)).await.expect("taken");
        }
        for expected in 0..500 {
            let event = event(&mut events).await;
            assert_eq!(number(&event), expected);
            assert_eq!(event.args[1].get(), format!("\"{text}\""));
        }
        let part = Bytes::from(vec![0x1e; 10_000]);
        let file = vec![part.clone(), Bytes::new()];
        let args = (Placeholder(0), Placeholder(1));
        socket
            .try_emit_with_attachments("file", &args, file.clone())
            .expect("taken");
        assert_eq!(event(&mut events).await.attachments, file);
        let answer = socket
            .emit_with_ack("ask", &("what",), Duration::from_secs(10))
            .await
            .expect("an answer");
        assert_eq!(answer.args[0].get(), r#""what""#);
        event(&mut events).await;
        assert_eq!(
            says_of_it(&socket, &mut events).await.0,
            "polling",
            "{transports:?}"
        );
        socket.close();
        assert_eq!(closed(&mut events).await, CloseReason::Local);
    }
    let only = soon(connect(server.options(Transports::WebSocket))).await;
    assert!(
        matches!(only, Err(ConnectError::Http { status: 400 })),
        "{only:?}"
    );
}

#[tokio::test]
async fn a_thousand_fences_are_answered() {
    let server = Echo::start(&[]);
    let (socket, mut events) = server.arrives(Transports::Polling).await;
    let mut fences = Vec::new();
    for sent in 0..1_000_u32 {
        socket.emit("n", &(sent,)).await.expect("taken");
        let fence = loop {
            match socket.try_fence() {
                Ok(fence) => break fence,
                Err(EmitError::Full) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        };
        fences.push(fence);
    }
    for fence in fences {
        assert_eq!(soon(fence).await.expect("an answer"), FenceAnswer::Refused);
    }
    for expected in 0..1_000 {
        assert_eq!(number(&event(&mut events).await), expected);
    }
}

/// Emits numbers until it has moved and a little longer; every third as a file.
async fn says(socket: &Socket) -> u32 {
    let (mut after, mut sent) = (0, 0_u32);
    while after < 20 {
        let part = vec![Bytes::copy_from_slice(&sent.to_be_bytes())];
        let args = (sent, Placeholder(0));
        let taken = match sent % 3 {
            0 => socket.try_emit_with_attachments("n", &args, part),
            _ => socket.try_emit("n", &(sent,)),
        };
        match taken {
            Ok(()) => sent += 1,
            Err(EmitError::Full) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
        if sent % 20 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if socket.transport() == Transport::WebSocket {
            after += 1;
        }
    }
    socket.emit("end", &()).await.expect("taken");
    sent
}

async fn hears(events: &mut SocketEvents) -> (u32, u32) {
    let (mut own, mut many) = (0, 0);
    loop {
        let event = event(events).await;
        match event.name.as_str() {
            "n" => {
                assert_eq!(number(&event), own);
                if own % 3 == 0 {
                    assert_eq!(*event.attachments[0], own.to_be_bytes());
                }
                own += 1;
            }
            "many" => {
                assert_eq!(number(&event), many);
                many += 1;
            }
            _ => return (own, many),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_out_of_order_in_200_moves() {
    let server = Echo::start(&[]);
    let moves = stream::iter(0..200).map(|_| async {
        let (socket, mut events) = server.arrives(Transports::PollingFirst).await;
        socket.emit("many", &(100,)).await.expect("taken");
        let (sent, heard) = tokio::join!(says(&socket), hears(&mut events));
        assert_eq!((sent, 100), heard);
        assert_eq!(says_of_it(&socket, &mut events).await.0, "websocket");
        socket.close();
        assert_eq!(closed(&mut events).await, CloseReason::Local);
    });
    moves.buffer_unordered(10).collect::<()>().await;
}

#[tokio::test]
async fn cookies_go_with_every_request_and_with_the_upgrade() {
    let server = Echo::start(&["--cookie", "engine"]);
    let (socket, mut events) = server.arrives(Transports::PollingFirst).await;
    assert_eq!(socket.cookies().len(), 1);
    soon(async {
        while socket.transport() == Transport::Polling {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    assert_eq!(says_of_it(&socket, &mut events).await.0, "websocket");
    // The next connection brings it along from its first request on.
    let mut options = server.options(Transports::WebSocketFirst);
    options.cookies = Some(socket.cookies());
    let (again, mut events) = soon(connect(options)).await.expect("a connection");
    let (transport, cookies) = says_of_it(&again, &mut events).await;
    assert_eq!(transport, "websocket");
    assert!(cookies.starts_with("engine="));
}

#[tokio::test]
async fn a_quiet_connection_lives_by_probes_and_pings() {
    let server = Echo::start(&["--ping-interval", "700", "--ping-timeout", "600"]);
    let mut options = server.options(Transports::Polling);
    options.probe_interval = Duration::from_millis(100);
    options.silence_limit = Duration::from_millis(400);
    let (socket, mut events) = soon(connect(options)).await.expect("a connection");
    let quiet = tokio::time::timeout(Duration::from_secs(5), events.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    assert_eq!(says_of_it(&socket, &mut events).await.0, "polling");
}

#[tokio::test]
async fn a_server_that_stops_is_noticed_and_one_that_is_killed_is_missed_at_once() {
    let server = Echo::start(&[]);
    let mut options = server.options(Transports::Polling);
    options.probe_interval = Duration::from_millis(200);
    options.silence_limit = Duration::from_millis(600);
    let (_stopped, mut events) = soon(connect(options)).await.expect("a connection");
    let (_killed, mut others) = server.arrives(Transports::Polling).await;
    server.process.signal("STOP");
    let start = Instant::now();
    assert_eq!(closed(&mut events).await, CloseReason::PingTimeout);
    assert!(start.elapsed() < Duration::from_secs(3));
    let mut process = server.process;
    process.kill();
    let start = Instant::now();
    assert_eq!(closed(&mut others).await, CloseReason::TransportClosed);
    assert!(start.elapsed() < Duration::from_secs(1));
}

/// Not a limit: what one over the other costs, to be read with `--nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout, reason = "it is there to be read")]
async fn how_much_slower_polling_is() {
    let server = Echo::start(&[]);
    for transports in [Transports::WebSocket, Transports::Polling] {
        let (socket, mut events) = server.arrives(transports).await;
        let start = Instant::now();
        let saying = async {
            for sent in 0..20_000_u32 {
                socket
                    .emit("n", &(sent, "some words"))
                    .await
                    .expect("taken");
            }
        };
        let hearing = async {
            for expected in 0..20_000 {
                assert_eq!(number(&event(&mut events).await), expected);
            }
        };
        tokio::join!(saying, hearing);
        let rate = 20_000.0 / start.elapsed().as_secs_f64();
        let start = Instant::now();
        for sent in 0..500_u32 {
            socket.emit("n", &(sent,)).await.expect("taken");
            event(&mut events).await;
        }
        let turn = start.elapsed() / 500;
        println!("{transports:?}: {rate:.0} events/s there and back, {turn:?} for one");
    }
}
