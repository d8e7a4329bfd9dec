//! A message that breaks connections, and servers that break by themselves.

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    pm_server::PmServer,
    stage::{Stage, everyone, list},
};
use crate::{
    Command,
    ports::{LinkEvent, Question},
    view::Delivery,
};

const SENT: Option<Delivery> = Some(Delivery::Sent);
const FAILED: Option<Delivery> = Some(Delivery::Failed);

/// What waits for an answer.
fn asked(stage: &Stage) -> Vec<String> {
    let wire = stage.wire.lock().expect("the wire");
    let message = |question: &Question| match question {
        Question::Message(message) => Some(message.content.clone()),
        _ => None,
    };
    wire.asked.iter().filter_map(|(_, q)| message(q)).collect()
}

/// The connection breaks, and on the next one we catch up; no message is answered.
fn falls(server: &mut PmServer, stage: &mut Stage) {
    stage.reconnects();
    stage.hears(vec![server.session(), list(everyone())]);
    let page = server.handles(stage);
    stage.hears(page);
    assert!(stage.engine.session.is_online());
}

#[test]
fn poison_is_sought_out_and_fails_after_three_tries_of_its_own() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    for text in ["poison", "harmless", "harmless too"] {
        stage.says("bob", text);
    }
    stage.says("me", "note");
    assert_eq!(asked(&stage).len(), 4);
    falls(&mut server, &mut stage);
    assert_eq!(asked(&stage), ["poison"], "alone");
    falls(&mut server, &mut stage);
    assert_eq!(asked(&stage), ["note"], "only its own conversation waits");
    server.answers(&mut stage);
    for _ in 0..3 {
        assert_eq!(asked(&stage), [""; 0]);
        stage.waits();
        assert_eq!(asked(&stage), ["poison"], "once the connection is calm");
        falls(&mut server, &mut stage);
    }
    assert_eq!(asked(&stage), ["harmless", "harmless too"]);
    server.answers(&mut stage);
    assert_eq!(stage.deliveries("bob"), [FAILED, SENT, SENT]);
    assert_eq!(stage.deliveries("me"), [SENT]);
    stage.has_told_everything();
    // A person may try it again, from the beginning.
    let item = stage.timeline("bob")[0].id;
    stage
        .asks(Command::RetryMessage { item })
        .expect("accepted");
    for _ in 0..5 {
        stage.waits();
        assert_eq!(asked(&stage), ["poison"]);
        falls(&mut server, &mut stage);
    }
    assert_eq!(asked(&stage), [""; 0]);
    assert_eq!(stage.deliveries("bob"), [FAILED, SENT, SENT]);
}

#[test]
fn what_arrived_before_the_connection_broke_is_no_poison() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    stage.says("bob", "innocent");
    for _ in 0..2 {
        falls(&mut server, &mut stage);
    }
    stage.waits();
    // It was taken this time; only its answer was lost.
    server.handles(&stage);
    falls(&mut server, &mut stage);
    assert_eq!(stage.deliveries("bob"), [SENT]);
}

#[test]
fn an_announced_end_is_nobodys_fault() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    stage.says("bob", "innocent");
    for _ in 0..10 {
        stage.hears(vec![LinkEvent::Server(parlour_protocol::ServerEvent::Bye(
            parlour_protocol::pm::Bye {
                reason: "restart".into(),
                retry_after_ms: Some(0),
            },
        ))]);
        falls(&mut server, &mut stage);
        stage.waits();
        assert_eq!(asked(&stage), ["innocent"]);
    }
    server.answers(&mut stage);
    assert_eq!(stage.deliveries("bob"), [SENT]);
}

#[test]
fn a_server_that_is_killed_a_hundred_times_fails_no_message() {
    for seed in 0..5 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut server = PmServer::new();
        let mut stage = server.welcomes();
        let mut said = 0;
        for _ in 0..100 {
            for _ in 0..random.random_range(0..4) {
                stage.says(["bob", "me"][random.random_range(0..2)], "ok");
                said += 1;
            }
            match random.random_range(0..4) {
                // It falls at once, whatever is on its way.
                0 | 1 => {}
                // It took what came, and falls before it can say so.
                2 => drop(server.handles(&stage)),
                _ => server.answers(&mut stage),
            }
            falls(&mut server, &mut stage);
            let all = [stage.deliveries("bob"), stage.deliveries("me")].concat();
            assert!(!all.contains(&FAILED), "seed {seed}");
        }
        for _ in 0..3 {
            stage.waits();
            server.answers(&mut stage);
        }
        let unsent = |peer| {
            let all = stage.deliveries(peer);
            all.into_iter().filter(|delivery| *delivery != SENT).count()
        };
        assert_eq!((unsent("bob"), unsent("me")), (0, 0), "seed {seed}");
        assert_eq!(server.inbox.len(), said, "none lost, none doubled");
    }
}
