//! What the server says before Socket.IO: to web pages, strangers and dawdlers.
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{PATIENCE, start};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Sends the head of a request and gives the head of the answer, in lower case.
async fn ask(addr: SocketAddr, method: &str, path: &str, host: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.expect("connected");
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("asked");
    let mut answer = Vec::new();
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut bytes = [0; 1024];
        let read = timeout(PATIENCE, stream.read(&mut bytes)).await;
        let read = read.expect("an answer in time").expect("an answer");
        assert_ne!(read, 0, "the end of the stream");
        answer.extend_from_slice(&bytes[..read]);
    }
    String::from_utf8_lossy(&answer).to_lowercase()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_pages_are_refused_on_both_transports() {
    let (_data, server) = start().await;
    let addr = server.addr();
    let host = addr.to_string();
    let evil = "Origin: https://evil.example\r\n";
    let answer = ask(addr, "GET", POLLING, &host, evil).await;
    assert_eq!(status(&answer), "403");
    assert!(!answer.contains("access-control-allow-origin"));
    let headers = format!("{UPGRADE}{evil}");
    let answer = ask(addr, "GET", WEBSOCKET, &host, &headers).await;
    assert_eq!(status(&answer), "403");
    let answer = ask(addr, "OPTIONS", POLLING, &host, evil).await;
    assert_eq!(status(&answer), "403");
    let answer = ask(addr, "GET", POLLING, "evil.example", "").await;
    assert_eq!(status(&answer), "403");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listed_page_is_served_on_both_transports() {
    let (_data, server) = start().await;
    let addr = server.addr();
    let host = addr.to_string();
    let page = "Origin: http://localhost:8080\r\n";
    let allowed = "access-control-allow-origin: http://localhost:8080\r\n";
    let answer = ask(addr, "GET", POLLING, &host, page).await;
    assert_eq!(status(&answer), "200");
    assert!(answer.contains(allowed), "{answer}");
    assert!(answer.contains("vary: origin\r\n"), "{answer}");
    let headers = format!("{UPGRADE}{page}");
    let answer = ask(addr, "GET", WEBSOCKET, &host, &headers).await;
    assert_eq!(status(&answer), "101");
    let headers = format!("{page}Access-Control-Request-Method: POST\r\n");
    let answer = ask(addr, "OPTIONS", POLLING, &host, &headers).await;
    assert_eq!(status(&answer), "204");
    assert!(answer.contains(allowed), "{answer}");
    assert!(answer.contains("access-control-allow-methods: get"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_and_sessions_are_not_there() {
    let (_data, server) = start().await;
    let addr = server.addr();
    let host = addr.to_string();
    let answer = ask(addr, "GET", "/elsewhere", &host, "").await;
    assert_eq!(status(&answer), "404");
    let unknown = format!("{POLLING}&sid=AAAAAAAAAAAAAAAA");
    let answer = ask(addr, "GET", &unknown, &host, "").await;
    assert_eq!(status(&answer), "400");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_head_is_not_waited_for_without_end() {
    let (_data, server) = start().await;
    let mut stream = TcpStream::connect(server.addr()).await.expect("connected");
    let begun = Instant::now();
    stream.write_all(b"GET / HT").await.expect("asked");
    let mut answer = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    ended.expect("closed in time").expect("closed");
    assert!(begun.elapsed() < Duration::from_secs(12));
    server.stop().await;
}
