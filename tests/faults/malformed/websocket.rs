//! WebSocket: frames against RFC 6455.

use parlour_tests::wire::{Frame, RawSocket};
use serde_json::json;

use super::Stage;

/// What has to come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// The connection ends.
    Closes,
    /// It lives.
    Lives,
    /// Either.
    Harmless,
}

pub(super) async fn strikes(stage: &mut Stage) {
    for (name, bytes, expect) in corpus() {
        let auth = json!({"username": "Eve"});
        let (mut socket, _) = RawSocket::joins(&stage.address, &auth).await;
        socket.wire().send(&bytes).await;
        match expect {
            Expect::Closes => {
                socket.wire().end_sending().await;
                socket.close_code().await;
            }
            Expect::Lives => assert!(socket.fence(1).await, "{name}: the connection ended"),
            Expect::Harmless => {}
        }
        stage.chats(name).await;
    }
    // Cut off anywhere within a frame.
    let frame = Frame::text(r#"42["private message",{"content":"x","to":"y"}]"#).encode();
    for length in 1..frame.len() {
        let mut socket = RawSocket::open(&stage.address).await;
        socket.wire().send(&frame[..length]).await;
    }
    stage.chats("frames that were cut off").await;
}

fn frame(change: impl FnOnce(&mut Frame)) -> Vec<u8> {
    let mut frame = Frame::text(r#"42["x"]"#);
    change(&mut frame);
    frame.encode()
}

fn part(opcode: u8, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = Frame::new(opcode, payload);
    frame.fin = fin;
    frame.encode()
}

fn corpus() -> Vec<(&'static str, Vec<u8>, Expect)> {
    use Expect::{Closes, Harmless, Lives};
    vec![
        ("no mask", frame(|frame| frame.masked = false), Closes),
        ("a reserved bit", frame(|frame| frame.reserved = 4), Closes),
        (
            "all reserved bits",
            frame(|frame| frame.reserved = 7),
            Closes,
        ),
        ("opcode 3", frame(|frame| frame.opcode = 3), Closes),
        ("opcode 11", frame(|frame| frame.opcode = 11), Closes),
        ("opcode 15", frame(|frame| frame.opcode = 15), Closes),
        ("a long ping", Frame::new(9, vec![0; 126]).encode(), Closes),
        ("a ping in parts", part(9, false, b"x"), Closes),
        ("a close in parts", part(8, false, b""), Closes),
        ("more of nothing", part(0, true, b"x"), Closes),
        (
            "a message within another",
            [part(1, false, b"42"), part(1, true, b"42")].concat(),
            Closes,
        ),
        (
            "text that is none",
            Frame::text(b"42[\"\xff\"]").encode(),
            Closes,
        ),
        (
            "text that ends within a character",
            Frame::text(b"42[\"\xe2\x82").encode(),
            Closes,
        ),
        (
            "surrogates as bytes",
            Frame::text(b"42[\"\xed\xa0\x80\"]").encode(),
            Closes,
        ),
        (
            "a character in two parts",
            [
                part(1, false, b"42[\"x\",\"\xe2"),
                part(0, true, b"\x82\xac\"]"),
            ]
            .concat(),
            Lives,
        ),
        (
            "a ping between two parts",
            [
                part(1, false, b"42[\"x\""),
                part(9, true, b"p"),
                part(0, true, b"]"),
            ]
            .concat(),
            Lives,
        ),
        (
            "a pong that nobody asked for",
            Frame::new(10, &b"hello"[..]).encode(),
            Lives,
        ),
        (
            "many pings",
            Frame::new(9, &b"x"[..]).encode().repeat(5_000),
            Lives,
        ),
        (
            "bytes without their packet",
            Frame::binary(vec![1; 1_000]).encode(),
            Closes,
        ),
        ("no bytes at all", Frame::binary(vec![]).encode(), Closes),
        ("an empty text", Frame::text(&b""[..]).encode(), Harmless),
        ("a short close", Frame::new(8, vec![3]).encode(), Closes),
        (
            "a close with code 0",
            Frame::new(8, vec![0, 0]).encode(),
            Closes,
        ),
        (
            "a close with code 1005",
            Frame::new(8, vec![3, 237]).encode(),
            Closes,
        ),
        (
            "a close with code 65535",
            Frame::new(8, vec![255, 255]).encode(),
            Closes,
        ),
        (
            "a close with a text that is none",
            Frame::new(8, vec![3, 232, 255, 254]).encode(),
            Closes,
        ),
        (
            "many closes",
            Frame::new(8, vec![3, 232]).encode().repeat(1_000),
            Closes,
        ),
        (
            "words after the close",
            [
                Frame::new(8, vec![3, 232]).encode(),
                Frame::text(r#"42["x"]"#).encode(),
            ]
            .concat(),
            Closes,
        ),
        (
            "a length beyond all",
            frame(|frame| frame.claimed = Some(u64::MAX)),
            Closes,
        ),
        (
            "a length of 2^63",
            frame(|frame| frame.claimed = Some(1 << 63)),
            Closes,
        ),
        (
            "a length over the limit",
            frame(|frame| frame.claimed = Some(10_000_000)),
            Closes,
        ),
        ("a message in ten thousand parts", in_parts(10_000), Lives),
        (
            "parts of nothing",
            [
                part(1, false, b"42[\"x\"]"),
                part(0, false, b"").repeat(50_000),
                part(0, true, b""),
            ]
            .concat(),
            Lives,
        ),
        ("zeros", vec![0; 10_000], Closes),
        ("ones", vec![255; 10_000], Closes),
        (
            "HTTP once more",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            Closes,
        ),
    ]
}

fn in_parts(count: usize) -> Vec<u8> {
    let mut bytes = part(1, false, b"42[\"x\",\"");
    for _ in 0..count {
        bytes.extend(part(0, false, b"x"));
    }
    bytes.extend(part(0, true, b"\"]"));
    bytes
}
