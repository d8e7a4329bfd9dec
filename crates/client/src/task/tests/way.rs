//! Which way a server is reached after one that worked.

use super::*;
use crate::{ports::Transport, view::Failure};

/// Whether the next connection is told that the one before was carried by polling.
fn polled(stage: &Stage) -> bool {
    let target = stage.engine.target(ConnectAuth::default());
    target.expect("somebody is signed in").polled
}

fn carried_by(stage: &mut Stage, transport: Transport) {
    stage.wire.lock().expect("the wire").transport = Some(transport);
}

#[test]
fn who_came_to_no_websocket_is_remembered_until_something_else_worked_or_failed() {
    let mut stage = Stage::online(everyone());
    assert!(!polled(&stage));
    carried_by(&mut stage, Transport::Polling);
    assert!(!polled(&stage), "it may yet move");
    stage.breaks();
    assert!(polled(&stage));
    stage.opens();
    carried_by(&mut stage, Transport::WebSocket);
    stage.breaks();
    assert!(!polled(&stage));
    stage.opens();
    carried_by(&mut stage, Transport::Polling);
    stage.breaks();
    stage.is_refused(Failure {
        code: FailureCode::TimedOut,
        detail: None,
    });
    assert!(!polled(&stage), "it may be another network");
}
