//! A server that speaks pm: every message arrives once, whatever breaks.

use parlour_protocol::{
    ServerEvent,
    pm::{Bye, Code, MessageId, Read, Receipt, Received},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use super::{
    pm_server::{BEGINNING, PmServer, bob_with_unread, refusal},
    stage::{Stage, everyone, list, session, user},
};
use crate::{
    Command, SessionView,
    ports::{Answered, LinkEvent, Notice, Question},
    view::{Delivery, FailureCode, SendRefusal},
};

const SENT: Option<Delivery> = Some(Delivery::Sent);
const SENDING: Option<Delivery> = Some(Delivery::Sending);
const QUEUED: Option<Delivery> = Some(Delivery::Queued);

/// The ids and texts of the messages that wait for an answer.
fn asked(stage: &Stage) -> Vec<(MessageId, String)> {
    let wire = stage.wire.lock().expect("the wire");
    let message = |question: &Question| match question {
        Question::Message(message) => Some((message.id.expect("an id"), message.content.clone())),
        Question::Sync(_) | Question::Users(_) => None,
    };
    wire.asked.iter().filter_map(|(_, q)| message(q)).collect()
}

fn told(stage: &Stage) -> Vec<Notice> {
    std::mem::take(&mut stage.wire.lock().expect("the wire").told)
}

/// The connection breaks, and the server lets us in again.
fn comes_back(server: &mut PmServer, stage: &mut Stage) {
    stage.reconnects();
    server.lets_in(stage);
}

/// What a person sees is what the server has, in its order.
fn agrees(server: &PmServer, stage: &mut Stage, peer: &str) {
    assert_eq!(stage.texts(peer), server.texts(peer));
    stage.has_told_everything();
}

#[test]
fn a_message_is_sent_when_the_server_says_so() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    stage.says("bob", "hello");
    assert_eq!(stage.deliveries("bob"), [SENDING]);
    assert!(stage.wire.lock().expect("the wire").fences.is_empty());
    server.answers(&mut stage);
    let item = stage.timeline("bob").remove(0);
    assert_eq!((item.delivery, item.at), (SENT, Some(BEGINNING + 1)));
    assert_eq!(
        told(&stage),
        [Notice::Received(Received { up_to: 1 })],
        "only once it is stored"
    );
    agrees(&server, &mut stage, "bob");
}

#[test]
fn what_has_no_answer_is_sent_again_under_its_id() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    for _ in 0..3 {
        stage.says("bob", "ok");
    }
    let before = asked(&stage);
    // It took two of them, and its answers are lost.
    stage.wire.lock().expect("the wire").asked.truncate(2);
    server.handles(&stage);
    stage.reconnects();
    stage.hears(vec![server.session(), list(everyone())]);
    assert_eq!(
        stage.deliveries("bob"),
        [SENDING; 3],
        "not said before it is known"
    );
    let page = server.handles(&stage);
    stage.hears(page);
    assert_eq!(stage.deliveries("bob"), [SENT, SENT, SENDING]);
    assert_eq!(asked(&stage), before[2..]);
    server.answers(&mut stage);
    assert_eq!(stage.deliveries("bob"), [SENT; 3]);
    agrees(&server, &mut stage, "bob");
}

#[test]
fn a_repeat_is_as_good_as_the_first() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    stage.says("bob", "ok");
    let again = stage.wire.lock().expect("the wire").asked.clone();
    server.handles(&stage);
    // No answer that can be read.
    stage.hears(vec![LinkEvent::Answered {
        number: again[0].0,
        answer: Answered::Nothing,
    }]);
    assert_eq!(stage.deliveries("bob"), [QUEUED]);
    stage.waits();
    server.answers(&mut stage);
    assert_eq!(stage.deliveries("bob"), [SENT]);
    agrees(&server, &mut stage, "bob");
    assert_eq!(server.inbox.len(), 1);
}

#[test]
fn a_refusal_for_now_keeps_the_order() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    for n in 0..20 {
        stage.says("bob", &n.to_string());
    }
    let first = asked(&stage);
    assert_eq!(first.len(), 16, "the window");
    server.refusals = vec![refusal(Code::RateLimited); 16];
    server.answers(&mut stage);
    assert_eq!(stage.deliveries("bob"), [QUEUED; 20]);
    assert_eq!(asked(&stage), [], "nothing overtakes");
    stage.says("me", "x");
    stage.waits();
    assert_eq!(asked(&stage), first, "the same ids in the same order");
    server.answers(&mut stage);
    assert_eq!(stage.deliveries("bob"), [SENT; 20]);
    agrees(&server, &mut stage, "bob");
}

#[test]
fn a_refusal_for_good_is_said_and_can_be_tried_again() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    server.refusals = vec![refusal(Code::UnknownRecipient)];
    stage.says("bob", "one");
    stage.says("bob", "two");
    let uid = asked(&stage)[0].0;
    server.answers(&mut stage);
    assert_eq!(stage.deliveries("bob"), [Some(Delivery::Failed), SENT]);
    let item = stage.timeline("bob").remove(0);
    assert_eq!(item.refusal, Some(SendRefusal::UnknownRecipient));
    let item = item.id;
    stage
        .asks(Command::RetryMessage { item })
        .expect("accepted");
    assert_eq!(asked(&stage), [(uid, "one".into())]);
    assert_eq!(stage.timeline("bob")[0].refusal, None);
    server.answers(&mut stage);
    assert_eq!(stage.deliveries("bob"), [SENT; 2]);
    assert_eq!(stage.texts("bob"), ["two", "one"], "in the server's order");
    agrees(&server, &mut stage, "bob");
}

#[test]
fn the_servers_order_is_shown_whatever_comes_first() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    stage.says("bob", "mine 1");
    stage.says("bob", "mine 2");
    stage.says("bob", "mine 3");
    let waiting = std::mem::take(&mut stage.wire.lock().expect("the wire").asked);
    // Bob's comes before ours there, and between them.
    let first = server.says("bob", "me", "theirs 1");
    stage.hears(vec![first]);
    assert_eq!(
        stage.texts("bob"),
        ["theirs 1", "mine 1", "mine 2", "mine 3"],
        "what is not there yet comes last"
    );
    stage.wire.lock().expect("the wire").asked = waiting[..1].to_vec();
    let taken = server.handles(&stage);
    let second = server.says("bob", "me", "theirs 2");
    stage.wire.lock().expect("the wire").asked = waiting[1..].to_vec();
    // The answer comes after what stands behind it.
    stage.hears(vec![second]);
    stage.hears(taken);
    server.answers(&mut stage);
    assert_eq!(
        stage.texts("bob"),
        ["theirs 1", "mine 1", "theirs 2", "mine 2", "mine 3"]
    );
    agrees(&server, &mut stage, "bob");
}

#[test]
fn another_device_of_ours_and_a_gap() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    let lost = server.says("bob", "me", "not heard");
    let heard = server.says("me", "bob", "from the other device");
    stage.hears(vec![heard.clone()]);
    assert_eq!(
        stage.texts("bob"),
        [""; 0],
        "a hint, of which the truth is asked"
    );
    stage.waits();
    server.answers(&mut stage);
    assert_eq!(stage.deliveries("bob"), [None, SENT]);
    stage.hears(vec![lost, heard]);
    agrees(&server, &mut stage, "bob");
    assert_eq!(stage.entry("bob").expect("an entry").unread, 1);
}

#[test]
fn what_was_missed_comes_in_pages_before_we_are_online() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    stage.breaks();
    for n in 0..950 {
        let (from, to) = if n % 3 == 0 {
            ("me", "bob")
        } else {
            ("bob", "me")
        };
        server.says(from, to, ["ok", "yes"][n % 2]);
    }
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    stage.hears(vec![server.session(), list(everyone())]);
    // Live news on the way.
    let news = server.says("bob", "me", "news");
    stage.hears(vec![news]);
    assert!(matches!(
        stage.engine.session.view(std::time::Instant::now()),
        SessionView::CatchingUp { .. }
    ));
    server.answers(&mut stage);
    assert!(stage.engine.session.is_online());
    let account = stage.engine.account.clone().expect("an account").id;
    let bob = "bob".into();
    let all = stage.engine.store.conversation(account, &bob).expect("all");
    let shown: Vec<String> = all.into_iter().map(|m| m.content).collect();
    assert_eq!(shown, server.texts("bob"));
    stage.has_told_everything();
}

#[test]
fn a_server_whose_numbers_begin_anew_costs_and_doubles_nothing() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    for n in 0..6 {
        stage.says("bob", ["ok", "no"][n % 2]);
        let live = server.says("bob", "me", "ok");
        server.answers(&mut stage);
        stage.hears(vec![live]);
    }
    server.answers(&mut stage);
    stage.waits();
    server.answers(&mut stage);
    agrees(&server, &mut stage, "bob");
    let before = stage.texts("bob");
    // Restored from a copy that lacks the end; meanwhile somebody wrote.
    server.epoch = Uuid::from_u128(2);
    server.inbox.truncate(7);
    stage.breaks();
    server.says("bob", "me", "ok");
    stage.says("bob", "new");
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    server.page = 3;
    server.lets_in(&mut stage);
    server.answers(&mut stage);
    let mut expected = before;
    expected.extend(["ok".into(), "new".into()]);
    assert_eq!(stage.texts("bob"), expected, "absence is not deletion");
    stage.has_told_everything();
    comes_back(&mut server, &mut stage);
    assert_eq!(stage.texts("bob"), expected);
}

#[test]
fn what_was_there_before_pm_is_matched_once() {
    // A server of the release before: no ids, no numbers.
    let mut stage = Stage::online(everyone());
    let history = [">ok", "<ok", ">ok", "<hm", ">ok", "<ok"];
    stage.reconnects();
    stage.hears(vec![
        session("me"),
        list(vec![user("me", &[]), user("bob", &history)]),
    ]);
    stage.says("bob", "ok");
    stage.says("bob", "arrived not");
    stage.breaks();
    stage.says("bob", "waiting");
    // The same server with pm: it kept all, gave ids of its own, and took one of
    // the two that were in flight.
    let mut server = PmServer::new();
    server.page = 2;
    for line in history.iter().chain(&[">ok"]) {
        let (from, to) = match line.starts_with('>') {
            true => ("me", "bob"),
            false => ("bob", "me"),
        };
        server.says(from, to, &line[1..]);
    }
    server.says("bob", "me", "ok");
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    server.lets_in(&mut stage);
    server.answers(&mut stage);
    let expected = [
        "ok",
        "ok",
        "ok",
        "hm",
        "ok",
        "ok",
        "ok",
        "ok",
        "arrived not",
        "waiting",
    ];
    assert_eq!(stage.texts("bob"), expected);
    agrees(&server, &mut stage, "bob");
    // Once: the same words are new words from now on.
    comes_back(&mut server, &mut stage);
    let live = server.says("bob", "me", "hm");
    stage.hears(vec![live]);
    agrees(&server, &mut stage, "bob");
}

#[test]
fn what_the_server_never_claimed_is_not_claimed_later() {
    let mut stage = Stage::online(everyone());
    stage.reconnects();
    stage.hears(vec![
        session("me"),
        list(vec![user("me", &[]), user("bob", &["<ok", "<ok"])]),
    ]);
    stage.breaks();
    let mut server = PmServer::new();
    server.says("bob", "me", "hello");
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    server.lets_in(&mut stage);
    assert_eq!(stage.texts("bob"), ["ok", "ok", "hello"]);
    server.epoch = Uuid::from_u128(2);
    stage.breaks();
    server.says("bob", "me", "ok");
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    server.lets_in(&mut stage);
    assert_eq!(stage.texts("bob"), ["ok", "ok", "hello", "ok"]);
}

#[test]
fn hundreds_of_the_same_words_through_many_breaks() {
    for seed in 0..10 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut server = PmServer::new();
        server.page = 7;
        let mut stage = server.welcomes();
        let mut said = 0;
        let mut heard: Vec<LinkEvent> = Vec::new();
        for _ in 0..400 {
            match random.random_range(0..10) {
                0..4 => {
                    stage.says("bob", ["ok", "yes", "no"][said % 3]);
                    said += 1;
                }
                4..6 => heard.push(server.says("bob", "me", "ok")),
                6 => heard.extend(server.handles(&stage)),
                7 => stage.hears(std::mem::take(&mut heard)),
                8 => {
                    server.refusals = vec![refusal(Code::ServerBusy); random.random_range(0..3)];
                    stage.waits();
                }
                _ => {
                    // What it had taken and said is lost with the connection.
                    server.handles(&stage);
                    heard.clear();
                    server.refusals.clear();
                    comes_back(&mut server, &mut stage);
                }
            }
        }
        server.refusals.clear();
        stage.hears(heard);
        for _ in 0..3 {
            stage.waits();
            server.answers(&mut stage);
        }
        let account = stage.engine.account.clone().expect("an account").id;
        let all = stage.engine.store.conversation(account, &"bob".into());
        let all = all.expect("all");
        let shown: Vec<String> = all.iter().map(|m| m.content.clone()).collect();
        assert_eq!(shown, server.texts("bob"), "seed {seed}");
        let mine = all.iter().filter(|m| m.mine).count();
        assert_eq!(mine, said, "none lost, none doubled; seed {seed}");
        assert!(all.iter().all(|m| !m.mine || m.delivery == SENT));
        stage.has_told_everything();
    }
}

#[test]
fn a_full_disk_moves_no_cursor() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    stage.engine.store.fill_up();
    let live = server.says("bob", "me", &"x".repeat(60_000));
    stage.hears(vec![live]);
    assert!(!stage.engine.session.is_online());
    assert_eq!(told(&stage), []);
    assert_eq!(stage.texts("bob"), [""; 0]);
    stage.engine.store.make_room();
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    server.lets_in(&mut stage);
    assert_eq!(told(&stage), [Notice::Received(Received { up_to: 1 })]);
    agrees(&server, &mut stage, "bob");
}

#[test]
fn what_is_read_is_told_and_learned() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    let live = vec![
        server.says("bob", "me", "one"),
        server.says("bob", "me", "two"),
    ];
    stage.hears(live);
    let unread = |stage: &Stage| stage.entry("bob").expect("an entry").unread;
    assert_eq!(unread(&stage), 2);
    let own = |own, read| {
        LinkEvent::Server(ServerEvent::Receipt(Receipt {
            peer: "bob".into(),
            received: None,
            read: Some(read),
            own,
        }))
    };
    stage.hears(vec![own(false, 2)]);
    assert_eq!(unread(&stage), 2, "that is how far Bob got");
    stage.hears(vec![own(true, 1)]);
    assert_eq!(unread(&stage), 1);
    stage
        .asks(Command::MarkRead { user: "bob".into() })
        .expect("accepted");
    let read = |up_to| {
        Notice::Read(Read {
            peer: "bob".into(),
            up_to,
        })
    };
    assert!(told(&stage).contains(&read(2)));
    stage.has_told_everything();
    // Read while there was no connection.
    let live = server.says("bob", "me", "three");
    stage.hears(vec![live]);
    stage.breaks();
    stage
        .asks(Command::MarkRead { user: "bob".into() })
        .expect("accepted");
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    stage.hears(vec![
        server.session(),
        list(vec![user("me", &[]), bob_with_unread(1)]),
    ]);
    server.answers(&mut stage);
    assert!(told(&stage).contains(&read(3)));
}

fn bye(reason: &str, retry_after_ms: Option<u64>) -> LinkEvent {
    LinkEvent::Server(ServerEvent::Bye(Bye {
        reason: reason.into(),
        retry_after_ms,
    }))
}

#[test]
fn a_restart_is_no_drama_and_a_session_that_ended_has_ended() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    stage.hears(vec![bye("restart", Some(2_000))]);
    stage.breaks();
    let SessionView::Waiting {
        reason,
        retry_in_ms,
        ..
    } = stage.engine.session.view(std::time::Instant::now())
    else {
        panic!("it waits");
    };
    assert_eq!(reason.code, FailureCode::ServerRestarting);
    assert!((1_900..5_000).contains(&retry_in_ms), "{retry_in_ms}");
    for (word, code) in [
        ("signed_out", FailureCode::SessionForgotten),
        ("banned", FailureCode::SignInRefused),
    ] {
        let mut stage = server.welcomes();
        stage.says("bob", "kept");
        stage.hears(vec![bye(word, None)]);
        let SessionView::SignedOut { reason, .. } =
            stage.engine.session.view(std::time::Instant::now())
        else {
            panic!("signed out");
        };
        assert_eq!(reason.map(|reason| reason.code), Some(code));
        stage.has_told_everything();
    }
}

#[test]
fn signing_out_tells_the_server() {
    let mut stage = PmServer::new().welcomes();
    stage.asks(Command::SignOut).expect("accepted");
    assert_eq!(told(&stage), [Notice::Logout]);
}

#[test]
fn a_page_of_lies_ends_the_connection() {
    let mut server = PmServer::new();
    server.says("bob", "me", "hello");
    let mut stage = Stage::new();
    stage.signs_in();
    stage.opens();
    stage.hears(vec![server.session(), list(everyone())]);
    server.epoch = Uuid::from_u128(7);
    server.answers(&mut stage);
    assert!(matches!(
        stage.engine.session.view(std::time::Instant::now()),
        SessionView::Waiting { reason, .. } if reason.code == FailureCode::ProtocolError
    ));
    assert_eq!(stage.texts("bob"), [""; 0]);
}
