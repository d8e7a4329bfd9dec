//! Several namespaces on one connection, and state that is taken up again.

use proptest::prelude::*;

use super::*;
use crate::recovery::Recovery;

impl Story {
    fn joins(&mut self, space: SpaceId, name: &str) {
        let name = name.to_owned();
        let pid = None;
        assert!(self.happens(Input::Join { space, name, pid }).is_empty());
    }

    /// Open, with `/b` beside the main namespace.
    fn two() -> Self {
        let mut story = Self::open();
        story.joins(1, "/b");
        assert_eq!(story.says(r#"40/b,{"sid":"b"}"#), ["[1] joined as b"]);
        story
    }
}

#[test]
fn each_namespace_has_its_own_packets() {
    let mut story = Story::two();
    assert_eq!(story.says(r#"42["x"]"#), ["x()"]);
    assert_eq!(story.says(r#"42/b,["x"]"#), ["[1] x()"]);
    assert_eq!(story.says("43/b,7[1]"), ["[1] answer 7: 1 +0"]);
    assert!(story.says(r#"451-/b,3["file"]"#).is_empty());
    assert_eq!(story.sends(b"part"), ["[1] file() +1 ack 3"]);
    assert!(story.says(r#"451-/b,["file"]"#).is_empty());
    assert_eq!(
        story.says("2"),
        ["pong"],
        "which is not behind the attachment"
    );
    assert_eq!(
        story.says(r#"42["y"]"#),
        ["[1] undecodable: attachments missing", "y()"]
    );
    assert_eq!(story.says("42/c,[\"x\"]"), [""; 0], "not ours");
    assert_eq!(story.says("44/__f3,{}"), ["fence 3 Refused"]);
}

#[test]
fn one_ends_and_the_others_go_on() {
    for end in ["server", "us"] {
        let mut story = Story::two();
        if end == "server" {
            assert_eq!(story.says("41/b,"), ["[1] dismissed"]);
        } else {
            assert_eq!(story.happens(Input::Leave(1)), ["send 41/b,"]);
        }
        assert!(story.says(r#"42/b,["late"]"#).is_empty());
        assert!(story.says("43/b,1[]").is_empty());
        assert!(story.says("41/b,").is_empty());
        assert_eq!(story.says(r#"42["x"]"#), ["x()"]);
        assert_eq!(story.says("41"), ["closed: the server disconnected"]);
    }
    let mut story = Story::two();
    assert_eq!(story.says("41"), ["dismissed"]);
    assert_eq!(story.says(r#"42/b,["x"]"#), ["[1] x()"]);
    assert_eq!(story.says("47"), ["[1] undecodable: unknown packet type"]);
    assert_eq!(story.machine.leave_all(), ["41/b,"]);
    assert_eq!(story.says("41/b,"), ["closed: the server disconnected"]);
}

#[test]
fn a_refusal_concerns_one_namespace() {
    let mut story = Story::open();
    story.joins(1, "/b");
    assert_eq!(
        story.says(r#"44/b,{"message":"no","data":[1]}"#),
        ["[1] refused: no [1]"]
    );
    assert_eq!(story.says(r#"42["x"]"#), ["x()"]);
    story.joins(2, "/b");
    assert_eq!(story.says(r#"40/b,{"sid":"b"}"#), ["[2] joined as b"]);
    assert!(story.says(r#"44/b,{"message":"no"}"#)[0].starts_with("closed: protocol"));
}

#[test]
fn who_gives_up_waiting_leaves_when_let_in() {
    let mut story = Story::open();
    story.joins(1, "/b");
    assert!(story.happens(Input::Leave(1)).is_empty(), "not yet there");
    assert!(story.says(r#"42/b,["early"]"#).is_empty());
    assert_eq!(story.machine.space("/b"), Some(1), "not to be joined now");
    assert_eq!(story.says(r#"40/b,{"sid":"b"}"#), ["send 41/b,"]);
    assert_eq!(story.machine.space("/b"), None);
    story.joins(2, "/b");
    story.happens(Input::Leave(2));
    assert!(story.says(r#"44/b,{"message":"no"}"#).is_empty());
    assert_eq!(story.machine.namespaces(), 1);
}

#[test]
fn what_was_said_before_one_left_is_not_for_who_comes_back() {
    let mut story = Story::two();
    story.happens(Input::Leave(1));
    story.joins(2, "/b");
    assert!(story.says(r#"42/b,["to whom it was"]"#).is_empty());
    assert!(story.says(r#"451-/b,["to whom it was"]"#).is_empty());
    assert!(story.sends(b"x").is_empty());
    assert_eq!(story.says(r#"40/b,{"sid":"b"}"#), ["[2] joined as b"]);
    assert_eq!(story.says(r#"42/b,["to us"]"#), ["[2] to us()"]);
    // Where one never was, an early event is for us.
    story.joins(3, "/c");
    assert_eq!(story.says(r#"42/c,["early"]"#), ["[3] early()"]);
}

fn recovery(origin: &str, namespace: &str) -> Recovery {
    Recovery {
        origin: origin.to_owned(),
        namespace: namespace.to_owned(),
        pid: "private".to_owned(),
        offset: "offset".to_owned(),
    }
}

#[test]
fn state_is_recovered_where_the_server_says_so() {
    let presents = |options: &mut ConnectOptions| {
        options.auth = Some(RawValue::from_string(r#"{"a":1}"#.to_owned()).unwrap());
        options.recovery = Some(recovery("http://example", "/"));
    };
    for (answer, told) in [
        (r#"40{"sid":"me","pid":"private"}"#, "joined as me again"),
        (r#"40{"sid":"new","pid":"another"}"#, "joined as new"),
        (r#"40{"sid":"new"}"#, "joined as new"),
        (r#"40{"sid":"new","pid":7}"#, "joined as new"),
        (r#"40{"sid":"new","pid":""}"#, "joined as new"),
    ] {
        let mut story = Story::new(presents);
        assert_eq!(
            story.says(OPEN),
            [r#"send 40{"pid":"private","offset":"offset","a":1}"#]
        );
        assert_eq!(story.says(r#"42["missed","o2"]"#), [r#"missed("o2")"#]);
        assert_eq!(story.says(answer), [told]);
    }
}

#[test]
fn what_was_another_servers_is_not_presented() {
    for foreign in [
        recovery("http://example:81", "/"),
        recovery("https://example", "/"),
        recovery("http://example", "/b"),
    ] {
        let mut story = Story::new(|options| options.recovery = Some(foreign));
        assert_eq!(story.says(OPEN), ["send 40"]);
        let answer = r#"40{"sid":"me","pid":"private"}"#;
        assert_eq!(story.says(answer), ["joined as me"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes and goes: nobody hears anything in a namespace that they
    /// are not in, and numbers are never confused.
    #[test]
    fn nobody_hears_what_is_not_for_them(
        steps in prop::collection::vec((0_u8..6, 0_usize..4), 1..80)
    ) {
        let mut story = Story::open();
        let mut next = 1;
        for (what, which) in steps {
            let name = format!("/{which}");
            let here = story.machine.space(&name);
            let effects = match what {
                0 if here.is_none() => {
                    story.joins(next, &name);
                    next += 1;
                    continue;
                }
                1 => match here {
                    Some(space) => story.machine.step(Input::Leave(space), story.now),
                    None => continue,
                },
                2 => {
                    let waits = here.is_some_and(|id| story.machine.is_waiting(id));
                    if !waits {
                        continue;
                    }
                    let text = format!(r#"40{name},{{"sid":"x"}}"#);
                    story.machine.step(Input::Text(&text), story.now)
                }
                3 => {
                    let text = format!("41{name},");
                    story.machine.step(Input::Text(&text), story.now)
                }
                _ => {
                    let text = format!(r#"42{name},["x"]"#);
                    story.machine.step(Input::Text(&text), story.now)
                }
            };
            for effect in effects {
                match effect {
                    Effect::Deliver(space, _) | Effect::Joined(space, _)
                    | Effect::Dismissed(space) => prop_assert_eq!(Some(space), here),
                    Effect::Send(text) => prop_assert_eq!(text, format!("41{name},")),
                    _ => prop_assert!(false, "nothing else follows from that"),
                }
            }
        }
        prop_assert_eq!(story.says(r#"42["x"]"#), ["x()"]);
    }
}
