//! More people than one list has room for, and people who are writing.

use std::time::Duration;

use parlour_protocol::{
    ServerEvent, UserEntry,
    pm::{Typing, TypingFrom},
};

use super::{
    pm_server::PmServer,
    stage::{Stage, list, user},
};
use crate::{
    ClientEvent, Command,
    ports::{LinkEvent, Notice, Question},
    view::Presence,
};

/// A server with this many people besides us; `users` has the first 5,000 of them.
fn crowded(count: usize) -> PmServer {
    let mut server = PmServer::new();
    let guest = |n: usize| UserEntry {
        messages: Some(Vec::new()),
        ..user(&format!("guest {n:05}"), &[])
    };
    server.people = (0..count).map(guest).collect();
    server.people.push(user("me", &[]));
    server
}

fn first_list(server: &PmServer) -> LinkEvent {
    let mut first: Vec<UserEntry> = server.people.iter().take(4_999).cloned().collect();
    first.push(user("me", &[]));
    list(first)
}

/// Lets us in with a list that is cut, and answers nothing but the sync.
fn lets_in(server: &mut PmServer, stage: &mut Stage) {
    stage.hears(vec![server.session(), first_list(server)]);
    let page = server.handles(stage);
    stage.hears(page);
    assert!(stage.engine.session.is_online());
}

/// Where the pages are to go on.
fn asked_after(stage: &Stage) -> Vec<Option<String>> {
    let wire = stage.wire.lock().expect("the wire");
    let after = |question: &Question| match question {
        Question::Users(request) => Some(request.after.clone()),
        _ => None,
    };
    wire.asked.iter().filter_map(|(_, q)| after(q)).collect()
}

fn everybody(stage: &Stage) -> usize {
    stage.engine.snapshot().roster.len()
}

#[test]
fn those_whom_the_list_left_out_come_in_pages_also_after_a_break() {
    let mut server = crowded(5_700);
    let mut stage = Stage::new();
    stage.signs_in();
    stage.opens();
    lets_in(&mut server, &mut stage);
    assert_eq!(everybody(&stage), 5_000);
    assert_eq!(asked_after(&stage), [None]);
    for _ in 0..3 {
        let page = server.handles(&stage);
        stage.hears(page);
    }
    let there = Some("guest 00599".to_owned());
    assert_eq!(asked_after(&stage), std::slice::from_ref(&there));

    stage.reconnects();
    lets_in(&mut server, &mut stage);
    assert_eq!(asked_after(&stage), [there], "it goes on where it was");
    server.answers(&mut stage);
    assert_eq!(everybody(&stage), 5_701);
    stage.has_told_everything();

    // On the next connection somebody is not there any more, and somebody came.
    server.people.remove(5_500);
    stage.reconnects();
    lets_in(&mut server, &mut stage);
    assert_eq!(
        everybody(&stage),
        5_701,
        "nobody is gone for not being listed"
    );
    assert_eq!(asked_after(&stage), [None]);
    let late = LinkEvent::Server(ServerEvent::UserConnected(user("guest 05500 b", &[])));
    stage.hears(vec![late]);
    server.people.push(user("zoe", &[]));
    server.answers(&mut stage);
    assert_eq!(everybody(&stage), 5_702);
    assert!(stage.entry("guest 05500").is_none());
    let zoe = stage.entry("zoe").expect("the last of all");
    assert_eq!(zoe.presence, Presence::Online);
    stage.has_told_everything();
    assert_eq!(asked_after(&stage), []);
}

#[test]
fn pages_without_an_end_come_to_one() {
    let mut server = crowded(5_100);
    let mut stage = Stage::new();
    stage.signs_in();
    stage.opens();
    lets_in(&mut server, &mut stage);
    // The same page again and again.
    for _ in 0..3 {
        let Some((number, _)) = stage.wire.lock().expect("the wire").asked.pop() else {
            break;
        };
        let page = parlour_protocol::pm::UsersPage {
            users: vec![user("guest 00001", &[])],
            next: Some("guest 00001".into()),
        };
        stage.hears(vec![LinkEvent::Answered {
            number,
            answer: crate::ports::Answered::Users(parlour_protocol::pm::Reply::Yes(page)),
        }]);
    }
    assert_eq!(asked_after(&stage), []);
    assert_eq!(everybody(&stage), 5_000, "and nobody is gone by that");
}

#[test]
fn that_somebody_writes_is_told_and_heard_once_in_a_while() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    let told = |stage: &Stage| {
        let mut told = std::mem::take(&mut stage.wire.lock().expect("the wire").told);
        told.retain(|notice| matches!(notice, Notice::Typing(_)));
        told
    };
    let type_to = |stage: &mut Stage, to: &str| {
        stage
            .asks(Command::Typing { to: to.into() })
            .expect("accepted");
    };
    let to_bob = Notice::Typing(Typing { to: "bob".into() });
    for whom in ["bob", "bob", "me", "nobody"] {
        type_to(&mut stage, whom);
    }
    assert_eq!(told(&stage), std::slice::from_ref(&to_bob));
    stage.passes(Duration::from_secs(3));
    type_to(&mut stage, "bob");
    assert_eq!(told(&stage), [to_bob]);
    stage.breaks();
    stage.passes(Duration::from_secs(3));
    type_to(&mut stage, "bob");
    assert_eq!(told(&stage), [], "nobody is there to be told");

    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    server.lets_in(&mut stage);
    let from =
        |user: &str| LinkEvent::Server(ServerEvent::Typing(TypingFrom { from: user.into() }));
    stage.events();
    stage.hears(vec![from("bob"), from("bob"), from("nobody"), from("me")]);
    stage.hears(vec![from("bob")]);
    let heard: Vec<ClientEvent> = stage.events();
    let bob = ClientEvent::Typing {
        user: "bob".into(),
        for_ms: 6_000,
    };
    assert_eq!(heard, [bob]);
}
