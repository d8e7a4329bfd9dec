//! Packets there and back, and what is none.

use parlour_socketio::{
    Placeholder,
    packet::{Body, DecodeError, Packet, encode_ack, encode_event},
    surrogate::repair,
};
use proptest::prelude::*;

fn again(text: &str) -> String {
    let mut written = String::new();
    Packet::decode(text).unwrap().encode_into(&mut written);
    written
}

#[test]
fn packets_survive_the_way_there_and_back() {
    for text in [
        "0",
        r#"0{"sid":"x"}"#,
        r#"0/admin,{"token":"123"}"#,
        "1",
        "1/admin,",
        r#"2["hello"]"#,
        r#"2["hello",1,{"a":[null]}]"#,
        r#"2/admin,456["project:delete",123]"#,
        r#"2["","ä😀","\ud83d\ude00"]"#,
        "30[]",
        "3/admin,456[1,2]",
        r#"4{"message":"no"}"#,
        r#"4/__f17,{"message":"Invalid namespace"}"#,
        r#"51-["hello",{"_placeholder":true,"num":0}]"#,
        r#"52-/admin,3["a"]"#,
        r#"61-/admin,456[{"_placeholder":true,"num":0}]"#,
    ] {
        assert_eq!(again(text), text);
    }
    assert_eq!(
        again("0/admin"),
        "0/admin,",
        "a comma may be missing at the end"
    );
    assert_eq!(again(r#"2 ["a"]"#), r#"2["a"]"#);
}

#[test]
fn typed_arguments_are_written_as_they_are_read() {
    let mut text = String::from("4");
    encode_event(&mut text, "/", None, 0, "a\"b", &()).unwrap();
    assert_eq!(text, r#"42["a\"b"]"#);
    let mut text = String::from("4");
    encode_event(&mut text, "/n", Some(7), 1, "e", &(1, Placeholder(0))).unwrap();
    assert_eq!(text, r#"451-/n,7["e",1,{"_placeholder":true,"num":0}]"#);
    let mut text = String::from("4");
    encode_ack(&mut text, "/", 3, 0, &vec![1, 2]).unwrap();
    assert_eq!(text, "433[1,2]");
    let mut text = String::from("4");
    encode_ack(&mut text, "/n", 3, 0, &()).unwrap();
    assert_eq!(text, "43/n,3[]");
}

#[test]
fn what_is_no_packet_is_refused_for_its_reason() {
    for (text, expected) in [
        ("", DecodeError::Kind),
        ("7", DecodeError::Kind),
        ("é", DecodeError::Kind),
        ("1[]", DecodeError::Shape),
        ("2[]", DecodeError::Shape),
        ("2[1]", DecodeError::Shape),
        ("2{}", DecodeError::Shape),
        ("2[\"connect\"]", DecodeError::Reserved),
        ("2", DecodeError::Json { column: 0 }),
        ("2[\"a\"]]", DecodeError::Json { column: 6 }),
        ("3[]", DecodeError::AckId),
        ("399999999999999999999[]", DecodeError::AckId),
        ("5[\"a\"]", DecodeError::Attachments),
        ("5-[\"a\"]", DecodeError::Attachments),
        ("5+1-[\"a\"]", DecodeError::Attachments),
    ] {
        assert_eq!(Packet::decode(text).unwrap_err(), expected, "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_a_danger(text in "[0-7]?.*") {
        let repaired = repair(&text);
        let _ = Packet::announced_attachments(&repaired);
        if let Ok(packet) = Packet::decode(&repaired) {
            let mut written = String::new();
            packet.encode_into(&mut written);
            prop_assert_eq!(again(&written), written);
        }
    }

    #[test]
    fn any_event_arrives_as_it_was(
        name in ".*",
        args in prop::collection::vec(".*", 0..4),
        ack in prop::option::of(any::<u64>()),
        namespace in "/[a-z]{0,5}",
    ) {
        prop_assume!(!parlour_socketio::packet::is_reserved(&name));
        let mut text = String::new();
        encode_event(&mut text, &namespace, ack, 0, &name, &args).unwrap();
        let packet = Packet::decode(&text).unwrap();
        prop_assert_eq!(packet.namespace.as_ref(), namespace);
        let Body::Event { ack: got, name: named, args: raw, .. } = packet.body else {
            panic!("not an event");
        };
        prop_assert_eq!((got, named), (ack, name));
        let back: Vec<String> =
            raw.iter().map(|arg| serde_json::from_str(arg.get()).unwrap()).collect();
        prop_assert_eq!(back, args);
    }
}
