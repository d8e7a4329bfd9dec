//! Who may come in, and how often, as seen from outside.
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

mod common;

use std::net::SocketAddr;

use common::{PATIENCE, start_with};
use futures_util::{SinkExt as _, StreamExt as _};
use parlour_server::{Limits, SignInMode};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a connection, for a proxy if there is one; or the status of a refusal.
async fn opens(addr: SocketAddr, forwarded: Option<&str>) -> Result<Stream, u16> {
    let url = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket");
    let mut request = url.into_client_request().expect("a request");
    if let Some(forwarded) = forwarded {
        let value = forwarded.parse().expect("a value");
        request.headers_mut().insert("x-forwarded-for", value);
    }
    match connect_async(request).await {
        Ok((mut stream, _)) => {
            assert!(frame(&mut stream).await.starts_with("0{"));
            Ok(stream)
        }
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn frame(stream: &mut Stream) -> String {
    loop {
        let next = timeout(PATIENCE, stream.next()).await.expect("in time");
        match next.expect("no end yet").expect("a message") {
            Message::Text(text) if text.as_str() != "2" => return text.as_str().to_owned(),
            _ => {}
        }
    }
}

/// Signs in on a new connection: the user id, or what the refusal says.
async fn signs_in(addr: SocketAddr, forwarded: Option<&str>, auth: &Value) -> Result<Value, Value> {
    let mut stream = opens(addr, forwarded).await.expect("a connection");
    let connect = Message::text(format!("40{auth}"));
    stream.send(connect).await.expect("sent");
    let answer = frame(&mut stream).await;
    if let Some(refusal) = answer.strip_prefix("44") {
        let refusal: Value = serde_json::from_str(refusal).expect("JSON");
        assert_eq!(refusal["message"], "invalid username");
        return Err(refusal["data"].clone());
    }
    let session = frame(&mut stream).await;
    let session = session.strip_prefix("42").expect("an event");
    let [event, session]: [Value; 2] = serde_json::from_str(session).expect("an event");
    assert_eq!(event, "session");
    Ok(session["userID"].clone())
}

fn named(name: &str) -> Value {
    json!({ "username": name })
}

fn with_secret(name: &str, secret: &str) -> Value {
    json!({"username": name, "secret": secret})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_so_many_connections_and_gets_them_back() {
    let (_data, server) = start_with(|config| config.limits.connections_per_ip = 3).await;
    let addr = server.addr();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(opens(addr, None).await.expect("a connection"));
    }
    assert_eq!(opens(addr, None).await.err(), Some(429));
    let mut last = held.pop().expect("one");
    last.close(None).await.expect("closed");
    let begun = Instant::now();
    while opens(addr, None).await.is_err() {
        // The server hears of the end a moment later.
        assert!(begun.elapsed() < PATIENCE);
        tokio::task::yield_now().await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_every_client_counts_by_itself() {
    let (_data, server) = start_with(|config| {
        config.trusted_proxies = vec!["127.0.0.1".parse().expect("a network")];
        config.sign_in = Some(SignInMode::Guest);
        config.limits.connections_per_ip = 1;
    })
    .await;
    let addr = server.addr();
    let _one = opens(addr, Some("203.0.113.1")).await.expect("one");
    let _other = opens(addr, Some("203.0.113.2")).await.expect("another");
    let again = opens(addr, Some("198.51.100.9, 203.0.113.1")).await;
    assert_eq!(again.err(), Some(429));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_ends_after_ten_failures_of_an_address() {
    let (_data, server) = start_with(|config| {
        config.sign_in = Some(SignInMode::Password);
        config.trusted_proxies = vec!["127.0.0.1".parse().expect("a network")];
        config.limits.failed_sign_ins = Limits::default().failed_sign_ins;
    })
    .await;
    let addr = server.addr();
    let right = with_secret("Ann", "correct horse");
    let ann = signs_in(addr, Some("203.0.113.1"), &right)
        .await
        .expect("in");
    for guess in 0..10 {
        let auth = with_secret("Ann", &format!("a guess {guess}"));
        let refusal = signs_in(addr, Some("203.0.113.9"), &auth).await;
        assert_eq!(refusal.expect_err("refused")["code"], "forbidden");
    }
    // Not even the right one counts now.
    let refusal = signs_in(addr, Some("203.0.113.9"), &right).await;
    let refusal = refusal.expect_err("refused");
    assert_eq!(refusal["code"], "rate_limited");
    let wait = refusal["retryAfterMs"].as_u64().expect("a time");
    assert!((1..=6_000).contains(&wait), "{wait}");
    let elsewhere = signs_in(addr, Some("203.0.113.1"), &right).await;
    assert_eq!(elsewhere, Ok(ann));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claimed_name_is_one_however_it_is_written() {
    let (_data, server) = start_with(|config| config.sign_in = Some(SignInMode::Claimed)).await;
    let addr = server.addr();
    signs_in(addr, None, &named("Alice")).await.expect("in");
    for name in ["Alice", "alice", "ALICE", "Аlice", "AIice"] {
        let refusal = signs_in(addr, None, &named(name)).await.expect_err(name);
        assert_eq!(refusal["code"], "conflict", "{name}");
    }
    signs_in(addr, None, &named("Alicia")).await.expect("in");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_may_share_a_name_but_for_the_reserved_ones() {
    let (_data, server) = start_with(|_| {}).await;
    let addr = server.addr();
    let one = signs_in(addr, None, &named("Ann")).await.expect("in");
    let other = signs_in(addr, None, &named("Ann")).await.expect("in");
    assert_ne!(one, other);
    for name in ["admin", "SYSTEM", "suррort"] {
        let refusal = signs_in(addr, None, &named(name)).await.expect_err(name);
        assert_eq!(refusal["code"], "forbidden", "{name}");
    }
    for name in ["", "a\u{202e}b", "\u{200b}"] {
        let refusal = signs_in(addr, None, &named(name)).await.expect_err(name);
        assert_eq!(refusal["code"], "bad_request", "{name:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_set_once_and_asked_for_afterwards() {
    let (_data, server) = start_with(|config| config.sign_in = Some(SignInMode::Password)).await;
    let addr = server.addr();
    let code = |refusal: Result<Value, Value>| refusal.expect_err("refused")["code"].clone();
    assert_eq!(code(signs_in(addr, None, &named("Ann")).await), "forbidden");
    let short = with_secret("Ann", "seven77");
    assert_eq!(code(signs_in(addr, None, &short).await), "forbidden");
    let right = with_secret("Ann", "correct horse");
    let ann = signs_in(addr, None, &right).await.expect("in");
    let wrong = with_secret("Ann", "wrong horse!");
    assert_eq!(code(signs_in(addr, None, &wrong).await), "forbidden");
    assert_eq!(signs_in(addr, None, &right).await, Ok(ann));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_makes_no_users_without_end() {
    let (_data, server) = start_with(|config| {
        config.trusted_proxies = vec!["127.0.0.1".parse().expect("a network")];
        config.sign_in = Some(SignInMode::Guest);
        config.limits.failed_sign_ins = Limits::default().failed_sign_ins;
    })
    .await;
    let addr = server.addr();
    let (one, other) = (Some("203.0.113.1"), Some("203.0.113.2"));
    let mut made = 0;
    let refusal = loop {
        match signs_in(addr, one, &named("Eve")).await {
            Ok(_) => made += 1,
            Err(refusal) => break refusal,
        }
        assert!(made < 2_000, "no end");
    };
    assert!(made >= 200, "{made}");
    assert_eq!(refusal["code"], "rate_limited");
    let wait = refusal["retryAfterMs"].as_u64().expect("a time");
    assert!((1..=1_001).contains(&wait), "{wait}");
    signs_in(addr, other, &named("Ann")).await.expect("in");
    server.stop().await;
}
