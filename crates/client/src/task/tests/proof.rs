//! What is called sent, and what shows it: fences, the witness, and what is said
//! where there is neither.

use std::time::Duration;

use parlour_protocol::UserEntry;

use super::stage::{Stage, everyone, list, message, plain, session, user};
use crate::{
    Command,
    compatibility::{FindingCode, Verdict},
    ports::LinkEvent,
    view::{Delivery, Failure, FailureCode, Presence},
};

const SENT: Option<Delivery> = Some(Delivery::Sent);
const SENDING: Option<Delivery> = Some(Delivery::Sending);
const QUEUED: Option<Delivery> = Some(Delivery::Queued);
const UNSURE: Option<Delivery> = Some(Delivery::Unsure);
const HELD: Option<Delivery> = Some(Delivery::Held);

const S: Duration = Duration::from_secs(1);

/// A server that keeps no messages and lists everybody.
fn plainly() -> Vec<UserEntry> {
    vec![plain("me"), plain("bob")]
}

#[test]
fn nothing_is_written_before_it_is_known_how_to_prove_it() {
    let mut stage = Stage::new();
    stage.signs_in();
    stage.opens();
    stage.hears(vec![session("me"), list(plainly())]);
    stage.says("bob", "hello");
    assert_eq!(stage.deliveries("bob"), [QUEUED]);
    stage.answers_fences();
    assert_eq!(stage.deliveries("bob"), [SENDING]);
    stage.answers_fences();
    assert_eq!(stage.deliveries("bob"), [SENT]);
    // Once known, the next connection waits for nothing.
    stage.reconnects();
    stage.hears(vec![session("me"), list(plainly())]);
    stage.says("bob", "again");
    assert_eq!(stage.sent(), ["again"]);
    stage.has_told_everything();
}

#[test]
fn a_server_that_answers_no_fence_gets_a_witness_before_the_first_message() {
    let mut stage = Stage::new();
    stage.signs_in();
    stage.opens();
    stage.hears(vec![session("me"), list(plainly())]);
    stage.says("bob", "hello");
    stage.passes(4 * S);
    assert!(!stage.witness_is_called());
    stage.passes(S);
    assert!(stage.witness_is_called(), "an answer takes no five seconds");
    assert_eq!(stage.sent(), [""; 0]);
    stage.witness_comes();
    assert_eq!(stage.sent(), ["hello"]);
    stage.witness_hears(vec![message("me", "bob", "hello")]);
    assert_eq!(stage.deliveries("bob"), [SENDING], "another device's?");
    stage.passes(S);
    assert_eq!(stage.deliveries("bob"), [SENT]);
    // It is let go, and remembered that it is needed.
    assert!(!stage.witness_is_gone());
    stage.passes(11 * S);
    assert!(stage.witness_is_gone());
    stage.passes(20 * S);
    assert_eq!(
        stage
            .engine
            .store
            .fences_at("http://127.0.0.1:1")
            .expect("read"),
        Some(false)
    );
    stage.reconnects();
    stage.hears(vec![session("me"), list(plainly())]);
    assert!(!stage.witness_is_called(), "there is nothing to prove");
    stage.says("bob", "again");
    assert!(stage.witness_is_called(), "at once this time");
    stage.witness_comes();
    assert_eq!(stage.sent(), ["again"]);
    stage.has_told_everything();
}

#[test]
fn an_answer_that_comes_after_all_is_taken() {
    let mut stage = Stage::new();
    stage.signs_in();
    stage.opens();
    stage.hears(vec![session("me"), list(plainly())]);
    stage.says("bob", "hello");
    stage.passes(30 * S);
    stage.answers_fences();
    stage.passes(S);
    assert_eq!(stage.sent(), ["hello"]);
    stage.answers_fences();
    assert_eq!(stage.deliveries("bob"), [SENT]);
    assert_eq!(
        stage
            .engine
            .store
            .fences_at("http://127.0.0.1:1")
            .expect("read"),
        Some(true)
    );
}

#[test]
fn without_any_proof_a_message_is_unsure_where_nothing_is_kept() {
    let mut stage = Stage::online_without_fences(plainly());
    stage.says("bob", "hello");
    for _ in 0..2 {
        assert_eq!(stage.deliveries("bob"), [QUEUED], "worth two tries");
        assert!(stage.witness_is_called());
        stage.witness_is_refused(FailureCode::Network);
        stage.passes(S);
    }
    assert_eq!(stage.deliveries("bob"), [SENDING]);
    stage.says("bob", "more");
    stage.passes(25 * S);
    assert_eq!(stage.deliveries("bob"), [UNSURE, UNSURE]);
    assert!(stage.engine.session.is_online());
    // A person may ask for another try, or not.
    let item = stage.timeline("bob")[0].id;
    stage
        .asks(Command::RetryMessage { item })
        .expect("accepted");
    assert_eq!(stage.sent(), ["hello", "more", "hello"]);
    stage.has_told_everything();
}

#[test]
fn without_any_proof_a_message_stays_on_its_way_where_a_history_will_tell() {
    let mut stage = Stage::online_without_fences(everyone());
    stage.says("bob", "one");
    stage.witness_is_refused(FailureCode::SignInRefused);
    let texts: Vec<String> = (2..=20).map(|n| n.to_string()).collect();
    for text in &texts {
        stage.says("bob", text);
    }
    assert_eq!(stage.sent().len(), 16, "as many as may be in doubt");
    stage.passes(60 * S);
    assert_eq!(stage.sent().len(), 20, "the window goes on");
    assert_eq!(stage.deliveries("bob"), [SENDING; 20], "never a lie");
    stage.reconnects();
    let history: Vec<String> = ["one".to_owned()]
        .iter()
        .chain(&texts[..17])
        .map(|text| format!(">{text}"))
        .collect();
    let history: Vec<&str> = history.iter().map(String::as_str).collect();
    stage.hears(vec![
        session("me"),
        list(vec![user("me", &[]), user("bob", &history)]),
    ]);
    let deliveries = stage.deliveries("bob");
    assert_eq!(deliveries[..18], [SENT; 18]);
    assert_eq!(deliveries[18..], [SENDING; 2], "held back");
    stage.passes(60 * S);
    assert_eq!(stage.sent(), ["19", "20"]);
    stage.has_told_everything();
}

#[test]
fn equal_words_are_proved_by_their_number() {
    let mut stage = Stage::online_without_fences(plainly());
    stage.says("bob", "ok");
    stage.witness_comes();
    stage.says("bob", "ok");
    stage.says("bob", "ok");
    stage.witness_hears(vec![message("me", "bob", "ok"), message("me", "bob", "ok")]);
    stage.passes(S);
    assert_eq!(stage.deliveries("bob"), [SENT, SENT, SENDING]);
    stage.passes(20 * S);
    assert_eq!(stage.deliveries("bob"), [SENT, SENT, UNSURE]);
    stage.witness_hears(vec![message("me", "bob", "ok")]);
    stage.passes(S);
    assert_eq!(stage.deliveries("bob"), [SENT; 3], "late is not never");
    assert_eq!(stage.texts("bob").len(), 3);
}

#[test]
fn what_another_device_says_proves_nothing_here() {
    let mut stage = Stage::online_without_fences(plainly());
    stage.says("bob", "ok");
    stage.witness_comes();
    stage.witness_hears(vec![message("me", "bob", "ok")]);
    stage.hears(vec![message("me", "bob", "ok")]);
    stage.passes(25 * S);
    assert_eq!(stage.deliveries("bob"), [UNSURE, SENT]);
    assert_eq!(stage.texts("bob"), ["ok", "ok"]);
}

#[test]
fn what_the_witness_brings_besides_changes_nothing() {
    let mut stage = Stage::online_without_fences(everyone());
    stage.says("bob", "one");
    stage.witness_comes();
    let before = stage.engine.snapshot();
    stage.witness_hears(vec![
        list(vec![user("me", &[]), user("eve", &["<hello"])]),
        message("bob", "me", "hi"),
        message("me", "bob", "not of ours"),
        message("eve", "bob", "none of ours"),
        session("me"),
        LinkEvent::Unreadable("users"),
        LinkEvent::FencePassed(99),
    ]);
    stage.passes(S);
    assert_eq!(stage.engine.snapshot().roster, before.roster);
    assert_eq!(stage.texts("bob"), ["one"]);
    assert_eq!(stage.deliveries("bob"), [SENDING]);
    assert_eq!(stage.engine.learned.unreadable_events, 0);
    stage.has_told_everything();
}

#[test]
fn the_end_of_the_witness_ends_nothing_else() {
    let mut stage = Stage::online_without_fences(plainly());
    stage.says("bob", "one");
    stage.witness_comes();
    stage.witness_falls();
    assert!(stage.engine.session.is_online());
    assert_eq!(
        stage.entry("me").map(|me| me.presence),
        Some(Presence::Online)
    );
    assert_eq!(stage.deliveries("bob"), [SENDING]);
    stage.passes(S);
    assert!(stage.witness_is_called(), "another one");
    stage.witness_comes();
    stage.says("bob", "two");
    stage.witness_hears(vec![message("me", "bob", "two")]);
    stage.passes(S);
    assert_eq!(
        stage.deliveries("bob"),
        [SENT, SENT],
        "what was written before on the same connection came before"
    );
}

#[test]
fn a_witness_taken_for_somebody_else_is_none() {
    let mut stage = Stage::online_without_fences(plainly());
    stage.says("bob", "one");
    stage.witness_opens();
    stage.witness_hears(vec![session("another"), list(plainly())]);
    assert!(stage.witness_is_gone());
    assert_eq!(stage.engine.roster.me(), Some(&"me".into()));
    stage.passes(60 * S);
    assert!(!stage.witness_is_called(), "nor asked for again soon");
    assert_eq!(stage.deliveries("bob"), [UNSURE]);
}

#[test]
fn a_server_that_forgot_us_tells_the_witness_and_ends_nothing() {
    let mut stage = Stage::online_without_fences(everyone());
    stage.says("bob", "one");
    stage.witness_fails(Failure {
        code: FailureCode::SignInRefused,
        detail: Some(parlour_protocol::INVALID_USERNAME.into()),
    });
    assert!(stage.engine.session.is_online());
    assert!(stage.engine.account.is_some());
    assert_eq!(stage.deliveries("bob"), [SENDING]);
}

#[test]
fn a_server_that_ends_the_older_connection_is_not_fought_with() {
    let mut stage = Stage::online_without_fences(plainly());
    for round in 0..5 {
        stage.says("bob", "hello");
        if stage.witness_is_called() {
            assert!(round < 2, "it does harm here");
            stage.witness_comes();
            stage.passes(S);
        }
        stage.reconnects();
        stage.hears(vec![session("me"), list(plainly())]);
    }
    assert_eq!(stage.deliveries("bob"), [UNSURE; 5]);
}

#[test]
fn oneself_does_not_flicker_when_the_witness_comes_and_goes() {
    let mut stage = Stage::online_without_fences(plainly());
    stage.says("bob", "one");
    stage.witness_comes();
    stage.hears(vec![super::stage::came(plain("me"))]);
    let mine = |stage: &Stage| stage.entry("me").map(|me| me.presence);
    assert_eq!(mine(&stage), Some(Presence::Online));
    stage.witness_hears(vec![message("me", "bob", "one")]);
    stage.passes(30 * S);
    assert!(stage.witness_is_gone());
    // A server that counts badly.
    stage.hears(vec![LinkEvent::Server(
        parlour_protocol::ServerEvent::UserDisconnected("me".into()),
    )]);
    assert_eq!(mine(&stage), Some(Presence::Online));
    stage.says("me", "note");
    stage.witness_comes();
    assert_eq!(
        stage.deliveries("me"),
        [SENDING],
        "we can write to ourselves"
    );
    stage.witness_hears(vec![message("me", "me", "note")]);
    stage.passes(S);
    assert_eq!(stage.deliveries("me"), [SENT]);
    stage.has_told_everything();
}

#[test]
fn a_break_with_a_witness_is_a_break() {
    let mut stage = Stage::online_without_fences(everyone());
    stage.says("bob", "one");
    stage.witness_comes();
    stage.says("bob", "two");
    stage.witness_hears(vec![message("me", "bob", "one")]);
    stage.passes(S);
    stage.reconnects();
    assert!(stage.witness_is_gone());
    stage.hears(vec![
        session("me"),
        list(vec![user("me", &[]), user("bob", &[">one"])]),
    ]);
    assert_eq!(stage.deliveries("bob"), [SENT, SENDING]);
    // The old connection's word arrives late, and both hear it.
    stage.hears(vec![message("me", "bob", "two")]);
    assert_eq!(stage.deliveries("bob"), [SENT, SENT]);
    stage.passes(60 * S);
    assert_eq!(stage.sent(), [""; 0]);
    stage.has_told_everything();
}

#[test]
fn what_was_asleep_is_not_overdue() {
    let mut stage = Stage::online(plainly());
    stage.passes(S);
    stage.says("bob", "one");
    // Stopped for ten minutes: no timer was served, and all are due at once.
    stage.stops_for(600 * S);
    assert_eq!(stage.deliveries("bob"), [SENDING]);
    stage.answers_fences();
    assert_eq!(stage.deliveries("bob"), [SENT]);
    assert_eq!(
        stage
            .engine
            .store
            .fences_at("http://127.0.0.1:1")
            .expect("read"),
        Some(true)
    );
}

#[test]
fn a_fence_without_room_is_raised_later() {
    let mut stage = Stage::online(everyone());
    stage.wire.lock().expect("the wire").no_fences = true;
    stage.says("bob", "one");
    stage.answers_fences();
    assert_eq!(stage.deliveries("bob"), [SENDING]);
    stage.wire.lock().expect("the wire").no_fences = false;
    stage.passes(S);
    stage.answers_fences();
    assert_eq!(stage.deliveries("bob"), [SENT]);
}

#[test]
fn a_report_says_what_was_found_out() {
    let mut stage = Stage::online_without_fences(everyone());
    stage.says("bob", "one");
    stage.witness_comes();
    stage.witness_hears(vec![message("me", "bob", "one")]);
    stage.passes(3 * S);
    let report = stage.engine.snapshot().compatibility.expect("a report");
    let is = |code| {
        let mut findings = report.findings.iter();
        findings.find(|f| f.code == code).map(|f| f.verdict)
    };
    assert_eq!(is(FindingCode::FenceAnswered), Some(Verdict::No));
    assert_eq!(is(FindingCode::EchoesToOwnDevices), Some(Verdict::Yes));
    assert_eq!(is(FindingCode::ListsOneself), Some(Verdict::Yes));
    stage.has_told_everything();
}

#[test]
fn where_an_id_ends_what_was_on_its_way_to_it_is_unsure_whatever_a_fence_says() {
    let leaves = |user: &str| {
        LinkEvent::Server(parlour_protocol::ServerEvent::UserDisconnected(user.into()))
    };
    let mut stage = Stage::new();
    stage.signs_in();
    stage.opens();
    // No session: ids are those of connections.
    stage.hears(vec![list(vec![plain("bob"), plain("eve")])]);
    stage.answers_fences();
    stage.says("bob", "proven in time");
    stage.answers_fences();
    stage.says("bob", "to nobody, or not");
    stage.says("eve", "hello");
    stage.hears(vec![leaves("bob")]);
    assert_eq!(stage.deliveries("bob"), [SENT, UNSURE]);
    stage.answers_fences();
    assert_eq!(stage.deliveries("bob"), [SENT, UNSURE]);
    assert_eq!(stage.deliveries("eve"), [SENT]);
    stage.says("bob", "too late");
    assert_eq!(stage.deliveries("bob"), [SENT, UNSURE, HELD]);
    stage.has_told_everything();
}
