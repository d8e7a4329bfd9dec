//! Starting, telling, ending.

use std::{
    os::unix::net::{UnixDatagram, UnixStream},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    common::{Raw, message},
    process::{Program, get},
};

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

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_holds_on_keeps_it_from_its_end() {
    let data = tempfile::tempdir().expect("folder");
    let slow = ["--messages-per-second", "1", "--message-burst", "1"];
    let program = Program::with(data.path(), &slow, &[]);
    // One who asks nothing, and one whose messages would take minutes.
    let _idle = UnixStream::connect(data.path().join("admin.sock")).expect("connected");
    let (mut ann, session) = Raw::arrives(program.addr, "Ann").await;
    ann.feed((0..300).map(|number| message(&session["userID"], &number.to_string())))
        .await;
    let begun = Instant::now();
    program.signal("TERM");
    let (code, log) = tokio::task::spawn_blocking(|| program.ends())
        .await
        .expect("ended");
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("in time"), "{log}");
    assert!(!log.contains("too long"), "{log}");
    // Ann does not answer the close, which is waited for; and nothing else is.
    assert!(begun.elapsed() < Duration::from_secs(5), "{log}");
    assert!(!data.path().join("server.db-wal").exists());
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
async fn nothing_that_is_told_holds_secrets_or_words_at_any_level() {
    const TRACE: &str = "trace,tungstenite::protocol=trace,tokio_tungstenite::compat=trace";
    for format in ["text", "json"] {
        let data = tempfile::tempdir().expect("folder");
        let flags = [
            "--sign-in",
            "password",
            "--metrics",
            "127.0.0.1:0",
            "--log-format",
            format,
        ];
        let mut program = Program::with(data.path(), &flags, &[("RUST_LOG", TRACE)]);
        let metrics = program.logs("serving metrics");
        let at = metrics.rfind("127.0.0.1:").expect("an address");
        let metrics = metrics[at..].trim_end_matches(['"', '}', ' ']);
        let metrics = metrics.split('"').next().expect("an address");
        let metrics = metrics.parse().expect("an address");
        let ann = json!({"username": "Canary-Name", "secret": "canary-password"});
        let (mut ann, session, _) = Raw::signs_in(program.addr, &ann).await;
        ann.says(&session["userID"], "canary words").await;
        let bad = r#"42["private message",{"content":"canary words"}]"#;
        ann.send(bad).await;
        ann.send(r#"42["canary words",{"canary words":"canary words"}]"#)
            .await;
        ann.fence(1).await;
        let resume = json!({"sessionID": session["sessionID"]});
        Raw::signs_in(program.addr, &resume).await;
        for wrong in [
            json!({"username": "Canary-Name", "secret": "canary-guess"}),
            json!({"sessionID": "canary-session"}),
            json!({"username": "canary\u{7}words"}),
        ] {
            Raw::is_refused(program.addr, &wrong).await;
        }
        // What is no packet ends the connection, and is in no log either.
        let mut eve = Raw::open(program.addr).await;
        eve.send("9canary words").await;
        eve.ends().await;
        let (_, page) = get(metrics, "/metrics");
        let log = program.stops();
        assert!(log.contains("ignored a message"), "{log}");
        let audit = std::fs::read_to_string(data.path().join("audit.jsonl")).expect("a file");
        let secret = session["sessionID"].as_str().expect("a session");
        for told in [log, audit, page] {
            let told = told.to_lowercase();
            assert!(!told.contains("canary"), "{told}");
            assert!(!told.contains(secret), "a session id is told");
        }
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
