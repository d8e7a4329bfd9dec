//! `parlour-server admin`, beside a running server and without one.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::{Value, json};

use crate::{
    common::Raw,
    process::{Program, command, prints, refuses},
};

fn admin(data: &Path, arguments: &[&str]) -> Output {
    admin_with(data, arguments, "")
}

fn admin_with(data: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = command()
        .arg("admin")
        .args(arguments)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut stdin = child.stdin.take().expect("piped");
    // It may end without reading.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("ended")
}

fn id(session: &Value) -> &str {
    session["userID"].as_str().expect("an id")
}

/// The answer to a CONNECT that is refused.
async fn refused(program: &Program, auth: &Value) -> String {
    let mut raw = Raw::open(program.addr).await;
    raw.send(&format!("40{auth}")).await;
    let answer = raw.frame().await;
    assert!(answer.starts_with("44"), "{answer}");
    answer
}

fn resume(session: &Value) -> Value {
    json!({"sessionID": session["sessionID"]})
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_sessions_are_listed_and_ended() {
    let data = tempfile::tempdir().expect("folder");
    let data = data.path();
    let program = Program::on(data);
    let (mut ann, session) = Raw::arrives(program.addr, "Ann").await;
    let users = prints(admin(data, &["users"]));
    let line = users.lines().nth(1).expect("a user");
    assert!(
        line.starts_with(id(&session)) && line.ends_with("  Ann"),
        "{users}"
    );
    assert!(line.contains("     1  no  "), "{users}");
    let sessions = prints(admin(data, &["sessions", id(&session)]));
    let named = sessions.lines().nth(1).expect("a session");
    let named = named.split(' ').next().expect("an id");
    assert_eq!(named.len(), 16);
    let secret = session["sessionID"].as_str().expect("a secret");
    assert!(!sessions.contains(secret));
    // Another one's session is not this one's.
    let other = refuses(admin(
        data,
        &["revoke", id(&session), "--session", "0000000000000000"],
    ));
    assert!(other.contains("no such session"), "{other}");
    let told = prints(admin(data, &["revoke", id(&session), "--session", named]));
    assert_eq!(told, "ended 1 sessions\n");
    ann.ends().await;
    let answer = refused(&program, &resume(&session)).await;
    assert!(answer.contains("session_expired"), "{answer}");
    let nobody = refuses(admin(data, &["sessions", "nobody"]));
    assert!(nobody.contains("nobody here has this id"), "{nobody}");
    program.stops();
    let users = prints(admin(data, &["users"]));
    assert!(users.contains("     0  no  "), "{users}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_banned_stay_out_until_they_are_not() {
    let data = tempfile::tempdir().expect("folder");
    let data = data.path();
    let program = Program::with(data, &["--sign-in", "password"], &[]);
    let auth = json!({"username": "Ann", "secret": "correct horse"});
    let (mut ann, session, _) = Raw::signs_in(program.addr, &auth).await;
    let told = prints(admin(data, &["ban", id(&session)]));
    assert_eq!(told, "banned; ended 1 sessions\n");
    ann.ends().await;
    let answer = refused(&program, &auth).await;
    assert!(answer.contains("forbidden"), "{answer}");
    prints(admin(data, &["unban", id(&session)]));
    let (_ann, again, _) = Raw::signs_in(program.addr, &auth).await;
    assert_eq!(again["userID"], session["userID"]);
    program.stops();
    let audit = fs::read_to_string(data.join("audit.jsonl")).expect("a file");
    for action in ["ban", "unban"] {
        let entry = format!(
            r#""event":"admin","action":"{action}","user":"{}","done":true}}"#,
            id(&session)
        );
        assert!(audit.contains(&entry), "{audit}");
    }
    assert!(!audit.contains("correct horse"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_can_be_replaced_without_a_server() {
    let data = tempfile::tempdir().expect("folder");
    let data = data.path();
    let mode = ["--sign-in", "password"];
    let program = Program::with(data, &mode, &[]);
    let auth = |secret: &str| json!({"username": "Ann", "secret": secret});
    let (_ann, session, _) = Raw::signs_in(program.addr, &auth("correct horse")).await;
    program.stops();
    let short = refuses(admin_with(data, &["password", id(&session)], "short\n"));
    assert!(short.contains("8 characters"), "{short}");
    prints(admin_with(
        data,
        &["password", id(&session)],
        "battery staple\n",
    ));
    let program = Program::with(data, &mode, &[]);
    let answer = refused(&program, &auth("correct horse")).await;
    assert!(answer.contains("forbidden"), "{answer}");
    let (_ann, again, _) = Raw::signs_in(program.addr, &auth("battery staple")).await;
    assert_eq!(again["userID"], session["userID"]);
    program.stops();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_lets_one_in() {
    let data = tempfile::tempdir().expect("folder");
    let data = data.path();
    let program = Program::with(data, &["--sign-in", "invite"], &[]);
    let answer = refused(&program, &json!({"username": "Ann"})).await;
    assert!(answer.contains("forbidden"), "{answer}");
    let token = prints(admin(data, &["invite", "--note", "for Ann"]));
    let token = token.trim();
    assert_eq!(token.len(), 32);
    let auth = |name: &str| json!({"username": name, "secret": token});
    let (_ann, session, _) = Raw::signs_in(program.addr, &auth("Ann")).await;
    let answer = refused(&program, &auth("Bob")).await;
    assert!(answer.contains("forbidden"), "{answer}");
    Raw::signs_in(program.addr, &resume(&session)).await;
    program.stops();
    for file in ["audit.jsonl", "server.db"] {
        let bytes = fs::read(data.join(file)).expect("a file");
        let found = bytes
            .windows(token.len())
            .any(|window| window == token.as_bytes());
        assert!(!found, "{file} holds an invitation");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_about_somebody_is_exported_and_deleted() {
    let data = tempfile::tempdir().expect("folder");
    let data = data.path();
    let program = Program::with(data, &["--no-rate-limits"], &[]);
    let (mut ann, ann_session) = Raw::arrives(program.addr, "Ann").await;
    let (mut bob, bob_session) = Raw::arrives(program.addr, "Bob").await;
    // More than one page.
    for number in 0..600 {
        ann.says(&bob_session["userID"], &format!("hello {number}"))
            .await;
    }
    ann.fence(1).await;
    bob.says(&ann_session["userID"], "canary from Bob").await;
    bob.fence(1).await;
    let file = data.join("ann.json");
    let to = file.to_str().expect("text");
    prints(admin(data, &["export", id(&ann_session), "--to", to]));
    let export: Value = serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    assert_eq!(export["user"]["name"], "Ann");
    assert_eq!(export["sessions"].as_array().expect("sessions").len(), 1);
    let messages = export["messages"].as_array().expect("messages");
    assert_eq!(messages.len(), 601);
    for (number, message) in messages.iter().take(600).enumerate() {
        assert_eq!(message["content"], format!("hello {number}"));
        assert_eq!(message["from"], ann_session["userID"]);
        assert_eq!(message["to"], bob_session["userID"]);
    }
    assert_eq!(messages[600]["content"], "canary from Bob");
    let secret = ann_session["sessionID"].as_str().expect("a secret");
    assert!(!export.to_string().contains(secret));

    let nobody = data.join("nobody.json");
    let to = nobody.to_str().expect("text");
    refuses(admin(data, &["export", "nobody", "--to", to]));
    assert!(!nobody.exists());

    refuses(admin(data, &["delete", id(&ann_session)]));
    let told = prints(admin(data, &["delete", id(&ann_session), "--yes"]));
    assert_eq!(told, "deleted, with 601 messages\n");
    ann.ends().await;
    let answer = refused(&program, &resume(&ann_session)).await;
    assert!(answer.contains("session_expired"), "{answer}");
    let (_bob, _, users) = Raw::signs_in(program.addr, &resume(&bob_session)).await;
    let users = users.as_array().expect("users").clone();
    assert_eq!(users.len(), 1);
    assert_eq!(users[0]["messages"], json!([]));
    program.stops();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_memory_is_looked_after_while_it_runs() {
    let data = tempfile::tempdir().expect("folder");
    let data = data.path();
    let program = Program::with(data, &["--storage", "memory"], &[]);
    let (_ann, session) = Raw::arrives(program.addr, "Ann").await;
    let listed = prints(admin(data, &["users"]));
    assert!(listed.contains(id(&session)), "{listed}");
    program.stops();
}
