//! Starting, telling, ending.

use std::os::unix::net::UnixDatagram;

use serde_json::{Value, json};

use crate::{common::Raw, process::Program};

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_in_order_on_both_signals() {
    for signal in ["TERM", "INT"] {
        let data = tempfile::tempdir().expect("folder");
        let program = Program::on(data.path());
        let (mut ann, session) = Raw::arrives(program.addr, "Ann").await;
        ann.says(&session["userID"], "a note").await;
        ann.fence(1).await;
        program.signal(signal);
        let (code, log) = tokio::task::spawn_blocking(|| program.ends())
            .await
            .expect("ended");
        assert_eq!(code, Some(0), "{log}");
        assert!(!log.contains("in time"), "{log}");
        assert!(!log.contains("too long"), "{log}");
        ann.ends().await;
        assert!(!data.path().join("server.db-wal").exists());
        assert!(!data.path().join("admin.sock").exists());
    }
}

#[test]
fn it_prints_one_line_and_tells_systemd() {
    let data = tempfile::tempdir().expect("folder");
    let path = data.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("bound");
    let hears = || {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).expect("a datagram");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let path = path.to_str().expect("text");
    let program = Program::with(&data.path().join("data"), &[], &[("NOTIFY_SOCKET", path)]);
    assert_eq!(
        program.announced,
        format!("server listening at http://{}\n", program.addr)
    );
    assert_eq!(hears(), "READY=1");
    program.stops();
    assert_eq!(hears(), "STOPPING=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_neither_secrets_nor_words_at_any_level() {
    let data = tempfile::tempdir().expect("folder");
    let program = Program::with(
        data.path(),
        &[],
        &[(
            "RUST_LOG",
            "trace,tungstenite::protocol=trace,tokio_tungstenite::compat=trace",
        )],
    );
    let (mut ann, session) = Raw::arrives(program.addr, "Canary-Name").await;
    ann.says(&session["userID"], "canary words").await;
    let bad = r#"42["private message",{"content":"canary words"}]"#;
    ann.send(bad).await;
    ann.fence(1).await;
    let resume = json!({"sessionID": session["sessionID"]});
    Raw::signs_in(program.addr, &resume).await;
    let log = program.stops();
    assert!(log.contains("ignored a message"), "{log}");
    let audit = std::fs::read_to_string(data.path().join("audit.jsonl")).expect("a file");
    let secret = session["sessionID"].as_str().expect("a session");
    for canary in [secret, "canary words", "Canary-Name"] {
        assert!(!log.contains(canary), "the log holds “{canary}”");
        assert!(!audit.contains(canary), "the audit log holds “{canary}”");
    }
}

#[test]
fn a_log_in_json_is_json_line_by_line() {
    let data = tempfile::tempdir().expect("folder");
    let flags = ["--log-format", "json", "--log", "debug"];
    let program = Program::with(data.path(), &flags, &[]);
    let log = program.stops();
    assert!(!log.is_empty());
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).expect(line);
        assert!(line["level"].is_string() && line["timestamp"].is_string());
    }
}
