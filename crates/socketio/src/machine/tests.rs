//! The machine, told what happens and when.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::*;

mod hostile;
mod several;

const OPEN: &str = r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;

struct Story {
    machine: Machine,
    now: Instant,
}

impl Story {
    fn new(change: impl FnOnce(&mut ConnectOptions)) -> Self {
        let mut options = ConnectOptions::new("http://example".parse().unwrap());
        change(&mut options);
        Self {
            machine: Machine::new(&options),
            now: Instant::now(),
        }
    }

    /// Already let in.
    fn open() -> Self {
        Self::open_with(|_| {})
    }

    fn open_with(change: impl FnOnce(&mut ConnectOptions)) -> Self {
        let mut story = Self::new(change);
        assert_eq!(story.says(OPEN), ["send 40"]);
        assert_eq!(story.says(r#"40{"sid":"me"}"#), ["joined as me"]);
        story
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    fn happens(&mut self, input: Input<'_>) -> Vec<String> {
        self.machine
            .step(input, self.now)
            .iter()
            .map(told)
            .collect()
    }

    fn says(&mut self, text: &str) -> Vec<String> {
        self.happens(Input::Text(text))
    }

    fn sends(&mut self, part: &'static [u8]) -> Vec<String> {
        self.happens(Input::Binary(Bytes::from_static(part)))
    }
}

fn joined(args: &[Box<RawValue>]) -> String {
    args.iter()
        .map(|arg| arg.get())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Where it is, if not in the namespace that all began with.
fn at(space: SpaceId) -> String {
    match space {
        FIRST => String::new(),
        other => format!("[{other}] "),
    }
}

fn told(effect: &Effect) -> String {
    match effect {
        Effect::Send(text) => format!("send {text}"),
        Effect::Pong => "pong".to_owned(),
        Effect::Probe(number) => format!("probe {number}"),
        Effect::Joined(space, welcome) => {
            let recovered = if welcome.recovered { " again" } else { "" };
            format!("{}joined as {}{recovered}", at(*space), welcome.sid)
        }
        Effect::Refused {
            space,
            message,
            data,
        } => {
            format!(
                "{}refused: {message} {}",
                at(*space),
                data.as_deref().map_or("", RawValue::get)
            )
        }
        Effect::Deliver(
            space,
            Incoming::Event {
                name,
                args,
                attachments,
                ack,
            },
        ) => {
            let ack = ack.map_or(String::new(), |id| format!(" ack {id}"));
            let attached = if attachments.is_empty() {
                String::new()
            } else {
                format!(" +{}", attachments.len())
            };
            format!("{}{name}({}){attached}{ack}", at(*space), joined(args))
        }
        Effect::Deliver(space, Incoming::Undecodable { error, .. }) => {
            format!("{}undecodable: {error}", at(*space))
        }
        Effect::Answered { space, id, answer } => {
            format!(
                "{}answer {id}: {} +{}",
                at(*space),
                joined(&answer.args),
                answer.attachments.len()
            )
        }
        Effect::FenceAnswered { number, answer } => format!("fence {number} {answer:?}"),
        Effect::Dismissed(space) => format!("{}dismissed", at(*space)),
        Effect::Close(reason) => format!("closed: {reason}"),
    }
}

#[test]
fn a_namespace_is_joined_with_what_one_says_of_oneself() {
    let mut story = Story::new(|options| {
        options.namespace = "/admin".to_owned();
        options.auth = Some(RawValue::from_string(r#"{"token":1}"#.to_owned()).unwrap());
    });
    assert_eq!(story.says(OPEN), [r#"send 40/admin,{"token":1}"#]);
    assert_eq!(story.says("2"), ["pong"], "before being let in");
    assert_eq!(story.says(r#"40/admin,{"sid":"x"}"#), ["joined as x"]);
    assert_eq!(story.says(r#"42/admin,["a",1]"#), ["a(1)"]);
    assert!(story.says(r#"42["not ours"]"#).is_empty());
    assert_eq!(story.says("41/admin,"), ["closed: the server disconnected"]);
    assert!(
        story.says(r#"42/admin,["a",1]"#).is_empty(),
        "closed is final"
    );
}

#[test]
fn a_refusal_carries_the_servers_words() {
    for (text, expected) in [
        (
            r#"44{"message":"invalid username","data":{"a":[1]}}"#,
            r#"refused: invalid username {"a":[1]}"#,
        ),
        (r#"44{"message":"no"}"#, "refused: no "),
        (r#"44"bare""#, "refused: bare "),
        ("44", "refused:  "),
        ("44{\"message\":7}", "refused:  "),
    ] {
        let mut story = Story::new(|_| {});
        story.says(OPEN);
        assert_eq!(story.says(text), [expected]);
        assert!(story.says("2").is_empty(), "refused is final");
    }
}

#[test]
fn what_does_not_begin_with_a_handshake_is_no_server_of_ours() {
    for text in [
        "",
        "hello",
        "2",
        "40",
        "0",
        "0{}",
        r#"0{"sid":1}"#,
        "42[\"a\"]",
    ] {
        let mut story = Story::new(|_| {});
        let told = story.says(text);
        assert!(
            told[0].starts_with("closed: protocol violation"),
            "{text:?}: {told:?}"
        );
    }
    assert!(Story::new(|_| {}).sends(b"x")[0].starts_with("closed: protocol violation"));
}

#[test]
fn the_protocol_is_insisted_on() {
    for text in [OPEN, r#"40{"sid":"again"}"#, r#"44{"message":"late"}"#] {
        let told = Story::open().says(text);
        assert!(
            told[0].starts_with("closed: protocol violation"),
            "{text:?}: {told:?}"
        );
    }
    let mut story = Story::new(|_| {});
    story.says(OPEN);
    assert!(
        story.says("40")[0].starts_with("closed: protocol violation"),
        "without an id"
    );
}

#[test]
fn servers_say_goodbye_in_three_ways_and_links_end_in_others() {
    assert_eq!(
        Story::open().says("41"),
        ["closed: the server disconnected"]
    );
    assert_eq!(Story::open().says("1"), ["closed: the server disconnected"]);
    for reason in [CloseReason::ServerDisconnect, CloseReason::TransportClosed] {
        let told = Story::open().happens(Input::Ended(reason.clone()));
        assert_eq!(told, [format!("closed: {reason}")]);
        assert_eq!(reason.is_clean(), reason == CloseReason::ServerDisconnect);
    }
}

#[test]
fn silence_is_probed_and_then_ends_the_connection() {
    let mut story = Story::open();
    assert_eq!(
        story.machine.deadline(),
        Some(story.now + Duration::from_secs(5))
    );
    assert!(story.after(4).happens(Input::Tick).is_empty());
    assert_eq!(story.after(1).happens(Input::Tick), ["probe 1"]);
    assert!(story.after(1).happens(Input::Control).is_empty());
    assert_eq!(story.after(5).happens(Input::Tick), ["probe 2"]);
    assert_eq!(
        story.after(10).happens(Input::Tick),
        ["closed: no sign of life"]
    );
}

#[test]
fn frames_without_the_engines_ping_are_not_enough() {
    let mut story = Story::open();
    for _ in 0..44 {
        assert_eq!(story.after(1).says(r#"42["a"]"#), ["a()"]);
        assert!(story.happens(Input::Tick).is_empty());
    }
    assert_eq!(
        story.after(1).happens(Input::Tick),
        ["closed: no sign of life"]
    );
}

#[test]
fn a_long_message_and_a_slow_reader_are_no_silence() {
    let mut story = Story::open();
    for _ in 0..60 {
        assert!(story.after(4).happens(Input::Progress).is_empty());
        assert!(story.happens(Input::Tick).is_empty());
    }
    assert!(story.after(3_600).happens(Input::Resumed).is_empty());
    assert!(story.after(4).happens(Input::Tick).is_empty());
}

#[test]
fn fences_are_recognised_and_other_namespaces_are_not_ours() {
    let mut story = Story::open();
    assert_eq!(
        story.says(r#"44/__f17,{"message":"Invalid namespace"}"#),
        ["fence 17 Refused"]
    );
    assert_eq!(story.says(r#"40/__f18,{"sid":"x"}"#), ["fence 18 Accepted"]);
    for text in [
        "41/__f18,",
        r#"44/__f,{"message":"x"}"#,
        r#"44/__fx,{"message":"x"}"#,
        r#"44/other,{"message":"x"}"#,
        r#"42/other,["a"]"#,
        r#"451-/other,["a"]"#,
    ] {
        assert!(story.says(text).is_empty(), "{text}");
    }
    assert!(story.sends(b"theirs").is_empty());
    assert_eq!(story.says(r#"42["ours"]"#), ["ours()"]);
}

#[test]
fn attachments_are_put_together_and_pings_may_come_between() {
    let mut story = Story::open();
    assert!(
        story
            .says(r#"452-7["file",{"_placeholder":true,"num":0}]"#)
            .is_empty()
    );
    assert!(story.sends(b"one").is_empty());
    assert_eq!(story.says("2"), ["pong"]);
    assert_eq!(
        story.sends(b"two"),
        [r#"file({"_placeholder":true,"num":0}) +2 ack 7"#]
    );
    assert!(story.says("461-3[1]").is_empty());
    assert_eq!(story.sends(b"x"), ["answer 3: 1 +1"]);
    assert_eq!(story.says("450-[\"a\"]"), ["a()"]);
}

#[test]
fn a_broken_binary_packet_costs_itself_and_its_attachments() {
    let mut story = Story::open();
    assert_eq!(story.sends(b"x"), ["undecodable: stray attachment"]);
    assert!(story.says(r#"452-["a"]"#).is_empty());
    assert_eq!(
        story.says(r#"42["b"]"#),
        ["undecodable: attachments missing", "b()"]
    );
    assert_eq!(
        story.says("452-[broken"),
        ["undecodable: malformed JSON at column 2"]
    );
    assert!(story.sends(b"x").is_empty());
    assert!(story.sends(b"x").is_empty());
    assert_eq!(
        story.says("4599-[\"a\"]"),
        ["undecodable: too many attachments"]
    );
    assert!(story.sends(b"x").is_empty());
    assert_eq!(story.says(r#"42["b"]"#), ["b()"]);
}

#[test]
fn half_an_emoji_costs_one_character() {
    let mut story = Story::open();
    assert_eq!(
        story.says(r#"42["a","x\ud83d","\ud83d\ude00"]"#),
        [r#"a("x\ufffd" "\ud83d\ude00")"#]
    );
    assert_eq!(story.says(r#"42["\ude00"]"#), ["\u{fffd}()"]);
}

/// What no server should send; the connection must survive each.
const MALFORMED: &[&str] = &[
    "",
    "4",
    "7",
    "x",
    "é",
    "😀",
    "\0",
    "4x",
    "48[\"a\"]",
    "42",
    "42[",
    "42[]",
    "42[1]",
    "42[null]",
    "42{}",
    "42\"a\"",
    "42null",
    "42[\"a\"",
    "42[\"a\",]",
    "42[\"a\",}",
    "42[\"a\"]x",
    "42[a]",
    "42[\"a\",NaN]",
    "42[\"a\",'b']",
    "42[\"a\",01]",
    "42[\"a\",\"\u{1}\"]",
    "42[\"a\",\"\\x\"]",
    "42[\"a\",\"\\u12\"]",
    "42[\"connect\"]",
    "42[\"disconnect\",1]",
    "42[[\"a\"]]",
    "42/",
    "42/x",
    "4299999999999999999999[\"a\"]",
    "42-1[\"a\"]",
    "43",
    "43[1]",
    "431",
    "431{}",
    "431[",
    "43x[]",
    "45[\"a\"]",
    "45-[\"a\"]",
    "45x-[\"a\"]",
    "45-1-[\"a\"]",
    "4599999999999999999999-[\"a\"]",
    "45+1-[\"a\"]",
    "46",
    "461-[1]",
    "461-x",
    "41x",
    "41{}",
    "44/__f1",
    "40/__f99999999999999999999,",
    "5",
    "6",
    "3",
    "3probe",
    "45😀-[\"a\"]",
    "42[\"a\",\"\u{7f}\\",
];

#[test]
fn malformed_frames_never_end_the_connection() {
    assert!(MALFORMED.len() >= 31);
    let mut story = Story::open();
    for frame in MALFORMED {
        for told in story.says(frame) {
            assert!(
                told.starts_with("undecodable") || told.starts_with("fence"),
                "{frame:?}: {told}"
            );
        }
        story.machine.reassembly.interrupt();
        assert_eq!(story.says(r#"42["alive"]"#), ["alive()"], "after {frame:?}");
    }
}
