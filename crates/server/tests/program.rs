//! The program: what it prints, how it ends, what it refuses.
#![cfg(unix)]
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use common::Raw;
use serde_json::json;

/// A running program, killed when dropped.
struct Program {
    child: Child,
    addr: SocketAddr,
}

impl Program {
    fn start(data: &Path, environment: &[(&str, &str)]) -> Self {
        let mut child = command(data)
            .envs(environment.iter().copied())
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let addr = line
            .strip_prefix("server listening at http://")
            .and_then(|rest| rest.trim_end().parse().ok())
            .unwrap_or_else(|| panic!("{line:?}"));
        Self { child, addr }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Ends it, and gives the exit code with the log.
    fn ends(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        let stderr = self.child.stderr.as_mut().expect("piped");
        stderr.read_to_string(&mut log).expect("text");
        (self.child.wait().expect("ended").code(), log)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlour-server"));
    command.arg("--data").arg(data).env_remove("RUST_LOG");
    command
}

fn refuses(data: &Path, arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = command(data).args(arguments).output().expect("run");
    assert!(!status.success());
    String::from_utf8(stderr).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_in_order_on_both_signals() {
    for signal in ["TERM", "INT"] {
        let data = tempfile::tempdir().expect("folder");
        let program = Program::start(data.path(), &[]);
        let (mut ann, session) = Raw::arrives(program.addr, "Ann").await;
        ann.says(&session["userID"], "a note").await;
        ann.fence(1).await;
        program.signal(signal);
        let (code, log) = tokio::task::spawn_blocking(|| program.ends())
            .await
            .expect("ended");
        assert_eq!(code, Some(0), "{log}");
        assert!(!log.contains("in time"), "{log}");
        ann.ends().await;
        assert!(!data.path().join("server.db-wal").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_neither_secrets_nor_words_at_any_level() {
    let data = tempfile::tempdir().expect("folder");
    let mut program = Program::start(
        data.path(),
        &[(
            "RUST_LOG",
            "trace,tungstenite::protocol=trace,tokio_tungstenite::compat=trace",
        )],
    );
    // Read along, or the program waits for its log.
    let mut stderr = program.child.stderr.take().expect("piped");
    let log = tokio::task::spawn_blocking(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).expect("text");
        log
    });
    let (mut ann, session) = Raw::arrives(program.addr, "Canary-Name").await;
    ann.says(&session["userID"], "canary words").await;
    let bad = r#"42["private message",{"content":"canary words"}]"#;
    ann.send(bad).await;
    ann.fence(1).await;
    let resume = json!({"sessionID": session["sessionID"]});
    Raw::signs_in(program.addr, &resume).await;
    program.signal("TERM");
    let log = log.await.expect("the log");
    assert!(log.contains("ignored a message"), "{log}");
    let secret = session["sessionID"].as_str().expect("a session");
    for canary in [secret, "canary words", "Canary-Name"] {
        assert!(!log.contains(canary), "the log holds “{canary}”");
    }
}

#[test]
fn each_refusal_is_one_clear_sentence() {
    let data = tempfile::tempdir().expect("folder");
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = holder.local_addr().expect("bound").to_string();
    assert_eq!(
        refuses(data.path(), &["--listen", &taken]),
        format!(
            "parlour-server: {taken} is in use by another program: \
             stop it, or listen on another port\n"
        )
    );
    let public = refuses(data.path(), &["--listen", "0.0.0.0:0"]);
    assert!(
        public.contains("anybody could sign in as a guest"),
        "{public}"
    );
    assert!(public.contains("--public"), "{public}");
    let address = refuses(data.path(), &["--listen", "nowhere"]);
    assert!(address.contains("invalid value 'nowhere'"), "{address}");
    let nowhere = refuses(Path::new("/dev/null/data"), &["--listen", "127.0.0.1:0"]);
    assert!(
        nowhere.starts_with("parlour-server: the data folder /dev/null/data cannot be written"),
        "{nowhere}"
    );
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let data = tempfile::tempdir().expect("folder");
    let program = Program::start(data.path(), &[]);
    let second = refuses(data.path(), &["--listen", "127.0.0.1:0"]);
    assert!(
        second.contains("in use by another parlour-server"),
        "{second}"
    );
    program.signal("TERM");
    assert_eq!(program.ends().0, Some(0));
}

#[test]
fn a_newer_database_is_refused_untouched() {
    let data = tempfile::tempdir().expect("folder");
    let database = data.path().join("server.db");
    let connection = rusqlite::Connection::open(&database).expect("database");
    connection
        .pragma_update(None, "user_version", 999)
        .expect("version");
    drop(connection);
    let before = fs::read(&database).expect("file");
    let refusal = refuses(data.path(), &["--listen", "127.0.0.1:0"]);
    assert!(
        refusal.starts_with("parlour-server: the database is from a newer parlour-server"),
        "{refusal}"
    );
    assert_eq!(before, fs::read(&database).expect("file"));
}
