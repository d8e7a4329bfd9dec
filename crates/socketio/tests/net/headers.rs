//! What is sent along with a request.

use parlour_socketio::{ConnectError, ConnectOptions, Transports};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::stage::{fails, soon};

/// Takes one request, refuses it, and returns its head.
pub(crate) async fn forbids(listener: &TcpListener) -> String {
    let (mut tcp, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await.unwrap());
    }
    tcp.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    String::from_utf8(head).unwrap()
}

/// The head of the first request of a connection with these options.
async fn head(change: impl FnOnce(&mut ConnectOptions)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut options = ConnectOptions::new(url.parse().unwrap());
    // One request, and no second try in another way.
    options.transports = Transports::WebSocket;
    change(&mut options);
    let serve = forbids(&listener);
    let (error, head) = soon(async { tokio::join!(fails(options), serve) }).await;
    assert!(
        matches!(error, ConnectError::Http { status: 403 }),
        "{error:?}"
    );
    head
}

fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

#[tokio::test]
async fn headers_of_ones_own_are_sent_and_do_not_break_the_request() {
    let head = head(|options| {
        options.headers.set("Authorization", "Bearer 0123").unwrap();
        options.headers.set("X-Team", "red").unwrap();
        options
            .headers
            .set("Origin", "https://app.example")
            .unwrap();
    })
    .await;
    assert_eq!(values(&head, "authorization"), ["Bearer 0123"]);
    assert_eq!(values(&head, "x-team"), ["red"]);
    assert_eq!(values(&head, "origin"), ["https://app.example"]);
    assert_eq!(values(&head, "upgrade"), ["websocket"]);
    assert_eq!(values(&head, "host").len(), 1);
}

#[tokio::test]
async fn polling_sends_them_too() {
    let head = head(|options| {
        options.transports = Transports::Polling;
        options.headers.set("Authorization", "Bearer 0123").unwrap();
        options.path = "/chat".to_owned();
    })
    .await;
    assert!(
        head.starts_with("GET /chat/?EIO=4&transport=polling"),
        "{head}"
    );
    assert_eq!(values(&head, "authorization"), ["Bearer 0123"]);
    assert_eq!(values(&head, "user-agent").len(), 1);
    assert_eq!(values(&head, "upgrade").len(), 0);
}

#[tokio::test]
async fn the_client_says_what_it_is_unless_told_otherwise() {
    let ordinary = head(|_| {}).await;
    let agent = concat!("parlour-socketio/", env!("CARGO_PKG_VERSION"));
    assert_eq!(values(&ordinary, "user-agent"), [agent]);
    let told = head(|options| options.headers.set("User-Agent", "mine/1").unwrap()).await;
    assert_eq!(values(&told, "user-agent"), ["mine/1"]);
}

#[tokio::test]
async fn the_path_is_asked_for_as_the_official_client_asks() {
    for path in ["/chat", "/chat/"] {
        let head = head(|options| options.path = path.to_owned()).await;
        assert!(
            head.starts_with("GET /chat/?EIO=4&transport=websocket HTTP/1.1\r\n"),
            "{head}"
        );
    }
    let head = head(|options| options.path = "/a b/\u{fc}".to_owned()).await;
    assert!(head.starts_with("GET /a%20b/%C3%BC/?EIO=4"), "{head}");
}
