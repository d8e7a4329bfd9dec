//! Through proxies that work, and those that want to know who one is.

use std::sync::Arc;

use parlour_socketio::{
    ConnectError, ConnectOptions, Distrust, Pin, Proxy, ProxyError, Roots, SocketEvent, Transports,
    connect, server::Running,
};

use crate::{
    certificates::{Authority, Identity},
    proxies::{House, TestProxy},
    stage::{fails, server, soon, talks},
};

const SIGN_IN: Option<(&str, &str)> = Some(("user@home", "can:ary"));

fn to(server: &Running) -> House {
    House {
        leads_to: server.addr(),
        sign_in: None,
    }
}

fn guarded(server: &Running) -> House {
    House {
        leads_to: server.addr(),
        sign_in: SIGN_IN,
    }
}

/// A server that only a proxy can find.
fn hidden(scheme: &str, proxy: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(format!("{scheme}://chat.invalid").parse().unwrap());
    options.proxy = Proxy::Via(proxy.parse().unwrap());
    options.transports = Transports::WebSocket;
    options
}

/// Talks over each transport, and over the move from one to the other.
async fn talks_in_every_way(mut options: ConnectOptions) {
    for transports in [
        Transports::WebSocket,
        Transports::Polling,
        Transports::PollingFirst,
    ] {
        options.transports = transports;
        talks(options.clone()).await;
    }
}

#[tokio::test]
async fn the_proxy_looks_up_the_name() {
    let server = server(None);
    let http = TestProxy::http(to(&server)).await;
    talks_in_every_way(hidden("http", &format!("http://{}", http.addr))).await;
    let asked = http.asked().concat();
    assert!(asked.starts_with("CONNECT chat.invalid:80 HTTP/1.1\r\nHost: chat.invalid:80\r\n"));

    let socks = TestProxy::socks(to(&server)).await;
    for scheme in ["socks5h", "socks4a", "socks"] {
        talks(hidden("http", &format!("{scheme}://{}", socks.addr))).await;
    }
    assert_eq!(socks.asked(), ["chat.invalid 80"; 3]);
}

#[tokio::test]
async fn or_it_is_looked_up_here() {
    let server = server(None);
    let socks = TestProxy::socks(to(&server)).await;
    for scheme in ["socks5", "socks4"] {
        let url = format!("http://localhost:{}", server.addr().port());
        let mut options = ConnectOptions::new(url.parse().unwrap());
        options.proxy = Proxy::Via(format!("{scheme}://{}", socks.addr).parse().unwrap());
        talks(options).await;
        let error = fails(hidden("http", &format!("{scheme}://{}", socks.addr))).await;
        assert!(matches!(error, ConnectError::NameNotFound), "{error:?}");
    }
    let port = server.addr().port();
    for asked in socks.asked() {
        let expected = [format!("127.0.0.1 {port}"), format!("::1 {port}")];
        assert!(expected.contains(&asked), "{asked}");
    }
}

#[tokio::test]
async fn the_server_is_secured_through_the_proxy() {
    let identity = Identity::own("chat.invalid", |_| {});
    let server = server(Some(identity.config()));
    let http = TestProxy::http(to(&server)).await;
    let socks = TestProxy::socks(to(&server)).await;
    for proxy in [
        format!("http://{}", http.addr),
        format!("socks5h://{}", socks.addr),
        format!("socks4a://{}", socks.addr),
    ] {
        let mut options = hidden("https", &proxy);
        options.roots = Roots::Only(vec![identity.certificate.clone()]);
        options.headers.set("Authorization", "canary").unwrap();
        talks_in_every_way(options.clone()).await;
        // What is wrong with the server stays the server's.
        options.pin = Some(Pin::of_key(b"another"));
        let error = fails(options).await;
        assert!(
            matches!(
                error,
                ConnectError::Untrusted {
                    reason: Distrust::OtherKey,
                    ..
                }
            ),
            "{error:?}"
        );
    }
    let asked = http.asked().concat();
    assert!(
        asked.contains("chat.invalid:443") && !asked.contains("canary"),
        "{asked}"
    );
    assert_eq!(socks.asked()[0], "chat.invalid 443");
}

#[tokio::test]
async fn a_name_may_end_with_a_dot() {
    let identity = Identity::own("chat.invalid", |_| {});
    let server = server(Some(identity.config()));
    let proxy = TestProxy::http(to(&server)).await;
    let mut options = hidden("https", &format!("http://{}", proxy.addr));
    options.url = "https://chat.invalid.".parse().unwrap();
    options.roots = Roots::Only(vec![identity.certificate.clone()]);
    talks(options).await;
}

#[tokio::test]
async fn a_proxy_may_be_secured_itself() {
    let ours = Authority::new("ours");
    let identity = ours.issues("127.0.0.1", |_| {});
    for tls in [false, true] {
        let inner = Identity::own("chat.invalid", |_| {});
        let server = server(tls.then(|| inner.config()));
        let proxy = TestProxy::https(guarded(&server), identity.config()).await;
        let scheme = if tls { "https" } else { "http" };
        let mut options = hidden(
            scheme,
            &format!("https://user%40home:can%3Aary@{}", proxy.addr),
        );
        options.pin = tls.then(|| Pin::of_certificate(&inner.certificate).unwrap());
        options.roots = Roots::Only(vec![ours.certificate()]);
        talks_in_every_way(options.clone()).await;

        // The server's pin says nothing about the proxy.
        options.pin = Some(Pin::of_certificate(&identity.certificate).unwrap());
        options.roots = Roots::Only(vec![Authority::new("theirs").certificate()]);
        let error = fails(options).await;
        let ConnectError::Proxy(ProxyError::Tls(why)) = &error else {
            panic!("{error:?}");
        };
        assert!(why.contains("unknown issuer"), "{why}");
        assert!(!format!("{error} {error:?}").contains("can"));
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_speak_tls_is_called_so() {
    let server = server(None);
    let proxy = TestProxy::socks(to(&server)).await;
    let plain = crate::refusals::answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let error = fails(hidden("http", &format!("https://{}", plain.addr))).await;
    assert!(
        matches!(&error, ConnectError::Proxy(ProxyError::Tls(_))),
        "{error:?}"
    );
    drop(proxy);
}

#[tokio::test]
async fn who_signs_in_rightly_is_let_through() {
    let server = server(None);
    let http = TestProxy::http(guarded(&server)).await;
    let socks = TestProxy::socks(guarded(&server)).await;
    for (scheme, addr, password) in [
        ("http", http.addr, ":can%3Aary"),
        ("socks5", socks.addr, ":can%3Aary"),
        ("socks5h", socks.addr, ":can%3Aary"),
        ("socks4a", socks.addr, ""),
    ] {
        let url = format!("http://localhost:{}", server.addr().port());
        let mut options = ConnectOptions::new(url.parse().unwrap());
        let proxy = format!("{scheme}://user%40home{password}@{addr}");
        options.proxy = Proxy::Via(proxy.parse().unwrap());
        talks(options).await;
    }
}

#[tokio::test]
async fn who_does_not_is_told_and_nothing_is_given_away() {
    let server = server(None);
    let http = TestProxy::http(guarded(&server)).await;
    let socks = TestProxy::socks(guarded(&server)).await;
    for (proxy, expected) in [
        (format!("http://{}", http.addr), ProxyError::AuthRequired),
        (
            format!("socks5h://{}", socks.addr),
            ProxyError::AuthRequired,
        ),
        (
            format!("http://me:canary@{}", http.addr),
            ProxyError::AuthRefused,
        ),
        (
            format!("socks5h://me:canary@{}", socks.addr),
            ProxyError::AuthRefused,
        ),
        (
            format!("socks4a://canary@{}", socks.addr),
            ProxyError::AuthRefused,
        ),
    ] {
        let options = hidden("http", &proxy);
        assert!(!format!("{options:?}").contains("canary"));
        let error = fails(options).await;
        assert!(!format!("{error} {error:?}").contains("canary"));
        let ConnectError::Proxy(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error, expected, "{proxy}");
    }
}

#[tokio::test]
async fn the_sign_in_stays_with_the_proxy() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let house = House {
        leads_to: listener.local_addr().unwrap(),
        sign_in: SIGN_IN,
    };
    let proxy = TestProxy::http(house).await;
    let options = hidden(
        "http",
        &format!("http://user%40home:can%3Aary@{}", proxy.addr),
    );
    let serve = crate::headers::forbids(&listener);
    let (error, head) = soon(async { tokio::join!(fails(options), serve) }).await;
    assert!(
        matches!(error, ConnectError::Http { status: 403 }),
        "{error:?}"
    );
    assert!(!head.to_lowercase().contains("proxy"), "{head}");
    assert!(head.starts_with("GET /socket.io/?"), "{head}");
}

#[tokio::test]
async fn a_proxy_that_dies_ends_the_connection() {
    let server = server(None);
    let proxy = TestProxy::http(to(&server)).await;
    let options = hidden("http", &format!("http://{}", proxy.addr));
    let (_socket, mut events) = soon(connect(options)).await.unwrap();
    drop(proxy);
    match soon(events.next()).await {
        Some(SocketEvent::Closed(reason)) => assert!(!reason.is_clean(), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn many_streams_go_through_one_proxy_at_once() {
    let server = Arc::new(server(None));
    let proxy = TestProxy::socks(to(&server)).await;
    let mut people = tokio::task::JoinSet::new();
    for _ in 0..20 {
        people.spawn(talks(hidden("http", &format!("socks5h://{}", proxy.addr))));
    }
    while let Some(done) = people.join_next().await {
        done.unwrap();
    }
    assert_eq!(proxy.asked().len(), 20);
}
