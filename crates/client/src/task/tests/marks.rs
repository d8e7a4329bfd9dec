//! Receipts, what is unread on several devices, and drafts.

use parlour_protocol::{
    ServerEvent, UserEntry,
    pm::{Receipt, Summary},
};
use uuid::Uuid;

use super::{
    pm_server::PmServer,
    stage::{Stage, everyone, list, session, user},
};
use crate::{Command, Presence, RefusalCode, ports::LinkEvent};

fn receipt(received: Option<u64>, read: Option<u64>) -> LinkEvent {
    LinkEvent::Server(ServerEvent::Receipt(Receipt {
        peer: "bob".into(),
        received,
        read,
        own: false,
    }))
}

/// Bob, and what the server says of the conversation with him.
fn bob(summary: Summary) -> UserEntry {
    UserEntry {
        summary: Some(summary),
        ..user("bob", &[])
    }
}

/// The positions up to which Bob received and read.
fn reached(stage: &Stage) -> (Option<i64>, Option<i64>) {
    let entry = stage.entry("bob").expect("an entry");
    (entry.received_up_to, entry.read_up_to)
}

fn position(stage: &Stage, place: usize) -> Option<i64> {
    Some(stage.timeline("bob")[place].position)
}

/// The connection breaks, and the server lets us in with this said of Bob.
fn comes_back(server: &mut PmServer, stage: &mut Stage, summary: Summary) {
    stage.reconnects();
    stage.hears(vec![
        server.session(),
        list(vec![user("me", &[]), bob(summary)]),
    ]);
    server.answers(stage);
}

#[test]
fn how_far_bob_got_is_shown_and_never_goes_back() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    for text in ["one", "two", "three"] {
        stage.says("bob", text);
    }
    server.answers(&mut stage);
    assert_eq!(reached(&stage), (None, None));
    stage.hears(vec![receipt(Some(2), None)]);
    assert_eq!(reached(&stage), (position(&stage, 1), None));
    stage.hears(vec![receipt(Some(3), Some(2)), receipt(Some(1), None)]);
    let (second, third) = (position(&stage, 1), position(&stage, 2));
    assert_eq!(reached(&stage), (third, second));
    stage.has_told_everything();
    // What another client would be told at its start.
    let account = stage.engine.account.clone().expect("an account");
    stage.engine.enter(account).expect("entered again");
    assert_eq!(reached(&stage), (third, second));
    // Said while we were away.
    let read = Summary {
        last_seq: 3,
        received: 3,
        read: 3,
        ..Summary::default()
    };
    comes_back(&mut server, &mut stage, read);
    assert_eq!(reached(&stage), (third, third));
    stage.has_told_everything();
}

#[test]
fn a_restored_server_takes_no_receipt_back() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    for text in ["one", "two", "three"] {
        stage.says("bob", text);
    }
    server.answers(&mut stage);
    stage.hears(vec![receipt(Some(3), Some(3))]);
    let before = reached(&stage);
    server.epoch = Uuid::from_u128(2);
    server.inbox.truncate(1);
    let less = Summary {
        last_seq: 1,
        received: 1,
        ..Summary::default()
    };
    comes_back(&mut server, &mut stage, less);
    assert_eq!(stage.texts("bob").len(), 3);
    assert_eq!(reached(&stage), before);
    stage.says("bob", "four");
    server.answers(&mut stage);
    assert_eq!(reached(&stage), before, "numbers of now, not of then");
    stage.hears(vec![receipt(Some(2), None)]);
    assert_eq!(reached(&stage), (position(&stage, 3), before.1));
    stage.has_told_everything();
}

#[test]
fn a_second_device_begins_with_what_the_first_has_read() {
    let mut server = PmServer::new();
    for n in 0..450 {
        server.says("bob", "me", &n.to_string());
    }
    let mut stage = Stage::new();
    stage.signs_in();
    stage.opens();
    let summary = Summary {
        last_seq: 450,
        unread: 3,
        ..Summary::default()
    };
    stage.hears(vec![
        server.session(),
        list(vec![user("me", &[]), bob(summary)]),
    ]);
    // While the pages come, another one does.
    let live = server.says("bob", "me", "news");
    stage.hears(vec![live]);
    server.answers(&mut stage);
    assert!(stage.engine.session.is_online());
    assert_eq!(stage.entry("bob").expect("an entry").unread, 4);
    stage.has_told_everything();
    // Read elsewhere while we were away.
    let none = Summary {
        last_seq: 451,
        ..Summary::default()
    };
    comes_back(&mut server, &mut stage, none);
    assert_eq!(stage.entry("bob").expect("an entry").unread, 0);
    stage.has_told_everything();
}

#[test]
fn a_draft_is_kept_until_it_is_sent() {
    let mut stage = Stage::online(everyone());
    let save = |content: &str| Command::SaveDraft {
        user: "bob".into(),
        content: content.into(),
    };
    let draft = |stage: &Stage| stage.entry("bob").expect("an entry").draft;
    stage.asks(save(" Dear Bob\n")).expect("accepted");
    assert_eq!(draft(&stage).as_deref(), Some(" Dear Bob\n"));
    assert_eq!(stage.entry("me").expect("an entry").draft, None);
    stage.has_told_everything();
    stage.says("me", "Dear Bob");
    assert!(draft(&stage).is_some(), "that was another conversation");
    stage.says("bob", "Dear");
    assert!(draft(&stage).is_some(), "that was something else");
    stage.says("bob", "Dear Bob");
    assert_eq!(draft(&stage), None);
    stage.has_told_everything();

    stage.asks(save("again")).expect("accepted");
    stage.engine.store.break_writes();
    let failed = stage.asks(Command::SendMessage {
        to: "bob".into(),
        content: "again".into(),
    });
    assert!(failed.is_err());
    stage.engine.store.make_room();
    let account = stage.engine.account.clone().expect("an account");
    stage.engine.enter(account).expect("entered again");
    assert_eq!(draft(&stage).as_deref(), Some("again"), "nothing is lost");
    stage.asks(save("")).expect("accepted");
    assert_eq!(draft(&stage), None);
}

#[test]
fn a_draft_has_a_limit_and_a_person() {
    let mut stage = Stage::online(everyone());
    let mut save = |user: &str, content: String| {
        let user = user.into();
        stage
            .asks(Command::SaveDraft { user, content })
            .map_err(|refusal| refusal.code)
    };
    assert_eq!(save("bob", "x".repeat(64 * 1024)), Ok(()));
    assert_eq!(
        save("bob", "x".repeat(64 * 1024 + 1)),
        Err(RefusalCode::DraftTooLarge)
    );
    assert_eq!(save("eve", "hm".into()), Err(RefusalCode::UnknownUser));
    assert_eq!(save("eve", String::new()), Ok(()));
    let draft = stage.entry("bob").expect("an entry").draft;
    assert_eq!(draft.map(|draft| draft.len()), Some(64 * 1024));
}

#[test]
fn whoever_is_gone_keeps_the_draft_for_them() {
    let mut stage = Stage::online(everyone());
    stage
        .asks(Command::SaveDraft {
            user: "bob".into(),
            content: "still to be said".into(),
        })
        .expect("accepted");
    stage.reconnects();
    stage.hears(vec![session("me"), list(vec![user("me", &[])])]);
    let entry = stage.entry("bob").expect("still there");
    assert_eq!(entry.presence, Presence::Gone);
    assert_eq!(entry.draft.as_deref(), Some("still to be said"));
    stage.has_told_everything();
}
