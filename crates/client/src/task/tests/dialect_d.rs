//! A server after the chat example of socketioxide: it does not list oneself,
//! tells everything to everybody, and one's other sockets nothing.

use std::time::Duration;

use parlour_protocol::{HistoryEntry, ServerEvent, UserEntry};

use super::stage::{Stage, came, list, message, session, user};
use crate::{
    Command, SessionView,
    compatibility::{DialectCode, FindingCode, Verdict},
    ports::LinkEvent,
    view::{Delivery, Failure, FailureCode, Presence},
};

const SENT: Option<Delivery> = Some(Delivery::Sent);
const SENDING: Option<Delivery> = Some(Delivery::Sending);
const UNSURE: Option<Delivery> = Some(Delivery::Unsure);

/// Bob, with whom it says this; and what Bob and Eve said to each other comes along.
fn bob(history: &[&str]) -> UserEntry {
    let mut bob = user("bob", history);
    let between = |from: &str, to: &str| HistoryEntry {
        content: "between others".into(),
        from: from.into(),
        to: to.into(),
    };
    let messages = bob.messages.as_mut().expect("a history");
    messages.insert(0, between("bob", "eve"));
    messages.push(between("eve", "bob"));
    bob
}

fn leaves(user: &str) -> LinkEvent {
    LinkEvent::Server(ServerEvent::UserDisconnected(user.into()))
}

fn finding(stage: &Stage, code: FindingCode) -> (Verdict, Option<u64>) {
    let report = stage.engine.snapshot().compatibility.expect("a report");
    assert_eq!(report.dialect, Some(DialectCode::D));
    let finding = report.findings.iter().find(|finding| finding.code == code);
    finding.map(|f| (f.verdict, f.number)).expect("a finding")
}

#[test]
fn it_is_known_by_what_it_lists() {
    let mut stage = Stage::online(vec![bob(&["<hello"])]);
    assert_eq!(stage.texts("bob"), ["hello"]);
    assert_eq!(stage.entry("me").map(|me| me.is_self), Some(true));
    stage.passes(Duration::from_secs(1));
    let no = (Verdict::No, None);
    assert_eq!(finding(&stage, FindingCode::ListsOneself), no);
    assert_eq!(finding(&stage, FindingCode::EchoesToOwnDevices), no);
    assert_eq!(
        finding(&stage, FindingCode::HistoryOfOthersLeaked),
        (Verdict::Yes, Some(2))
    );
    stage.has_told_everything();
}

#[test]
fn whoever_is_alone_there_learns_it_with_the_next_one() {
    let mut stage = Stage::online(Vec::new());
    stage.says("me", "a note");
    stage.hears(vec![came(bob(&[]))]);
    stage.passes(Duration::from_secs(1));
    assert_eq!(finding(&stage, FindingCode::HistoryKept).0, Verdict::Yes);
    stage.says("bob", "hello");
    assert_eq!(stage.sent(), ["a note", "hello"]);
}

#[test]
fn messages_between_others_are_dropped_counted_and_told() {
    let mut stage = Stage::online(vec![bob(&[]), user("eve", &[])]);
    stage.hears((0..500).map(|_| message("bob", "eve", "psst")).collect());
    assert_eq!(stage.texts("bob"), [""; 0]);
    assert_eq!(stage.texts("eve"), [""; 0]);
    assert_eq!(stage.entry("eve").map(|eve| eve.unread), Some(0));
    stage.passes(Duration::from_secs(2));
    assert_eq!(
        finding(&stage, FindingCode::MessagesBetweenOthers),
        (Verdict::Yes, Some(500))
    );
    stage.has_told_everything();
}

#[test]
fn what_is_between_others_counts_for_nothing_after_a_break() {
    let mut stage = Stage::online(vec![bob(&[])]);
    stage.says("bob", "between others");
    stage.reconnects();
    stage.hears(vec![session("me"), list(vec![bob(&[])])]);
    assert_eq!(stage.deliveries("bob"), [SENDING], "held back");
    // It may have arrived meanwhile, and nothing comes back here: a new list says.
    stage.passes(Duration::from_secs(46));
    assert!(!stage.is_connected());
    stage.opens();
    stage.hears(vec![session("me"), list(vec![bob(&[])])]);
    stage.answers_fences();
    stage.passes(Duration::from_secs(3));
    assert_eq!(stage.sent(), ["between others"]);
    stage.answers_fences();
    stage.reconnects();
    stage.hears(vec![session("me"), list(vec![bob(&[">between others"])])]);
    assert_eq!(stage.deliveries("bob"), [SENT]);
    assert_eq!(stage.texts("bob").len(), 1);
}

#[test]
fn a_note_to_oneself_is_proved_by_its_return() {
    let mut stage = Stage::online(vec![bob(&[])]);
    stage.says("me", "note");
    stage.says("me", "another");
    stage.hears(vec![message("me", "me", "note")]);
    assert_eq!(stage.deliveries("me"), [SENT, SENDING]);
    // No history holds it: after a break nothing can tell.
    stage.reconnects();
    stage.hears(vec![session("me"), list(vec![bob(&[])])]);
    assert_eq!(stage.deliveries("me"), [SENT, UNSURE]);
    assert_eq!(stage.texts("me"), ["note", "another"]);
    stage.has_told_everything();
}

#[test]
fn there_is_no_witness_where_nobody_tells_it_anything() {
    let mut stage = Stage::online_without_fences(vec![bob(&[])]);
    stage.says("bob", "hello");
    stage.says("me", "note");
    assert_eq!(stage.sent(), ["hello", "note"], "nothing is waited for");
    stage.passes(Duration::from_secs(60));
    assert!(!stage.witness_is_called());
    assert_eq!(stage.deliveries("bob"), [SENDING], "the history will tell");
    assert_eq!(stage.deliveries("me"), [UNSURE]);
    stage.hears(vec![message("me", "me", "note")]);
    assert_eq!(stage.deliveries("me"), [SENT], "late is not never");
    stage.reconnects();
    stage.hears(vec![session("me"), list(vec![bob(&[">hello"])])]);
    assert_eq!(stage.deliveries("bob"), [SENT]);
    stage.has_told_everything();
}

#[test]
fn whoever_writes_is_there_though_one_of_their_sockets_left() {
    let mut stage = Stage::online(vec![bob(&[])]);
    let presence = |stage: &Stage| stage.entry("bob").map(|bob| bob.presence);
    stage.hears(vec![leaves("bob")]);
    assert_eq!(presence(&stage), Some(Presence::Offline));
    stage.says("bob", "are you there?");
    assert_eq!(stage.sent(), ["are you there?"], "it is kept for them");
    stage.hears(vec![message("bob", "me", "yes")]);
    assert_eq!(presence(&stage), Some(Presence::Online));
    stage.has_told_everything();
}

#[test]
fn histories_may_be_missing_or_empty() {
    let without = UserEntry {
        messages: None,
        ..user("eve", &[])
    };
    let mut stage = Stage::online(vec![bob(&[]), without.clone()]);
    stage.says("bob", "one");
    stage.says("eve", "two");
    stage.reconnects();
    stage.hears(vec![session("me"), list(vec![bob(&[]), without])]);
    assert_eq!(stage.deliveries("bob"), [SENDING], "an empty one tells");
    assert_eq!(stage.deliveries("eve"), [UNSURE], "a missing one does not");
}

#[test]
fn a_session_that_it_cannot_read_is_one_that_it_does_not_know() {
    let mut stage = Stage::online(vec![bob(&[])]);
    stage.says("bob", "on its way");
    stage.breaks();
    stage.says("bob", "waiting");
    stage.asks(Command::Reconnect).expect("accepted");
    stage.is_refused(Failure {
        code: FailureCode::SignInRefused,
        detail: Some("UUID parsing failed: invalid length at line 1 column 31".into()),
    });
    let SessionView::SignedOut {
        username, reason, ..
    } = stage.engine.snapshot().session
    else {
        panic!("the form");
    };
    assert_eq!(username.as_deref(), Some("Me"), "the name is kept");
    assert_eq!(
        reason.map(|reason| reason.code),
        Some(FailureCode::SessionForgotten)
    );
}

#[test]
fn one_can_write_to_oneself_before_it_lists_anybody() {
    let mut stage = Stage::online(vec![bob(&[])]);
    stage.says("me", "a note");
    stage.restarts();
    assert_eq!(stage.texts("me"), ["a note"], "shown while it is not there");
    stage.says("me", "another");
    stage.opens();
    stage.hears(vec![session("me"), list(vec![bob(&[])])]);
    assert_eq!(stage.texts("me"), ["a note", "another"]);
    stage.has_told_everything();
}
