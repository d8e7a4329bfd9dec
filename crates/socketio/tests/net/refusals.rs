//! Proxies that refuse, fail, or are none.

use std::{net::SocketAddr, time::Duration};

use parlour_socketio::{ConnectError, ConnectOptions, Proxy, ProxyError, Transports};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::stage::fails;

/// Something on a port that does what a test says with each connection.
pub(crate) struct Something {
    pub(crate) addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Something {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn something<F>(does: impl Fn(TcpStream) -> F + Send + 'static) -> Something
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            does(tcp).await;
        }
    });
    Something { addr, task }
}

/// Says this when it was asked something, and then waits for the other to leave.
pub(crate) async fn answering(bytes: impl Into<Vec<u8>>) -> Something {
    let bytes = bytes.into();
    something(move |mut tcp| {
        let bytes = bytes.clone();
        async move {
            let _ = tcp.read(&mut [0; 4096]).await;
            // Who has heard enough hangs up.
            let _ = tcp.write_all(&bytes).await;
            while matches!(tcp.read(&mut [0; 4096]).await, Ok(1..)) {}
        }
    })
    .await
}

/// Says this, and hangs up.
async fn closing(bytes: &'static [u8]) -> Something {
    something(move |mut tcp| async move {
        let _ = tcp.read(&mut [0; 4096]).await;
        let _ = tcp.write_all(bytes).await;
    })
    .await
}

fn options(scheme: &str, addr: SocketAddr) -> ConnectOptions {
    let mut options = ConnectOptions::new("http://chat.invalid:1".parse().unwrap());
    options.transports = Transports::WebSocket;
    // The fourth version knows no password.
    let sign_in = match scheme {
        "socks4a" => "canary",
        _ => "me:canary",
    };
    options.proxy = Proxy::Via(format!("{scheme}://{sign_in}@{addr}").parse().unwrap());
    options
}

async fn error_of(options: ConnectOptions) -> ProxyError {
    let error = fails(options).await;
    assert!(!format!("{error} {error:?}").contains("canary"));
    match error {
        ConnectError::Proxy(error) => error,
        other => panic!("{other:?}"),
    }
}

async fn answered(scheme: &str, bytes: &[u8]) -> ProxyError {
    let proxy = answering(bytes).await;
    error_of(options(scheme, proxy.addr)).await
}

#[tokio::test]
async fn an_http_proxy_refuses_in_many_ways() {
    let forbidden = |status: &str| ProxyError::Forbidden(format!("HTTP {status}"));
    let unreachable = |status: &str| ProxyError::Unreachable(format!("HTTP {status}"));
    for (status, expected) in [
        ("407", ProxyError::AuthRefused),
        ("403", forbidden("403")),
        ("401", forbidden("401")),
        ("405", forbidden("405")),
        ("404", forbidden("404")),
        ("302", forbidden("302")),
        ("100", forbidden("100")),
        ("500", forbidden("500")),
        ("502", unreachable("502")),
        ("503", unreachable("503")),
        ("504", unreachable("504")),
    ] {
        let answer = format!("HTTP/1.1 {status} Canary\r\nX: canary\r\n\r\n<h1>canary</h1>");
        assert_eq!(answered("http", answer.as_bytes()).await, expected);
    }
}

#[tokio::test]
async fn what_is_no_http_proxy_is_called_so() {
    let is_none = |error: &ProxyError| matches!(error, ProxyError::Protocol(_));
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(20 << 10));
    let endless = format!("HTTP/1.1 200 {}", "x".repeat(1 << 20));
    for bytes in [
        b"SSH-2.0-canary\r\n".as_slice(),
        b"\x05\xff",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
        long.as_bytes(),
        endless.as_bytes(),
        // The server has nothing to say before it is asked.
        b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n",
    ] {
        let error = answered("http", bytes).await;
        assert!(is_none(&error), "{error:?}");
    }
}

#[tokio::test]
async fn a_socks_proxy_refuses_in_many_ways() {
    let unreachable = |why: &str| ProxyError::Unreachable(why.to_owned());
    for (code, expected) in [
        (1, unreachable("it does not say why")),
        (2, ProxyError::Forbidden("its rules forbid it".to_owned())),
        (3, unreachable("network unreachable")),
        (4, unreachable("host unreachable")),
        (5, unreachable("connection refused")),
        (6, unreachable("the way is too long")),
        (7, ProxyError::Forbidden("it opens no lines".to_owned())),
        (8, unreachable("it does not know this kind of address")),
        (9, ProxyError::Protocol("its answer is none of SOCKS")),
    ] {
        let bytes = [5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(answered("socks5h", &bytes).await, expected, "{code}");
    }
    for (code, expected) in [
        (0x5b, unreachable("it does not say why")),
        (0x5c, ProxyError::AuthRefused),
        (0x5d, ProxyError::AuthRefused),
        (0x5e, ProxyError::Protocol("its answer is none of SOCKS")),
    ] {
        let bytes = [0, code, 0, 0, 0, 0, 0, 0];
        assert_eq!(answered("socks4a", &bytes).await, expected, "{code}");
    }
    assert_eq!(
        answered("socks5h", &[5, 0xff]).await,
        ProxyError::AuthRefused
    );
    assert_eq!(
        answered("socks5h", &[5, 2, 1, 1]).await,
        ProxyError::AuthRefused
    );
}

#[tokio::test]
async fn what_is_no_socks_proxy_is_called_so() {
    for (scheme, bytes) in [
        ("socks5h", b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice()),
        ("socks5h", b"SSH-2.0-canary\r\n"),
        ("socks5h", &[4, 0]),
        ("socks5h", &[5, 0x80]),
        ("socks5h", &[5, 0, 5, 0, 7, 1]),
        ("socks5h", &[5, 0, 5, 0, 0, 9]),
        ("socks5h", &[5, 2, 9, 9]),
        ("socks4a", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ] {
        let error = answered(scheme, bytes).await;
        assert!(matches!(error, ProxyError::Protocol(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_leaves_has_failed_itself() {
    for (scheme, bytes) in [
        ("http", b"".as_slice()),
        ("http", b"HTTP/1.1 200 OK\r\nX: y\r\n"),
        ("socks5h", b""),
        ("socks5h", &[5]),
        ("socks5h", &[5, 0, 5, 0, 0]),
        ("socks5h", &[5, 0, 5, 0, 0, 3, 255, b'x']),
        ("socks4a", &[0, 0x5a, 0]),
        ("https", b""),
    ] {
        let proxy = closing(bytes).await;
        let error = error_of(options(scheme, proxy.addr)).await;
        assert!(
            matches!(error, ProxyError::Network(_)),
            "{scheme}: {error:?}"
        );
    }
}

#[tokio::test]
async fn once_the_line_is_open_failures_are_the_servers() {
    for (scheme, bytes) in [
        ("http", b"HTTP/1.1 200 OK\r\n\r\n".as_slice()),
        ("socks5h", &[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ] {
        let proxy = closing(bytes).await;
        let error = fails(options(scheme, proxy.addr)).await;
        assert!(
            matches!(error, ConnectError::Network(_)),
            "{scheme}: {error:?}"
        );
        let proxy = answering(bytes).await;
        let mut patient = options(scheme, proxy.addr);
        patient.connect_timeout = Duration::from_millis(300);
        let error = fails(patient).await;
        assert!(
            matches!(error, ConnectError::TimedOut),
            "{scheme}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_says_nothing_or_little_runs_out_of_time() {
    let drip = |text: &'static [u8]| {
        something(move |mut tcp| async move {
            for byte in text.iter().cycle() {
                let written = tcp.write_all(&[*byte]).await;
                if written.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
    };
    let silent = answering(b"").await;
    let slow = drip(b"HTTP/1.1 200 OK\r\nX: y\r\nX: y\r\nX: y\r\nX: y\r\nX: y\r\n").await;
    for (scheme, addr) in [
        ("http", silent.addr),
        ("https", silent.addr),
        ("socks5h", silent.addr),
        ("socks4a", silent.addr),
        ("http", slow.addr),
    ] {
        let mut options = options(scheme, addr);
        options.connect_timeout = Duration::from_millis(500);
        assert_eq!(error_of(options).await, ProxyError::TimedOut, "{scheme}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_not_the_servers_absence() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    for scheme in ["http", "https", "socks5h", "socks4a"] {
        let error = error_of(options(scheme, addr)).await;
        assert_eq!(error, ProxyError::ConnectionRefused, "{scheme}");
        let mut lost = options(scheme, addr);
        lost.proxy = Proxy::Via(format!("{scheme}://proxy.invalid").parse().unwrap());
        assert_eq!(error_of(lost).await, ProxyError::NotFound, "{scheme}");
    }
}
