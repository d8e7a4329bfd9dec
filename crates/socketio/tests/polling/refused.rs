//! Where WebSocket is refused, polling is not; and the other way round.

use std::time::{Duration, Instant};

use parlour_socketio::{ConnectError, Transport, Transports, connect};
use tokio::net::TcpListener;

use crate::{
    echo::{arrives, echo, event, shown, soon, to},
    proxy::{Proxy, Upgrades},
};

/// Connects through such a proxy, and sees that everything works.
async fn falls_back(upgrades: Upgrades) {
    let server = echo(|_| {});
    let proxy = Proxy::start(server.addr(), upgrades).await;
    let mut options = to(proxy.address, Transports::WebSocketFirst);
    options.connect_timeout = Duration::from_secs(5);
    let (socket, mut events) = arrives(options).await;
    assert_eq!(socket.transport(), Transport::Polling, "{upgrades:?}");
    for number in 0..50 {
        socket.emit("n", &(number,)).await.unwrap();
        assert_eq!(shown(&event(&mut events).await), format!("n({number})"));
    }
    assert_eq!(socket.transport(), Transport::Polling);
    assert_eq!(proxy.asked(), 1, "it is not asked for again: {upgrades:?}");
}

#[tokio::test]
async fn an_error_in_answer_to_the_upgrade_leads_to_polling() {
    for answer in [
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
        "what?\r\n\r\n",
    ] {
        falls_back(Upgrades::Answer(answer)).await;
    }
}

#[tokio::test]
async fn so_does_hanging_up_or_stripping_it() {
    falls_back(Upgrades::HangUp).await;
    falls_back(Upgrades::Strip).await;
}

#[tokio::test]
async fn so_does_silence_before_or_after_it_is_granted() {
    let start = Instant::now();
    falls_back(Upgrades::Swallow).await;
    falls_back(Upgrades::Mute).await;
    // Two fifths of five seconds, each.
    assert!(start.elapsed() >= Duration::from_secs(4));
}

#[tokio::test]
async fn a_server_without_websocket_is_reached_by_polling_and_stays_there() {
    let server = echo(|options| options.websocket = false);
    for transports in [Transports::WebSocketFirst, Transports::PollingFirst] {
        let (socket, mut events) = arrives(to(server.addr(), transports)).await;
        socket.try_emit("hello", &()).unwrap();
        assert_eq!(shown(&event(&mut events).await), "hello()");
        assert_eq!(socket.transport(), Transport::Polling);
    }
    let only = to(server.addr(), Transports::WebSocket);
    let error = soon(connect(only)).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Http { status: 400 }),
        "{error:?}"
    );
    assert_eq!(server.counts().upgrades_total, 0);
}

#[tokio::test]
async fn a_server_without_polling_is_reached_by_websocket() {
    let server = echo(|options| options.polling = false);
    let (socket, mut events) = arrives(to(server.addr(), Transports::PollingFirst)).await;
    socket.try_emit("hello", &()).unwrap();
    assert_eq!(shown(&event(&mut events).await), "hello()");
    assert_eq!(socket.transport(), Transport::WebSocket);
    let only = to(server.addr(), Transports::Polling);
    let error = soon(connect(only)).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Http { status: 400 }),
        "{error:?}"
    );
}

#[tokio::test]
async fn where_nobody_can_be_reached_nothing_else_is_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for transports in [Transports::WebSocketFirst, Transports::PollingFirst] {
        let error = soon(connect(to(address, transports))).await.unwrap_err();
        assert!(
            matches!(error, ConnectError::ConnectionRefused),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn where_both_are_refused_the_answer_is_told() {
    let server = echo(|options| options.path = "/elsewhere/".to_owned());
    for transports in [Transports::WebSocketFirst, Transports::PollingFirst] {
        let error = soon(connect(to(server.addr(), transports)))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, ConnectError::NotSocketIo(why) if why.contains("404")),
            "{error:?}"
        );
    }
}
