use parlour_protocol::{INVALID_USERNAME, SessionId, pm::Code};
use url::Url;

use super::*;
use crate::{ports::NoLink, view::SessionView};

fn identity() -> Identity {
    Identity {
        options: crate::ServerOptions::default(),
        server: Url::parse("http://127.0.0.1:3000").expect("url"),
        username: "Alice".into(),
        user_id: None,
        session_id: None,
    }
}

fn failure(code: FailureCode) -> Failure {
    Failure { code, detail: None }
}

fn refused(text: &str) -> Input {
    let reason = Failure {
        code: FailureCode::SignInRefused,
        detail: Some(text.into()),
    };
    Input::Failed(reason.into())
}

/// A session and a clock that only moves when told.
struct Story {
    session: Session,
    now: Instant,
}

impl Story {
    fn begins() -> Self {
        Self {
            session: Session::new(None),
            now: Instant::now(),
        }
    }

    fn online() -> Self {
        let mut story = Self::begins();
        story.when(Input::SignIn(identity()));
        story.when(Input::Opened);
        story.when(Input::SessionGiven {
            session_id: SessionId::new("s"),
            user_id: "a".into(),
        });
        story.when(Input::UsersGiven);
        assert!(story.session.is_online());
        story
    }

    fn when(&mut self, input: Input) -> Vec<Effect> {
        self.session.step(input, self.now, 0.0)
    }

    fn after(&mut self, wait: Duration) -> Vec<Effect> {
        self.now += wait;
        self.when(Input::Tick)
    }

    fn view(&self) -> SessionView {
        self.session.view(self.now)
    }

    fn retry_in_ms(&self) -> u64 {
        match self.view() {
            SessionView::Waiting { retry_in_ms, .. } => retry_in_ms,
            other => panic!("{other:?}"),
        }
    }

    fn signed_out_because(&self) -> Option<FailureCode> {
        match self.view() {
            SessionView::SignedOut {
                reason, username, ..
            } => {
                assert_eq!(username.as_deref(), Some("Alice"), "the name is kept");
                reason.map(|reason| reason.code)
            }
            other => panic!("{other:?}"),
        }
    }
}

fn by_name() -> Vec<Effect> {
    vec![Effect::Connect(ConnectAuth {
        username: Some("Alice".into()),
        ..ConnectAuth::default()
    })]
}

fn by_session() -> Vec<Effect> {
    vec![Effect::Connect(ConnectAuth {
        session_id: Some(SessionId::new("s")),
        ..ConnectAuth::default()
    })]
}

#[test]
fn a_name_signs_in_and_a_session_reconnects() {
    let mut story = Story::online();
    assert_eq!(
        story.when(Input::Lost(failure(FailureCode::LinkLost))),
        vec![]
    );
    assert_eq!(story.after(Duration::from_millis(499)), vec![]);
    assert_eq!(story.after(Duration::from_millis(1)), by_session());
}

#[test]
fn a_server_without_sessions_is_signed_in_to_by_name_again() {
    let mut story = Story::begins();
    story.when(Input::SignIn(identity()));
    story.when(Input::Opened);
    story.when(Input::UsersGiven);
    assert!(story.session.is_online());
    story.when(Input::Lost(failure(FailureCode::ClosedByServer)));
    assert_eq!(story.after(Duration::from_secs(1)), by_name());
}

#[test]
fn an_outage_is_retried_with_growing_waits_and_no_hot_loop() {
    let mut story = Story::begins();
    story.when(Input::SignIn(identity()));
    let mut waits = Vec::new();
    for _ in 0..10 {
        story.when(Input::Failed(
            failure(FailureCode::ConnectionRefused).into(),
        ));
        let wait = story.retry_in_ms();
        waits.push(wait);
        assert_eq!(story.after(Duration::from_millis(wait)), by_name());
    }
    assert_eq!(waits[..4], [500, 1000, 2000, 4000]);
    assert_eq!(waits[9], 30_000);
}

#[test]
fn a_server_that_hangs_up_at_once_is_not_hammered() {
    let mut story = Story::online();
    for expected in [500, 1000, 2000] {
        story.when(Input::Lost(failure(FailureCode::ClosedByServer)));
        assert_eq!(story.retry_in_ms(), expected);
        story.after(Duration::from_millis(expected));
        story.when(Input::Opened);
        story.when(Input::UsersGiven);
    }
    story.now += STABLE_AFTER;
    story.when(Input::Lost(failure(FailureCode::ClosedByServer)));
    assert_eq!(
        story.retry_in_ms(),
        500,
        "a connection that lasted starts afresh"
    );
}

#[test]
fn a_refused_name_ends_the_retries() {
    let mut story = Story::begins();
    story.when(Input::SignIn(identity()));
    assert_eq!(story.when(refused("no thanks")), vec![]);
    assert_eq!(story.signed_out_because(), Some(FailureCode::SignInRefused));
    assert_eq!(story.session.deadline(), None);
}

#[test]
fn a_server_that_forgot_the_session_leads_back_to_the_form() {
    let mut story = Story::online();
    story.when(Input::Lost(failure(FailureCode::LinkLost)));
    story.after(Duration::from_secs(1));
    assert_eq!(
        story.when(refused(INVALID_USERNAME)),
        vec![Effect::HoldQueue, Effect::ForgetSession]
    );
    assert_eq!(
        story.signed_out_because(),
        Some(FailureCode::SessionForgotten)
    );
    assert!(!story.session.is_resumable());
}

#[test]
fn another_refusal_does_not_cost_the_session() {
    let mut story = Story::online();
    story.when(Input::Lost(failure(FailureCode::LinkLost)));
    story.after(Duration::from_secs(1));
    assert_eq!(story.when(refused("maintenance")), vec![]);
    assert_eq!(story.signed_out_because(), Some(FailureCode::SignInRefused));
    assert!(story.session.is_resumable());
}

#[test]
fn resuming_after_a_refusal_needs_no_secret_store() {
    let mut story = Story::online();
    story.when(Input::Lost(failure(FailureCode::LinkLost)));
    story.after(Duration::from_secs(1));
    story.when(refused("maintenance"));
    assert_eq!(story.when(Input::Resume), by_session());
    assert_eq!(story.when(Input::Resume), vec![], "one attempt at a time");
}

#[test]
fn a_mistyped_address_leads_back_to_the_form_but_a_proven_one_is_retried() {
    for code in [
        FailureCode::NotSocketIo,
        FailureCode::ProxyAuthRequired,
        FailureCode::Redirected,
        FailureCode::Tls,
        FailureCode::InvalidAddress,
    ] {
        let mut story = Story::begins();
        story.when(Input::SignIn(identity()));
        story.when(Input::Failed(failure(code).into()));
        assert_eq!(story.signed_out_because(), Some(code));

        let mut story = Story::online();
        story.when(Input::Lost(failure(FailureCode::LinkLost)));
        story.after(Duration::from_secs(1));
        story.when(Input::Failed(failure(code).into()));
        assert!(story.session.deadline().is_some(), "{code:?} is retried");
    }
}

#[test]
fn a_locked_keyring_can_be_tried_again_and_may_answer_late() {
    let mut story = Story {
        session: Session::new(Some(identity())),
        now: Instant::now(),
    };
    assert_eq!(story.when(Input::Resume), vec![Effect::LoadSession]);
    story.when(Input::Loaded(Err(failure(FailureCode::KeyringTimedOut))));
    assert_eq!(
        story.signed_out_because(),
        Some(FailureCode::KeyringTimedOut)
    );
    assert_eq!(
        story.when(Input::Loaded(Ok(Some(SessionId::new("s"))))),
        by_session()
    );
}

#[test]
fn a_late_keyring_changes_nothing_once_somebody_signed_in() {
    let mut story = Story::online();
    assert_eq!(
        story.when(Input::Loaded(Ok(Some(SessionId::new("other"))))),
        vec![]
    );
    assert!(story.session.is_online());
}

#[test]
fn a_server_that_never_lists_anyone_is_left() {
    let mut story = Story::begins();
    story.when(Input::SignIn(identity()));
    story.when(Input::Opened);
    assert_eq!(story.after(CATCH_UP_LIMIT), vec![Effect::Disconnect]);
    assert!(matches!(story.view(), SessionView::Waiting { .. }));
}

#[test]
fn signing_out_works_from_anywhere() {
    let mut story = Story::online();
    assert_eq!(
        story.when(Input::SignOut),
        vec![Effect::Disconnect, Effect::ForgetSession]
    );
    assert_eq!(story.signed_out_because(), None);
    assert_eq!(
        story.when(Input::Lost(failure(FailureCode::LinkLost))),
        vec![]
    );
    assert_eq!(story.session.deadline(), None);
}

#[test]
fn impatience_shortens_the_wait() {
    let mut story = Story::online();
    story.when(Input::Lost(failure(FailureCode::LinkLost)));
    assert_eq!(story.when(Input::Reconnect), by_session());
    assert_eq!(
        story.when(Input::Reconnect),
        vec![],
        "one attempt at a time"
    );
}

/// A refusal of our own server: the same text for all, and a code.
fn refused_by_code(code: Code, retry_after: Option<Duration>) -> Input {
    let reason = Failure {
        code: if code.is_temporary() {
            FailureCode::ServerBusy
        } else {
            FailureCode::SignInRefused
        },
        detail: Some(INVALID_USERNAME.into()),
    };
    Input::Failed(NoLink {
        reason,
        code: Some(code),
        retry_after,
    })
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    for code in [Code::ServerBusy, Code::RateLimited] {
        let mut story = Story::begins();
        story.when(Input::SignIn(identity()));
        assert_eq!(
            story.when(refused_by_code(code, Some(Duration::from_secs(7)))),
            vec![]
        );
        assert_eq!(story.retry_in_ms(), 7_500, "and then some");
        assert_eq!(story.after(Duration::from_millis(7_500)), by_name());
        story.when(refused_by_code(code, None));
        assert_eq!(story.retry_in_ms(), 1_000);
        story.after(Duration::from_secs(1));
        story.when(refused_by_code(code, Some(Duration::from_secs(1_000_000))));
        assert!(story.retry_in_ms() < 400_000);
    }
}

#[test]
fn only_an_expired_session_costs_the_session() {
    for code in [Code::Forbidden, Code::Conflict] {
        let mut story = Story::online();
        story.when(Input::Lost(failure(FailureCode::LinkLost)));
        story.after(Duration::from_secs(1));
        assert_eq!(story.when(refused_by_code(code, None)), vec![]);
        assert!(story.session.is_resumable(), "{code:?}");
    }
    let mut story = Story::online();
    story.when(Input::Lost(failure(FailureCode::LinkLost)));
    story.after(Duration::from_secs(1));
    assert_eq!(
        story.when(refused_by_code(Code::SessionExpired, None)),
        vec![Effect::HoldQueue, Effect::ForgetSession]
    );
}

#[test]
fn a_server_that_says_when_it_is_back_is_believed_once() {
    let mut story = Story::online();
    story.when(Input::Leaving(Duration::from_secs(3)));
    assert!(story.session.is_online());
    story.when(Input::Lost(failure(FailureCode::ClosedByServer)));
    assert!(matches!(
        story.view(),
        SessionView::Waiting { reason, .. } if reason.code == FailureCode::ServerRestarting
    ));
    assert_eq!(story.retry_in_ms(), 3_500);
    story.after(Duration::from_millis(3_500));
    story.when(Input::Failed(
        failure(FailureCode::ConnectionRefused).into(),
    ));
    assert_eq!(story.retry_in_ms(), 1_000);
}

#[test]
fn a_session_that_the_server_ends_leads_to_the_form() {
    let mut story = Story::online();
    assert_eq!(
        story.when(Input::Ended(failure(FailureCode::SessionForgotten))),
        vec![Effect::Disconnect, Effect::HoldQueue, Effect::ForgetSession]
    );
    assert_eq!(
        story.signed_out_because(),
        Some(FailureCode::SessionForgotten)
    );
    assert_eq!(
        story.when(Input::Lost(failure(FailureCode::LinkLost))),
        vec![]
    );
}

#[test]
fn pages_prolong_the_catching_up() {
    let mut story = Story::begins();
    story.when(Input::SignIn(identity()));
    story.when(Input::Opened);
    story.now += CATCH_UP_LIMIT / 2;
    story.when(Input::Progress);
    assert_eq!(story.after(CATCH_UP_LIMIT * 3 / 4), vec![]);
    assert_eq!(story.after(CATCH_UP_LIMIT), vec![Effect::Disconnect]);
}

#[test]
fn another_way_to_the_server_is_gone_at_once_by_whoever_is_signed_in() {
    let options = ServerOptions {
        path: Some("/elsewhere/".into()),
        ..ServerOptions::default()
    };
    let mut story = Story::online();
    let effects = story.when(Input::Reroute(options.clone()));
    assert!(matches!(
        effects[..],
        [Effect::Disconnect, Effect::Connect(_)]
    ));
    assert_eq!(
        story.session.identity().map(|identity| &identity.options),
        Some(&options)
    );
    story.when(Input::SignOut);
    let effects = story.when(Input::Reroute(ServerOptions::default()));
    assert_eq!(effects, []);
}

#[test]
fn waking_up_ends_the_wait_and_counts_anew() {
    let mut story = Story::online();
    for _ in 0..9 {
        story.when(Input::Lost(failure(FailureCode::LinkLost)));
        story.when(Input::Reconnect);
        story.when(Input::Failed(failure(FailureCode::NameNotFound).into()));
        story.when(Input::Reconnect);
        story.when(Input::Opened);
    }
    story.when(Input::Lost(failure(FailureCode::LinkLost)));
    assert!(story.retry_in_ms() >= 10_000);
    let slept = Duration::from_secs(600);
    assert_eq!(story.when(Input::Woke { slept }), vec![]);
    assert_eq!(story.retry_in_ms(), 0);
    assert_eq!(story.after(Duration::ZERO), by_session());
    assert!(matches!(
        story.view(),
        SessionView::Connecting { attempt: 1, .. }
    ));
    // Not all who slept come in the same instant.
    story.when(Input::Failed(failure(FailureCode::NameNotFound).into()));
    story.session.step(Input::Woke { slept }, story.now, 0.5);
    assert_eq!(story.retry_in_ms(), 500);
}

#[test]
fn an_attempt_from_before_the_sleep_is_given_up_for_a_new_one() {
    let mut story = Story::online();
    story.when(Input::Lost(failure(FailureCode::LinkLost)));
    assert_eq!(story.when(Input::Reconnect), by_session());
    let slept = Duration::ZERO;
    assert_eq!(story.when(Input::Woke { slept }), by_session());
}

#[test]
fn a_connection_that_slept_is_left_to_its_socket() {
    let mut story = Story::online();
    let slept = Duration::from_secs(600);
    assert_eq!(story.when(Input::Woke { slept }), vec![]);
    assert!(story.session.is_online());
    story.when(Input::SignOut);
    assert_eq!(story.when(Input::Woke { slept }), vec![]);
    assert_eq!(story.signed_out_because(), None);
}

#[test]
fn a_wait_that_the_server_asked_for_goes_on_in_sleep_but_is_not_cut_short() {
    for (slept, rest) in [(0, 60_000), (20, 40_000), (600, 0)] {
        let mut story = Story::online();
        story.when(Input::Leaving(Duration::from_secs(60)));
        story.when(Input::Lost(failure(FailureCode::ClosedByServer)));
        let slept = Duration::from_secs(slept);
        story.when(Input::Woke { slept });
        assert_eq!(story.retry_in_ms(), rest);
    }
}
