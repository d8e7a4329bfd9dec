//! The engine, told step by step what a server says: no network, no waits.

mod crowd;
mod dialect_d;
mod forgotten;
mod marks;
mod outgoing;
mod pm;
mod pm_server;
mod poison;
mod proof;
mod schedules;
pub(super) mod stage;
mod views;
mod wake;
mod way;

use parlour_protocol::UserEntry;

use self::stage::{Stage, came, everyone, list, message, plain, session, user};
use super::*;
use crate::{
    Answer, Command, Presence, RefusalCode, SessionView,
    view::{Delivery, FailureCode},
};

#[test]
fn a_dead_connection_proves_nothing_about_what_was_in_flight() {
    let mut stage = Stage::online(vec![plain("me"), plain("bob")]);
    stage.says("bob", "one");
    // Broken, but the engine has not been told.
    stage.wire.lock().expect("the wire").full = true;
    stage.says("bob", "two");
    assert_eq!(
        stage.deliveries("bob"),
        [Some(Delivery::Sending), Some(Delivery::Queued)]
    );
    stage.reconnects();
    stage.hears(vec![session("me"), list(vec![plain("me"), plain("bob")])]);
    assert_eq!(
        stage.deliveries("bob"),
        [Some(Delivery::Unsure), Some(Delivery::Sending)]
    );
    stage.has_told_everything();
}

#[test]
fn what_was_never_written_was_no_attempt() {
    let mut stage = Stage::online(everyone());
    stage.wire.lock().expect("the wire").full = true;
    stage.says("bob", "patient");
    for _ in 0..5 {
        stage.hears(vec![came(user("bob", &[]))]);
    }
    stage.reconnects();
    stage.hears(vec![session("me"), list(everyone())]);
    assert_eq!(stage.sent(), ["patient"]);
    stage.reconnects();
    stage.hears(vec![session("me"), list(everyone())]);
    assert_eq!(
        stage.deliveries("bob"),
        [Some(Delivery::Sending)],
        "one broken connection does not make it a poison"
    );
}

#[test]
fn a_second_list_on_one_connection_puts_nothing_in_doubt() {
    for users in [everyone(), vec![plain("me"), plain("bob")]] {
        let mut stage = Stage::online(users.clone());
        stage.says("bob", "once");
        stage.hears(vec![list(users.clone())]);
        assert_eq!(stage.deliveries("bob"), [Some(Delivery::Sending)]);
        stage.answers_fences();
        assert_eq!(stage.deliveries("bob"), [Some(Delivery::Sent)]);
        assert_eq!(stage.engine.outbox.deadline(), None, "nothing is held back");
        stage.hears(vec![list(users)]);
        assert_eq!(stage.deliveries("bob"), [Some(Delivery::Sent)]);
        stage.has_told_everything();
    }
}

#[test]
fn a_second_list_tells_who_is_there() {
    let mut stage = Stage::online(everyone());
    let away = UserEntry {
        connected: false,
        ..user("bob", &[])
    };
    stage.hears(vec![list(vec![
        user("me", &[]),
        away,
        user("eve", &["<not new"]),
    ])]);
    let presence = |id| stage.entry(id).map(|entry| entry.presence);
    assert_eq!(presence("bob"), Some(Presence::Offline));
    assert_eq!(presence("eve"), Some(Presence::Online));
    stage.has_told_everything();
}

#[test]
fn whoever_wrote_before_the_list_without_being_on_it_is_not_forgotten() {
    let mut stage = Stage::new();
    stage.signs_in();
    stage.opens();
    stage.hears(vec![
        session("me"),
        message("ghost", "me", "boo"),
        list(everyone()),
    ]);
    let ghost = stage.entry("ghost").expect("in the roster");
    assert_eq!((ghost.presence, ghost.unread), (Presence::Gone, 1));
    assert_eq!(stage.texts("ghost"), ["boo"]);
    stage.has_told_everything();
}

#[test]
fn an_echo_that_overtakes_the_list_is_no_second_message() {
    for history in [&[][..], &[">once"][..]] {
        let mut stage = Stage::online(everyone());
        stage.says("bob", "once");
        stage.reconnects();
        stage.hears(vec![
            session("me"),
            message("me", "bob", "once"),
            list(vec![user("me", &[]), user("bob", history)]),
        ]);
        assert_eq!(stage.texts("bob"), ["once"]);
        assert_eq!(stage.deliveries("bob"), [Some(Delivery::Sent)]);
        assert_eq!(stage.engine.outbox.deadline(), None);
        stage.has_told_everything();
    }
}

#[test]
fn a_list_before_the_session_costs_a_known_identity_nothing() {
    let mut stage = Stage::online(everyone());
    stage.breaks();
    stage.says("bob", "waiting");
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    stage.hears(vec![list(everyone()), session("me")]);
    assert_eq!(stage.sent(), ["waiting"]);
    assert_eq!(stage.deliveries("bob"), [Some(Delivery::Sending)]);
    assert_eq!(stage.entry("me").map(|me| me.is_self), Some(true));
}

#[test]
fn a_list_before_the_first_session_is_asked_for_again() {
    let mut stage = Stage::new();
    stage.signs_in();
    stage.opens();
    stage.hears(vec![list(everyone()), session("me")]);
    assert!(matches!(
        stage.engine.session.view(Instant::now()),
        SessionView::Waiting { .. }
    ));
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    stage.hears(vec![list(everyone()), session("me")]);
    assert!(stage.engine.session.is_online());
    assert_eq!(stage.entry("me").map(|me| me.is_self), Some(true));
    stage.has_told_everything();
}

#[test]
fn who_we_are_is_said_once_a_connection() {
    let mut stage = Stage::online(everyone());
    stage.says("bob", "mine");
    stage.hears(vec![session("somebody else"), session("a third")]);
    assert_eq!(stage.texts("bob"), ["mine"]);
    assert_eq!(stage.engine.roster.me(), Some(&"me".into()));
    stage.has_told_everything();
}

#[test]
fn a_disk_that_is_full_shows_nothing_that_is_not_kept() {
    let mut stage = Stage::online(everyone());
    stage.reconnects();
    stage.engine.store.fill_up();
    let long = format!("<{}", "x".repeat(100_000));
    let news = vec![
        user("me", &[]),
        user("bob", &["<hello", &long]),
        user("eve", &[&long]),
    ];
    stage.hears(vec![session("me"), list(news.clone())]);
    assert!(matches!(
        stage.engine.session.view(Instant::now()),
        SessionView::Waiting { reason, .. } if reason.code == FailureCode::StorageFailed
    ));
    assert_eq!(stage.entry("eve"), None);
    assert_eq!(stage.texts("bob"), [""; 0]);
    stage.has_told_everything();

    stage.engine.store.make_room();
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    stage.hears(vec![session("me"), list(news)]);
    assert_eq!(stage.entry("eve").map(|eve| eve.unread), Some(1));
    stage
        .asks(Command::MarkRead { user: "eve".into() })
        .expect("accepted");
    assert_eq!(stage.entry("eve").map(|eve| eve.unread), Some(0));
    stage.has_told_everything();
}

#[test]
fn signing_out_works_on_a_full_disk() {
    let mut stage = Stage::online(everyone());
    stage.engine.store.break_writes();
    // That it could not be noted is said, or not; the identity is gone.
    let _ = stage.asks(Command::SignOut);
    assert!(!stage.engine.session.is_signed_in());
    assert!(stage.engine.account.is_none());
    assert!(stage.engine.snapshot().roster.is_empty());
    stage.has_told_everything();
}

#[test]
fn resuming_twice_is_resuming_once() {
    let mut stage = Stage::online(everyone());
    assert_eq!(stage.asks(Command::Resume), Ok(()));
    assert!(stage.engine.session.is_online());
}

#[test]
fn a_server_cannot_fill_the_memory_with_newcomers() {
    let mut stage = Stage::online(everyone());
    let crowd = |range: std::ops::Range<usize>| range.map(|n| user(&format!("u{n}"), &[]));
    let limit = crate::roster::LIMIT;
    stage.hears(vec![list(crowd(0..limit + 10).collect())]);
    stage.hears(crowd(limit..limit + 100).map(came).collect());
    assert!(stage.engine.snapshot().roster.len() <= limit + 1);
    stage.hears(vec![message("late", "me", "hello")]);
    assert_eq!(stage.texts("late"), ["hello"], "a message is never refused");
}

#[test]
fn ten_thousand_users_take_well_under_a_second() {
    let crowd: Vec<UserEntry> = (0..10_000)
        .map(|n| user(&format!("u{n}"), &["<hello", ">hi"]))
        .collect();
    let mut stage = Stage::online(everyone());
    let start = Instant::now();
    stage.reconnects();
    stage.hears(vec![session("me"), list(crowd.clone())]);
    let first = start.elapsed();
    let start = Instant::now();
    stage.reconnects();
    stage.hears(vec![session("me"), list(crowd)]);
    let again = start.elapsed();
    let account = stage.engine.account.clone().expect("an account");
    let start = Instant::now();
    stage.engine.enter(account).expect("entered");
    stage.engine.publish();
    let enter = start.elapsed();
    // Generous: debug builds on busy machines.
    let whole = first + again + enter;
    assert!(
        whole < Duration::from_secs(20),
        "{first:?} {again:?} {enter:?}"
    );
}

#[test]
fn names_and_texts_are_made_fit_to_be_shown() {
    let mut stage = Stage::online(everyone());
    let named = |id: &str, username: String| UserEntry {
        username,
        ..user(id, &[])
    };
    stage.hears(vec![
        came(named("long", "x".repeat(1_000_000))),
        came(named("odd", "a\u{202E}b\nc\u{200B}d".into())),
        came(named("blank", " \u{200B} ".into())),
        came(named(&"y".repeat(100_000), "Y".into())),
        message("bob", "me", &"é".repeat(1_000_000)),
    ]);
    let name = |id: &str| stage.entry(id).expect("an entry").username;
    assert!(name("long").len() < 200);
    assert_eq!(name("odd"), "abcd");
    assert!(!name("blank").trim().is_empty());
    assert_eq!(stage.engine.snapshot().roster.len(), 5);
    let shown = stage.texts("bob").remove(0);
    assert!(shown.len() < 100_000 && shown.ends_with('…'));

    let text = format!("<{}", "é".repeat(1_000_000));
    stage.reconnects();
    stage.hears(vec![
        session("me"),
        list(vec![user("me", &[]), user("bob", &[&text])]),
    ]);
    assert_eq!(
        stage.texts("bob").len(),
        1,
        "cut in the history as it was live"
    );
}

#[test]
fn a_note_to_oneself_that_comes_back_is_the_same_note() {
    // A server that does not list oneself sends it to the writing socket, too.
    let mut stage = Stage::online(vec![user("bob", &[])]);
    stage.says("me", "note");
    stage.hears(vec![message("me", "me", "note")]);
    assert_eq!(stage.texts("me"), ["note"]);
    stage.answers_fences();
    stage.says("me", "note");
    stage.answers_fences();
    stage.hears(vec![message("me", "me", "note")]);
    assert_eq!(stage.texts("me"), ["note", "note"]);
    assert_eq!(stage.deliveries("me"), [Some(Delivery::Sent); 2]);
    stage.hears(vec![message("me", "me", "from another device")]);
    assert_eq!(stage.texts("me").len(), 3);
    // Others list oneself, and send it to one's other sockets only.
    let mut stage = Stage::online(everyone());
    stage.says("me", "note");
    stage.hears(vec![message("me", "me", "note")]);
    assert_eq!(stage.texts("me"), ["note", "note"]);
}

#[test]
fn a_page_lies_before_a_position_or_behind_it_but_not_both() {
    let mut stage = Stage::online(everyone());
    for text in ["one", "two", "three"] {
        stage.says("bob", text);
    }
    let ask = |before, after| stage.engine.timeline(&"bob".into(), before, after, 1);
    let text = |answer| match answer {
        Ok(Answer::Timeline(page)) => (page.items[0].content.clone(), page.complete),
        other => panic!("no page: {other:?}"),
    };
    assert_eq!(text(ask(None, None)), ("three".to_owned(), false));
    assert_eq!(text(ask(Some(2), None)), ("one".to_owned(), true));
    assert_eq!(text(ask(None, Some(1))), ("two".to_owned(), false));
    assert_eq!(text(ask(None, Some(2))), ("three".to_owned(), true));
    assert_eq!(
        ask(Some(3), Some(1)),
        Err(RefusalCode::InvalidQuery.into()),
        "neither is a guess"
    );
}

#[test]
fn an_attempt_that_a_broken_database_prevents_is_followed_by_another() {
    let mut stage = Stage::online(everyone());
    stage.breaks();
    let break_it = |stage: &Stage, names: [&str; 2]| {
        let [from, to] = names;
        let path = stage.folder().join("parlour.db");
        let file = rusqlite::Connection::open(path).expect("the database");
        let sql = format!("ALTER TABLE accounts RENAME COLUMN {from} TO {to}");
        file.execute_batch(&sql).expect("renamed");
    };
    break_it(&stage, ["epoch", "away"]);
    stage.asks(Command::Reconnect).expect_err("refused");
    let state = |stage: &Stage| stage.engine.snapshot().session;
    assert!(matches!(
        state(&stage),
        SessionView::Waiting { reason, .. } if reason.code == FailureCode::StorageFailed
    ));
    // Still, by itself; and once it is mended, it is an attempt.
    stage.passes(Duration::from_secs(120));
    assert!(matches!(state(&stage), SessionView::Waiting { .. }));
    break_it(&stage, ["away", "epoch"]);
    stage.passes(Duration::from_secs(120));
    assert!(matches!(state(&stage), SessionView::Connecting { .. }));
    assert!(stage.engine.connecting.is_some());
}
