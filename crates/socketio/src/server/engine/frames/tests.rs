use proptest::prelude::*;
use tokio_tungstenite::tungstenite::{
    Message, WebSocket,
    protocol::{Role, frame::CloseFrame, frame::coding::CloseCode},
};

use super::*;

const LIMIT: usize = 100_000;

/// An item that owns what it holds.
#[derive(Clone, Debug, PartialEq)]
enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close,
}

/// Gives `bytes` to a reader in pieces of the given sizes, in turn.
fn read(bytes: &[u8], sizes: &[usize], limit: usize) -> Result<Vec<Owned>, Violation> {
    let mut reader = Reader::new(limit);
    let mut items = Vec::new();
    let mut rest = bytes.to_vec();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let mut piece: Vec<u8> = rest.drain(..rest.len().min(*size)).collect();
        let mut at = 0;
        while let Some(item) = reader.next(&mut piece, &mut at)? {
            items.push(match item {
                Item::Text(text) => Owned::Text(text.to_owned()),
                Item::Binary(data) => Owned::Binary(data.to_vec()),
                Item::Ping(data) => Owned::Ping(data.to_vec()),
                Item::Pong => Owned::Pong,
                Item::Close => Owned::Close,
            });
        }
        assert_eq!(at, piece.len(), "all that was given was read");
    }
    Ok(items)
}

/// What a client that we did not write makes of messages.
fn written(messages: impl IntoIterator<Item = Message>) -> Vec<u8> {
    let mut client =
        WebSocket::from_raw_socket(std::io::Cursor::new(Vec::new()), Role::Client, None);
    for message in messages {
        client.send(message).unwrap();
    }
    client.into_inner().into_inner()
}

/// A frame by hand.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut bytes = vec![first];
    if payload.len() < 126 {
        bytes.push(0x80 | payload.len() as u8);
    } else {
        bytes.push(0x80 | 126);
        bytes.extend((payload.len() as u16).to_be_bytes());
    }
    bytes.extend(mask);
    bytes.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    bytes
}

fn message() -> impl Strategy<Value = (Message, Owned)> {
    prop_oneof![
        "\\PC{0,300}".prop_map(|text| (Message::text(text.clone()), Owned::Text(text))),
        (0..70_000_usize).prop_map(|size| {
            let text = "é".repeat(size / 2);
            (Message::text(text.clone()), Owned::Text(text))
        }),
        prop::collection::vec(any::<u8>(), 0..300)
            .prop_map(|data| (Message::binary(data.clone()), Owned::Binary(data))),
        prop::collection::vec(any::<u8>(), 0..125)
            .prop_map(|data| (Message::Ping(data.clone().into()), Owned::Ping(data))),
        Just((Message::Pong(Bytes::new()), Owned::Pong)),
    ]
}

proptest! {
    #[test]
    fn what_a_client_writes_is_read_however_it_is_cut(
        messages in prop::collection::vec(message(), 0..8),
        sizes in prop::collection::vec(1..5_000_usize, 1..5),
    ) {
        let (messages, expected): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
        let bytes = written(messages);
        prop_assert_eq!(read(&bytes, &sizes, LIMIT).unwrap(), expected);
    }

    #[test]
    fn nothing_makes_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        sizes in prop::collection::vec(1..50_usize, 1..5),
    ) {
        let _ = read(&bytes, &sizes, 100);
    }
}

#[test]
fn fragments_are_joined_and_control_frames_may_come_between() {
    let bytes = [
        frame(0x01, b"on\xc3"),
        frame(0x89, b"there?"),
        frame(0x00, b"\xa9"),
        frame(0x8a, b""),
        frame(0x80, b" message"),
        frame(0x02, &[1; 200]),
        frame(0x80, &[2]),
        frame(0x81, b"next"),
        frame(0x88, &[3, 232]),
    ]
    .concat();
    let mut binary = vec![1; 200];
    binary.push(2);
    let expected = [
        Owned::Ping(b"there?".to_vec()),
        Owned::Pong,
        Owned::Text("oné message".to_owned()),
        Owned::Binary(binary),
        Owned::Text("next".to_owned()),
        Owned::Close,
    ];
    for size in [1, 2, 3, 7, 1_000] {
        assert_eq!(read(&bytes, &[size], LIMIT).unwrap(), expected, "{size}");
    }
}

#[test]
fn a_close_with_a_reason_is_a_close() {
    let close = CloseFrame {
        code: CloseCode::Normal,
        reason: "bye".into(),
    };
    let bytes = written([Message::Close(Some(close))]);
    assert_eq!(read(&bytes, &[3], LIMIT).unwrap(), [Owned::Close]);
}

#[test]
fn rules_are_kept() {
    let long_control = frame(0x89, &[0; 126]);
    let unmasked = [0x81, 0x01, b'a'];
    let cases: [(&str, Vec<u8>); 9] = [
        ("a reserved bit", frame(0xc1, b"a")),
        ("an unknown kind", frame(0x83, b"a")),
        ("an unknown control frame", frame(0x8b, b"")),
        ("a fragmented control frame", frame(0x09, b"")),
        ("a long control frame", long_control),
        ("no mask", unmasked.to_vec()),
        ("a continuation of nothing", frame(0x80, b"a")),
        (
            "a message within a message",
            [frame(0x01, b"a"), frame(0x81, b"b")].concat(),
        ),
        ("text that is not UTF-8", frame(0x81, b"\xff")),
    ];
    for (case, bytes) in cases {
        assert_eq!(
            read(&bytes, &[100], LIMIT),
            Err(Violation::Protocol),
            "{case}"
        );
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_is_here() {
    let announced = |length: u64| {
        let mut bytes = vec![0x82, 0xff];
        bytes.extend(length.to_be_bytes());
        bytes.extend([0; 4]);
        bytes
    };
    for length in [101, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(
            read(&announced(length), &[100], 100),
            Err(Violation::TooLarge)
        );
    }
    assert_eq!(read(&announced(100), &[100], 100), Ok(Vec::new()));
    let fragments = [frame(0x02, &[0; 60]), frame(0x80, &[0; 41])].concat();
    assert_eq!(read(&fragments, &[7], 100), Err(Violation::TooLarge));
}

#[test]
fn nothing_is_kept_after_a_message_in_pieces() {
    let mut reader = Reader::new(LIMIT);
    let bytes = frame(0x81, &[b'a'; 5_000]);
    let (mut first, mut second) = (bytes[..100].to_vec(), bytes[100..].to_vec());
    assert_eq!(reader.next(&mut first, &mut 0), Ok(None));
    let mut at = 0;
    assert!(matches!(
        reader.next(&mut second, &mut at),
        Ok(Some(Item::Text(_)))
    ));
    assert_eq!(reader.next(&mut second, &mut at), Ok(None));
    assert_eq!(reader.message.capacity(), 0);
}
