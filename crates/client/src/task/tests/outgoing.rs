//! Messages that break connections, that are too long, that nobody may lose.

use std::time::Duration;

use parlour_protocol::{UserEntry, Users};

use super::stage::{Stage, everyone, list, session, user};
use crate::{
    Command,
    compatibility::{FindingCode, Verdict},
    ports::LinkEvent,
    view::{Delivery, SendRefusal},
};

const SENT: Option<Delivery> = Some(Delivery::Sent);
const SENDING: Option<Delivery> = Some(Delivery::Sending);
const FAILED: Option<Delivery> = Some(Delivery::Failed);

/// The connection breaks, the server has only this of us, and what is missing
/// has waited out its time.
fn breaks_with(stage: &mut Stage, bob: &[&str], eve: &[&str]) {
    stage.reconnects();
    let users = vec![user("me", &[]), user("bob", bob), user("eve", eve)];
    stage.hears(vec![session("me"), list(users)]);
    // That of the new connection: nothing was sent there yet.
    stage.answers_fences();
    stage.passes(Duration::from_secs(46));
}

fn with_eve() -> Vec<UserEntry> {
    vec![user("me", &[]), user("bob", &[]), user("eve", &[])]
}

#[test]
fn what_breaks_three_connections_is_not_tried_a_fourth_time() {
    let mut stage = Stage::online(with_eve());
    stage.says("bob", "poison");
    stage.says("bob", "after it");
    stage.says("eve", "innocent");
    for _ in 0..2 {
        breaks_with(&mut stage, &[], &[]);
        assert_eq!(stage.sent(), ["poison", "after it", "innocent"]);
    }
    breaks_with(&mut stage, &[], &[]);
    assert_eq!(stage.deliveries("bob"), [FAILED, SENDING]);
    assert_eq!(stage.sent(), ["after it", "innocent"]);
    // Those behind it have had no attempt of their own so far.
    for _ in 0..2 {
        breaks_with(&mut stage, &[], &[]);
        assert_eq!(stage.deliveries("bob"), [FAILED, SENDING]);
    }
    stage.answers_fences();
    assert_eq!(stage.deliveries("bob"), [FAILED, SENT]);
    assert_eq!(stage.deliveries("eve"), [SENT]);
    // A person may try it again, with a count of its own.
    let item = stage.timeline("bob")[0].id;
    stage
        .asks(Command::RetryMessage { item })
        .expect("accepted");
    breaks_with(&mut stage, &[">after it"], &[">innocent"]);
    assert_eq!(stage.texts("bob"), ["after it", "poison"]);
    assert_eq!(stage.deliveries("bob"), [SENT, SENDING]);
    stage.has_told_everything();
}

#[test]
fn a_message_that_gets_through_bit_by_bit_fails_nothing() {
    // Each connection carries one message and breaks.
    let mut stage = Stage::online(everyone());
    let texts: Vec<String> = (0..12).map(|n| format!("m{n}")).collect();
    for text in &texts {
        stage.says("bob", text);
    }
    for arrived in 1..=texts.len() {
        let history: Vec<String> = texts[..arrived].iter().map(|t| format!(">{t}")).collect();
        let history: Vec<&str> = history.iter().map(String::as_str).collect();
        breaks_with(&mut stage, &history, &[]);
    }
    assert_eq!(stage.deliveries("bob"), [SENT; 12]);
    assert_eq!(stage.texts("bob"), texts);
}

#[test]
fn what_is_longer_than_the_server_takes_is_told_as_such_and_stops_nothing() {
    let mut stage = Stage::online(everyone());
    stage.wire.lock().expect("the wire").longest = Some(10);
    stage.says("bob", "much too long for it");
    stage.says("bob", "short");
    assert_eq!(stage.sent(), ["short"]);
    stage.answers_fences();
    let items = stage.timeline("bob");
    assert_eq!((items[0].delivery, items[1].delivery), (FAILED, SENT));
    assert_eq!(items[0].refusal, Some(SendRefusal::TooLarge));
    // On another server of that name it may fit.
    stage.wire.lock().expect("the wire").longest = None;
    let item = items[0].id;
    stage
        .asks(Command::RetryMessage { item })
        .expect("accepted");
    assert_eq!(stage.sent(), ["short", "much too long for it"]);
    assert_eq!(stage.timeline("bob")[0].refusal, None);
    stage.has_told_everything();
}

#[test]
fn users_left_out_and_entries_that_cannot_be_read_are_findings() {
    let mut stage = Stage::online(everyone());
    let limit = crate::roster::LIMIT;
    let crowd = (0..limit + 10).map(|n| user(&format!("u{n}"), &[]));
    let users = Users {
        entries: everyone().into_iter().chain(crowd).collect(),
        unreadable: 7,
    };
    stage.hears(vec![
        LinkEvent::Server(parlour_protocol::ServerEvent::Users(users)),
        LinkEvent::Unreadable("session"),
        LinkEvent::Server(parlour_protocol::ServerEvent::UserConnected(user("", &[]))),
    ]);
    stage.passes(Duration::from_secs(2));
    let report = stage.engine.snapshot().compatibility.expect("a report");
    let number = |code| {
        let finding = report.findings.iter().find(|finding| finding.code == code);
        finding.map(|f| (f.verdict, f.number)).expect("a finding")
    };
    let yes = |n| (Verdict::Yes, Some(n));
    assert_eq!(number(FindingCode::UsersLeftOut), yes(12));
    assert_eq!(number(FindingCode::UnreadableEntries), yes(7));
    assert_eq!(number(FindingCode::UnreadableEvents), yes(1));
    assert_eq!(number(FindingCode::ImpossibleIds), yes(1));
    stage.has_told_everything();
}

#[test]
fn what_was_tried_again_went_behind_what_it_stands_before() {
    let mut stage = Stage::online(everyone());
    stage.wire.lock().expect("the wire").longest = Some(5);
    stage.says("bob", "too long");
    stage.wire.lock().expect("the wire").longest = None;
    stage.says("bob", "second");
    let item = stage.timeline("bob")[0].id;
    stage
        .asks(Command::RetryMessage { item })
        .expect("accepted");
    assert_eq!(stage.sent(), ["second", "too long"]);
    // The connection carried the first of them.
    breaks_with(&mut stage, &[">second"], &[]);
    assert_eq!(stage.sent(), ["too long"], "the other is not doubled");
    stage.answers_fences();
    assert_eq!(stage.texts("bob"), ["second", "too long"]);
    assert_eq!(stage.deliveries("bob"), [SENT, SENT]);
    stage.has_told_everything();
}

#[test]
fn a_bad_network_fails_no_message() {
    let mut stage = Stage::online(everyone());
    stage.says("bob", "patient");
    for _ in 0..10 {
        // Nothing comes any more, which takes a while to notice.
        stage.passes(Duration::from_secs(15));
        breaks_with(&mut stage, &[], &[]);
        assert_eq!(stage.sent(), ["patient"]);
    }
    stage.answers_fences();
    assert_eq!(stage.deliveries("bob"), [SENT]);
}
