//! Health, metrics, the audit log.

use std::fs;

use serde_json::Value;

use crate::{
    common::Raw,
    process::{Program, get},
};

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_on_a_port_of_their_own() {
    let data = tempfile::tempdir().expect("folder");
    let mut program = Program::with(data.path(), &["--metrics", "127.0.0.1:0"], &[]);
    let line = program.logs("serving metrics");
    let (_, at) = line.split_once("at=").expect("an address");
    let metrics = at.trim().parse().expect("an address");
    let (mut ann, session) = Raw::arrives(program.addr, "Canary-Name").await;
    ann.says(&session["userID"], "canary words").await;
    ann.send(r#"42["private message",{}]"#).await;
    ann.fence(1).await;
    let (status, page) = get(metrics, "/metrics");
    assert_eq!(status, 200);
    for line in [
        "parlour_sessions{transport=\"websocket\"} 1",
        "parlour_users 1",
        "parlour_users_online 1",
        "parlour_sign_ins_total{outcome=\"created\"} 1",
        "parlour_messages_accepted_total 1",
        "parlour_messages_ignored_total{reason=\"malformed\"} 1",
        "parlour_storage_failures_total 0",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\n{page}");
    }
    assert!(page.contains("parlour_database_bytes{file=\"data\"} "));
    for canary in ["Canary-Name", "canary words", "sessionID"] {
        assert!(!page.contains(canary), "{canary}");
    }
    for field in ["sessionID", "userID"] {
        let canary = session[field].as_str().expect("text");
        assert!(!page.contains(canary), "{field}");
    }
    assert_eq!(program.get("/metrics").0, 404);
    // Each metric is in the manual.
    let manual = include_str!("../../../../docs/OPERATIONS.md");
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().expect("a name");
        assert!(manual.contains(&format!("`{name}`")), "{name}");
    }
    program.stops();
}

#[test]
fn it_says_that_it_lives_and_is_ready() {
    let data = tempfile::tempdir().expect("folder");
    let program = Program::on(data.path());
    assert_eq!(program.get("/healthz"), (200, "alive\n".to_owned()));
    assert_eq!(program.get("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(program.get("/nothing").0, 404);
    program.stops();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_says_who_came_and_who_was_refused() {
    let data = tempfile::tempdir().expect("folder");
    let program = Program::on(data.path());
    let (_ann, session) = Raw::arrives(program.addr, "Ann").await;
    let mut nobody = Raw::open(program.addr).await;
    nobody.send(r#"40{"username":"admin"}"#).await;
    let refusal = nobody.frame().await;
    assert!(
        refusal.starts_with("44{\"message\":\"invalid username\""),
        "{refusal}"
    );
    assert!(refusal.contains("\"code\":\"forbidden\""), "{refusal}");
    program.stops();
    let text = fs::read_to_string(data.path().join("audit.jsonl")).expect("a file");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let find = |event: &str| lines.iter().find(|line| line["event"] == event);
    let signed_in = find("signed_in").expect("an entry");
    assert_eq!(signed_in["user"], session["userID"]);
    assert_eq!(signed_in["ip"], "127.0.0.1");
    assert_eq!(signed_in["new_user"], true);
    let refused = find("refused").expect("an entry");
    assert_eq!(refused["code"], "forbidden");
    assert_eq!(refused["ip"], "127.0.0.1");
}
