//! Getting in, and everything that can stand in the way.

use std::time::Duration;

use parlour_socketio::{ConnectError, ConnectOptions, connect};
use serde_json::value::RawValue;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::peer::{OPEN, Peer, event, listen, pair, shown, soon};

/// A server that answers every request with these bytes, and then hangs up.
async fn answer(listener: TcpListener, bytes: &'static [u8]) {
    let (mut tcp, _) = listener.accept().await.unwrap();
    let mut request = vec![0; 4096];
    let read = tcp.read(&mut request).await.unwrap();
    let request = String::from_utf8_lossy(&request[..read]).to_string();
    assert!(request.starts_with("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"));
    tcp.write_all(bytes).await.unwrap();
}

async fn failure_with(bytes: &'static [u8]) -> ConnectError {
    let (listener, options) = listen().await;
    let (connected, ()) =
        soon(async { tokio::join!(connect(options), answer(listener, bytes)) }).await;
    connected.unwrap_err()
}

/// The failure with a server that speaks WebSocket and says these things.
async fn failure_over(frames: &[&str]) -> ConnectError {
    let (listener, options) = listen().await;
    let serve = async {
        let mut peer = Peer::accept(&listener).await;
        for frame in frames {
            peer.say(frame).await;
        }
        peer
    };
    let (connected, _peer) = soon(async { tokio::join!(connect(options), serve) }).await;
    connected.unwrap_err()
}

#[tokio::test]
async fn one_is_let_in_with_what_one_says_of_oneself() {
    let (listener, mut options) = listen().await;
    options.auth = Some(RawValue::from_string(r#"{"username":"alice"}"#.to_owned()).unwrap());
    let serve = async {
        let mut peer = Peer::accept(&listener).await;
        assert_eq!(peer.welcome(OPEN).await, r#"40{"username":"alice"}"#);
        peer
    };
    let (connected, _peer) = soon(async { tokio::join!(connect(options), serve) }).await;
    let (socket, _events) = connected.unwrap();
    assert_eq!(socket.id(), "socket");
    assert_eq!(socket.handshake().ping_interval, Duration::from_secs(25));
    assert_eq!(socket.handshake().ping_timeout, Duration::from_secs(20));
    assert_eq!(socket.handshake().max_payload, Some(1_000_000));
}

#[tokio::test]
async fn a_server_may_ping_and_speak_before_it_lets_one_in() {
    let (listener, options) = listen().await;
    let serve = async {
        let mut peer = Peer::accept(&listener).await;
        peer.say(OPEN).await;
        assert_eq!(peer.hear().await, "40");
        peer.say("2").await;
        assert_eq!(peer.hear().await, "3");
        peer.say(r#"42["early",1]"#).await;
        peer.say(r#"40{"sid":"socket"}"#).await;
        peer.say(r#"42["late",2]"#).await;
        peer
    };
    let (connected, _peer) = soon(async { tokio::join!(connect(options), serve) }).await;
    let (_socket, mut events) = connected.unwrap();
    assert_eq!(shown(&event(&mut events).await), "early(1)");
    assert_eq!(shown(&event(&mut events).await), "late(2)");
}

#[tokio::test]
async fn a_refusal_carries_words_and_data_but_does_not_show_the_data() {
    let refusal = r#"44{"message":"invalid username","data":{"canary":1}}"#;
    let error = failure_over(&[OPEN, refusal]).await;
    assert!(!format!("{error:?} {error}").contains("canary"));
    let ConnectError::Refused { message, data } = error else {
        panic!("{error:?}");
    };
    assert_eq!(message, "invalid username");
    assert_eq!(data.unwrap().get(), r#"{"canary":1}"#);
}

#[tokio::test]
async fn web_servers_are_told_from_others() {
    let page = failure_with(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
    assert!(
        matches!(&page, ConnectError::NotSocketIo(why) if why.contains("200")),
        "{page:?}"
    );
    let none = failure_with(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    assert!(
        matches!(&none, ConnectError::NotSocketIo(why) if why.contains("404")),
        "{none:?}"
    );
    for (answer, expected) in [
        (
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".as_slice(),
            400,
        ),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", 304),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", 302),
    ] {
        let error = failure_with(answer).await;
        assert!(
            matches!(error, ConnectError::Http { status } if status == expected),
            "{error:?}"
        );
    }
    let error = failure_with(
        b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/?canary\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    assert!(!error.to_string().contains("canary"));
    assert!(
        matches!(&error, ConnectError::Redirected { status: 302, origin } if origin == "http://elsewhere"),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_is_no_socket_io_server_is_called_so() {
    let not = |error: &ConnectError| matches!(error, ConnectError::NotSocketIo(_));
    for bytes in [
        b"SSH-2.0-OpenSSH_9.2\r\n".as_slice(),
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
    ] {
        let error = failure_with(bytes).await;
        assert!(not(&error), "{error:?}");
    }
    for frames in [["hello"], ["0{}"], ["40"]] {
        let error = failure_over(&frames).await;
        assert!(not(&error), "{error:?}");
    }
    let error = failure_over(&[OPEN, "40"]).await;
    assert!(matches!(error, ConnectError::Protocol(_)), "{error:?}");
    let error = failure_over(&[OPEN, "41"]).await;
    assert!(matches!(error, ConnectError::Network(_)), "{error:?}");
    let error = failure_with(b"").await;
    assert!(matches!(error, ConnectError::Network(_)), "{error:?}");
}

#[tokio::test]
async fn silence_at_each_step_is_a_time_out() {
    let brief = |options: &mut ConnectOptions| options.connect_timeout = Duration::from_millis(200);
    // Says nothing at all: the kernel accepts, no one else does.
    let (_listener, mut options) = listen().await;
    brief(&mut options);
    let error = soon(connect(options)).await.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut), "{error:?}");
    // Accepts the WebSocket, then falls silent before or after the handshake.
    for frames in [&[][..], &[OPEN]] {
        let (listener, mut options) = listen().await;
        brief(&mut options);
        let serve = async {
            let mut peer = Peer::accept(&listener).await;
            for frame in frames {
                peer.say(frame).await;
            }
            peer
        };
        let (connected, _peer) = soon(async { tokio::join!(connect(options), serve) }).await;
        let error = connected.unwrap_err();
        assert!(matches!(error, ConnectError::TimedOut), "{error:?}");
    }
}

#[tokio::test]
async fn no_server_and_no_address_are_two_things() {
    let (listener, options) = listen().await;
    drop(listener);
    let error = soon(connect(options)).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::ConnectionRefused),
        "{error:?}"
    );
    let options = ConnectOptions::new("ftp://localhost".parse().unwrap());
    let error = soon(connect(options)).await.unwrap_err();
    assert!(matches!(error, ConnectError::InvalidUrl(_)), "{error:?}");
}

#[tokio::test]
async fn nothing_shows_what_one_says_of_oneself() {
    let (_, mut options) = listen().await;
    options.auth = Some(RawValue::from_string(r#"{"sessionID":"canary"}"#.to_owned()).unwrap());
    assert!(!format!("{options:?}").contains("canary"));
    let (socket, _events, _peer) = pair(|_| {}).await;
    let shown = format!("{socket:?}");
    assert!(
        !shown.contains("engine") && !shown.contains("socket\""),
        "{shown}"
    );
}
