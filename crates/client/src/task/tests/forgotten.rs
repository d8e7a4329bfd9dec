//! The server does not know us any more: nothing is lost, nothing is sent under
//! another name's id, and a person decides.

use parlour_protocol::{
    INVALID_USERNAME, ServerEvent,
    pm::{Bye, Code},
};

use super::{
    pm_server::PmServer,
    stage::{Stage, everyone, list, plain, session, user},
};
use crate::{
    Command, SessionView,
    ports::{LinkEvent, NoLink},
    view::{Delivery, Failure, FailureCode, Presence},
};

const HELD: Option<Delivery> = Some(Delivery::Held);
const UNSURE: Option<Delivery> = Some(Delivery::Unsure);

fn refusal(code: Option<Code>, text: &str) -> NoLink {
    NoLink {
        reason: Failure {
            code: FailureCode::SignInRefused,
            detail: Some(text.into()),
        },
        code,
        retry_after: None,
    }
}

/// One message was on its way, one waits.
fn with_two_messages() -> Stage {
    let mut stage = Stage::online(everyone());
    stage.says("bob", "on its way");
    stage.breaks();
    stage.says("bob", "waiting");
    stage
}

fn is_at_the_form(stage: &Stage, code: FailureCode) {
    let SessionView::SignedOut {
        username,
        reason,
        server,
        resumable,
    } = stage.engine.snapshot().session
    else {
        panic!("the form");
    };
    assert_eq!(username.as_deref(), Some("Me"), "the name is kept");
    assert_eq!(server.as_deref(), Some("http://127.0.0.1:1"));
    assert_eq!(reason.map(|reason| reason.code), Some(code));
    assert!(!resumable);
}

/// Signs in again, and is somebody else: bob has another id, too.
fn signs_in_anew(stage: &mut Stage) {
    stage.signs_in();
    stage.opens();
    let stranger = parlour_protocol::UserEntry {
        username: "BOB".into(),
        ..user("stranger", &[])
    };
    stage.hears(vec![
        session("me again"),
        list(vec![user("me again", &[]), stranger]),
    ]);
    stage.answers_fences();
}

fn nothing_went_to_the_stranger(stage: &mut Stage) {
    assert_eq!(
        stage.deliveries("bob"),
        [UNSURE, HELD],
        "shown, to be decided"
    );
    assert_eq!(stage.texts("bob"), ["on its way", "waiting"]);
    assert_eq!(stage.texts("stranger"), [""; 0]);
    assert_eq!(stage.sent(), [""; 0]);
    assert_eq!(
        stage.entry("bob").map(|bob| bob.presence),
        Some(Presence::Gone)
    );
    stage.has_told_everything();
    // Another try leads to nobody: it is held again, and sent to no one of that name.
    let waiting = stage.timeline("bob")[1].id;
    let retry = Command::RetryMessage { item: waiting };
    stage.asks(retry).expect("accepted");
    assert_eq!(stage.deliveries("bob"), [UNSURE, HELD]);
    assert_eq!(stage.sent(), [""; 0]);
    for item in stage.timeline("bob") {
        let discard = Command::DiscardMessage { item: item.id };
        stage.asks(discard).expect("accepted");
    }
    assert_eq!(stage.texts("bob"), [""; 0]);
    stage.has_told_everything();
}

#[test]
fn a_server_that_forgot_the_session_gets_nothing_under_a_new_one() {
    for refused in [
        refusal(None, INVALID_USERNAME),
        refusal(Some(Code::SessionExpired), INVALID_USERNAME),
    ] {
        let mut stage = with_two_messages();
        stage.asks(Command::Reconnect).expect("accepted");
        stage.is_refused(refused);
        is_at_the_form(&stage, FailureCode::SessionForgotten);
        signs_in_anew(&mut stage);
        nothing_went_to_the_stranger(&mut stage);
    }
}

#[test]
fn a_server_that_gives_another_identity_for_the_session_gets_nothing() {
    let mut stage = with_two_messages();
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    let stranger = parlour_protocol::UserEntry {
        username: "BOB".into(),
        ..user("stranger", &[])
    };
    stage.hears(vec![
        session("me again"),
        list(vec![user("me again", &[]), stranger]),
    ]);
    nothing_went_to_the_stranger(&mut stage);
}

#[test]
fn a_refusal_that_says_nothing_of_the_session_costs_nothing() {
    let mut stage = with_two_messages();
    stage.asks(Command::Reconnect).expect("accepted");
    stage.is_refused(refusal(None, "members only"));
    assert!(matches!(
        stage.engine.snapshot().session,
        SessionView::SignedOut {
            resumable: true,
            ..
        }
    ));
    stage.asks(Command::Resume).expect("accepted");
    stage.opens();
    stage.hears(vec![session("me"), list(everyone())]);
    assert_eq!(
        stage.deliveries("bob"),
        [Some(Delivery::Sending), Some(Delivery::Queued)],
        "held back, and in order"
    );
}

#[test]
fn a_session_revoked_while_online_ends_at_the_form_with_everything_kept() {
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    stage.says("bob", "on its way");
    let bye = Bye {
        reason: "signed_out".into(),
        retry_after_ms: None,
    };
    stage.hears(vec![LinkEvent::Server(ServerEvent::Bye(bye))]);
    is_at_the_form(&stage, FailureCode::SessionForgotten);
    signs_in_anew(&mut stage);
    assert_eq!(stage.deliveries("bob"), [UNSURE]);
    assert_eq!(stage.sent(), [""; 0]);
    stage.has_told_everything();
}

#[test]
fn what_a_person_is_to_decide_survives_a_restart_of_the_app() {
    let mut stage = with_two_messages();
    stage.asks(Command::Reconnect).expect("accepted");
    stage.is_refused(refusal(None, INVALID_USERNAME));
    signs_in_anew(&mut stage);
    let account = stage.engine.account.clone().expect("an account");
    stage.engine.enter(account).expect("entered");
    stage.engine.settle(Ok(()));
    stage.reconnects();
    stage.hears(vec![session("me again"), list(vec![user("me again", &[])])]);
    assert_eq!(stage.deliveries("bob"), [UNSURE, HELD]);
    let items = stage.timeline("bob");
    for (item, command) in [
        (items[0].id, Command::DiscardMessage { item: items[0].id }),
        (items[1].id, Command::RetryMessage { item: items[1].id }),
    ] {
        assert!(stage.asks(command).is_ok(), "{item:?}");
    }
    assert_eq!(stage.deliveries("bob"), [HELD]);
}

#[test]
fn a_server_that_lost_its_pm_goes_on_with_what_it_has() {
    // The same address, the same session, another program behind it.
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    stage.says("bob", "taken");
    server.answers(&mut stage);
    stage.says("bob", "on its way");
    stage.breaks();
    stage.says("bob", "waiting");
    stage.asks(Command::Reconnect).expect("accepted");
    stage.opens();
    stage.hears(vec![session("me"), list(everyone())]);
    stage.answers_fences();
    assert_eq!(stage.texts("bob"), ["taken", "on its way", "waiting"]);
    let deliveries = stage.deliveries("bob");
    assert_eq!(deliveries[0], Some(Delivery::Sent));
    assert_ne!(deliveries[1], Some(Delivery::Sent), "nothing proves it");
    stage.passes(std::time::Duration::from_secs(60));
    stage.answers_fences();
    assert!(
        stage.sent().len() <= 2 && stage.sent().iter().all(|text| text != "taken"),
        "{:?}",
        stage.sent()
    );
    stage.has_told_everything();

    // Where nothing is kept, what was on its way is for a person to decide.
    let mut server = PmServer::new();
    let mut stage = server.welcomes();
    stage.says("bob", "on its way");
    stage.reconnects();
    stage.hears(vec![session("me"), list(vec![plain("me"), plain("bob")])]);
    stage.answers_fences();
    assert_eq!(stage.deliveries("bob"), [UNSURE]);
    assert_eq!(stage.sent(), [""; 0]);
}
