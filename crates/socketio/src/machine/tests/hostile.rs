//! What a server should not send: nothing of it may cost more than itself.

use proptest::prelude::*;

use super::*;

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn what_is_nested_too_deep_costs_itself() {
    let mut story = Story::open();
    for depth in [64, 128, 100_000] {
        for packet in [
            format!(r#"42["a",{}]"#, nested(depth)),
            format!(
                r#"42["a",{}]"#,
                nested(depth).replace('[', r#"{"a":["#).replace(']', "]}")
            ),
            format!("430[{}]", nested(depth)),
            format!(r#"42["a",{}"#, "[".repeat(depth)),
        ] {
            assert_eq!(story.says(&packet), ["undecodable: nested too deep"]);
        }
        let with_parts = format!(r#"452-["a",{}]"#, nested(depth));
        assert_eq!(story.says(&with_parts), ["undecodable: nested too deep"]);
        assert!(story.sends(b"x").is_empty());
        assert!(story.sends(b"x").is_empty());
    }
    let deepest = nested(63);
    assert_eq!(
        story.says(&format!(r#"42["a",{deepest}]"#)),
        [format!("a({deepest})")]
    );
    let brackets = "[{".repeat(100);
    assert_eq!(
        story.says(&format!(r#"42["a","{brackets}"]"#)),
        [format!("a(\"{brackets}\")")]
    );
}

#[test]
fn depth_is_no_danger_where_it_is_asked_for() {
    let mut story = Story::open_with(|options| options.limits.depth = usize::MAX);
    for depth in [200, 100_000] {
        let deep = nested(depth);
        assert_eq!(
            story.says(&format!(r#"42["a",{deep}]"#)),
            [format!("a({deep})")]
        );
        let broken = story.says(&format!(r#"42["a",{}"#, "[".repeat(depth)));
        assert!(
            broken[0].starts_with("undecodable: malformed JSON"),
            "{broken:?}"
        );
        let broken = story.says(&format!(r#"42["a",{}"#, "{\"a\":".repeat(depth)));
        assert!(
            broken[0].starts_with("undecodable: malformed JSON"),
            "{broken:?}"
        );
        let no_name = story.says(&format!("42{deep}"));
        assert!(no_name[0].starts_with("undecodable"), "{no_name:?}");
    }
    assert_eq!(story.says(r#"42["b"]"#), ["b()"]);
}

#[test]
fn arguments_and_names_have_limits() {
    let mut story = Story::open_with(|options| {
        options.limits.arguments = 3;
        options.limits.name_bytes = 4;
    });
    assert_eq!(story.says(r#"42["name",1,2,3]"#), ["name(1 2 3)"]);
    assert_eq!(
        story.says(r#"42["name",1,2,3,4]"#),
        ["undecodable: too many arguments"]
    );
    assert_eq!(
        story.says("430[1,2,3,4]"),
        ["undecodable: too many arguments"]
    );
    assert_eq!(
        story.says(r#"42["names"]"#),
        ["undecodable: event name too long"]
    );
    assert_eq!(story.says(r#"42["ää"]"#), ["ää()"]);
    assert_eq!(
        story.says(r#"451-["names"]"#),
        ["undecodable: event name too long"]
    );
    assert!(story.sends(b"x").is_empty(), "its attachment goes with it");
}

#[test]
fn a_handshake_and_a_welcome_have_limits() {
    let long = "x".repeat(300);
    for handshake in [
        format!(r#"0{{"sid":"{long}","pingInterval":1,"pingTimeout":1}}"#),
        r#"0{"sid":"","pingInterval":1,"pingTimeout":1}"#.to_owned(),
        format!(
            r#"0{{"sid":"x","pingInterval":1,"pingTimeout":1,"more":"{}"}}"#,
            long.repeat(60)
        ),
        format!(
            r#"0{{"sid":"x","pingInterval":1,"pingTimeout":1,"more":{}"#,
            "[".repeat(10_000)
        ),
        r#"0{"sid":"x","pingInterval":-1,"pingTimeout":1}"#.to_owned(),
        r#"0{"sid":"x","pingInterval":1e400,"pingTimeout":1}"#.to_owned(),
    ] {
        let told = Story::new(|_| {}).says(&handshake);
        assert!(
            told[0].starts_with("closed: protocol violation"),
            "{told:?}"
        );
        assert!(!told[0].contains("xxx"), "nothing is quoted");
    }
    let mut story = Story::new(|_| {});
    let deep = format!(
        r#"0{{"sid":"x","pingInterval":1,"pingTimeout":1,"more":{}}}"#,
        nested(5_000)
    );
    assert_eq!(story.says(&deep), ["send 40"], "unknown fields are skipped");
    let told = story.says(&format!(r#"40{{"sid":"{long}"}}"#));
    assert!(
        told[0].starts_with("closed: protocol violation"),
        "{told:?}"
    );
}

#[test]
fn a_refusal_is_one_however_it_is_made() {
    let long = "ä".repeat(5_000);
    for (text, message, data) in [
        (
            format!(r#"44{{"message":"{long}"}}"#),
            "ä".repeat(1_000),
            String::new(),
        ),
        (
            format!(r#"44{{"message":"no","data":"{}"}}"#, "x".repeat(100_000)),
            "no".to_owned(),
            String::new(),
        ),
        (
            format!(r#"44{{"message":"no","data":{}}}"#, nested(50)),
            "no".to_owned(),
            nested(50),
        ),
        (
            format!(r#"44{{"message":"no","data":{}}}"#, nested(500)),
            String::new(),
            String::new(),
        ),
    ] {
        let mut story = Story::new(|_| {});
        story.says(OPEN);
        assert_eq!(story.says(&text), [format!("refused: {message} {data}")]);
    }
}

#[test]
fn numbers_of_any_size_are_answered_or_refused() {
    let mut story = Story::open();
    let most = u64::MAX;
    assert_eq!(
        story.says(&format!(r#"42{most}["a"]"#)),
        [format!("a() ack {most}")]
    );
    assert_eq!(
        story.says(&format!(r#"42{most}0["a"]"#)),
        ["undecodable: bad ack id"]
    );
    assert_eq!(
        story.says(&format!("43{most}[1]")),
        [format!("answer {most}: 1 +0")]
    );
    assert_eq!(
        story.says(&format!(r#"45{most}-["a"]"#)),
        ["undecodable: too many attachments"]
    );
    assert!(story.sends(b"x").is_empty(), "its attachments go with it");
    assert_eq!(
        story.says(&format!(r#"45{most}0-["a"]"#)),
        ["undecodable: bad number of attachments"]
    );
}

/// Packets as they should be, to be spoiled.
const VALID: &[&str] = &[
    OPEN,
    "2",
    "40",
    r#"40{"sid":"x","pid":"y"}"#,
    r#"44{"message":"no","data":{"a":[1,2,{"b":null}]}}"#,
    "41",
    r#"42["a",1,"two",{"three":[4,5.5e6,true,null]}]"#,
    r#"42/admin,17["a","\ud83d\ude00"]"#,
    "430[1]",
    r#"452-7["file",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
    r#"461-/admin,3[{"_placeholder":true,"num":0}]"#,
    r#"44/__f17,{"message":"Invalid namespace"}"#,
];

/// What is delivered for a text: how often, and how many bytes.
fn weighs(machine: &mut Machine, input: Input<'_>, now: Instant) -> (usize, usize) {
    let mut bytes = 0;
    let effects = machine.step(input, now);
    for effect in &effects {
        bytes += match effect {
            Effect::Send(text) => text.len(),
            Effect::Deliver(
                _,
                Incoming::Event {
                    name,
                    args,
                    attachments,
                    ..
                },
            ) => {
                name.len()
                    + args.iter().map(|arg| arg.get().len()).sum::<usize>()
                    + attachments.iter().map(Bytes::len).sum::<usize>()
            }
            Effect::Answered { answer, .. } => answer.args.iter().map(|arg| arg.get().len()).sum(),
            Effect::Refused { message, data, .. } => {
                message.len() + data.as_deref().map_or(0, |data| data.get().len())
            }
            _ => 0,
        };
    }
    (effects.len(), bytes)
}

fn spoiled() -> impl Strategy<Value = String> {
    let change = (
        0_usize..120,
        0_usize..6,
        ".{0,4}|[\\[{]{60,80}|[0-9]{15,25}",
    );
    (
        prop::sample::select(VALID),
        prop::collection::vec(change, 0..4),
    )
        .prop_map(|(valid, changes)| {
            let mut text: Vec<char> = valid.chars().collect();
            for (at, cut, put) in changes {
                let from = at.min(text.len());
                let to = (from + cut).min(text.len());
                text.splice(from..to, put.chars());
            }
            text.into_iter().collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_bring_the_machine_down(frames in prop::collection::vec(
        (any::<bool>(), prop::collection::vec(any::<u8>(), 0..80)), 1..20,
    )) {
        let mut open = Story::open();
        for (text, bytes) in frames {
            if text {
                open.says(&String::from_utf8_lossy(&bytes));
            } else {
                open.happens(Input::Binary(Bytes::from(bytes)));
            }
        }
    }

    /// A packet that was spoiled leads to little, and to no more than was sent:
    /// the packet before may be told of, too.
    #[test]
    fn a_spoiled_packet_costs_little(frames in prop::collection::vec(spoiled(), 1..12)) {
        let (mut opening, mut open) = (Story::new(|_| {}), Story::open());
        let mut sent = 0;
        for frame in &frames {
            sent += frame.len() + 4;
            for story in [&mut opening, &mut open] {
                let (effects, bytes) =
                    weighs(&mut story.machine, Input::Text(frame), story.now);
                prop_assert!(effects <= 2);
                prop_assert!(bytes <= sent, "{bytes} of {sent}");
                let part = Input::Binary(Bytes::from_static(b"part"));
                prop_assert!(weighs(&mut story.machine, part, story.now).0 <= 1);
            }
        }
    }

    #[test]
    fn no_text_brings_the_machine_down(frames in prop::collection::vec("(4[0-6]|[0-9])?[-0-9/,]{0,4}.{0,30}", 1..20)) {
        let mut opening = Story::new(|_| {});
        let mut open = Story::open();
        for frame in &frames {
            opening.says(frame);
            open.says(frame);
            open.sends(b"part");
        }
    }

    #[test]
    fn no_garbled_event_brings_the_machine_down(cut in 0_usize..60, put in ".{0,3}") {
        let whole = r#"452-/admin,12["file",{"_placeholder":true,"num":0},"\ud83d\ude00"]"#;
        let mut story = Story::open();
        if let (Some(start), Some(end)) = (whole.get(..cut), whole.get(cut + 1..)) {
            story.says(&format!("{start}{put}{end}"));
            story.sends(b"part");
        }
    }
}
