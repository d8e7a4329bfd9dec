//! The client without a window: two processes that speak in lines of JSON.

use std::path::Path;

use parlour_client::{ClientEvent, Command, Delivery, SessionView};
use parlour_protocol::UserId;
use parlour_tests::{
    process::{Process, program},
    server::TestServer,
};
use serde_json::Value;
use tempfile::TempDir;

/// A `parlour-cli` of one person.
struct Headless(Process);

impl Headless {
    fn start(server: &str, name: &str, data: &Path, secrets: &str) -> Self {
        let mut command = program("parlour-cli");
        command
            .args([
                "--server",
                server,
                "--username",
                name,
                "--secrets",
                secrets,
                "--data",
            ])
            .arg(data);
        Self(Process::start(command))
    }

    fn tell(&mut self, command: &Command) {
        self.0.tell(&serde_json::to_string(command).expect("json"));
    }

    /// Reads lines until one is what is waited for.
    fn until<T>(&mut self, what: &str, pick: impl Fn(ClientEvent) -> Option<T>) -> T {
        loop {
            let line = self
                .0
                .line()
                .unwrap_or_else(|| panic!("it ended before: {what}"));
            let event =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if let Some(picked) = pick(event) {
                return picked;
            }
        }
    }

    /// Our own id, once we are online.
    fn until_online(&mut self) -> Option<UserId> {
        self.until("online", |event| {
            let session = match event {
                ClientEvent::SessionChanged { session } => session,
                ClientEvent::Snapshot { snapshot } => snapshot.session,
                _ => return None,
            };
            match session {
                SessionView::Online { account } => Some(account.user_id),
                _ => None,
            }
        })
    }

    fn until_listed(&mut self, name: &str) -> UserId {
        self.until("somebody in the roster", |event| {
            let entries = match event {
                ClientEvent::RosterChanged { entries } => entries,
                ClientEvent::Snapshot { snapshot } => snapshot.roster,
                _ => Vec::new(),
            };
            entries
                .into_iter()
                .find(|entry| entry.username == name)
                .map(|entry| entry.user_id)
        })
    }
}

/// On the blocking pool: the server is on this runtime.
async fn apart(story: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(story)
        .await
        .expect("the story ends well");
}

#[tokio::test]
async fn two_chat_by_lines_of_json() {
    let server = TestServer::start().await;
    let url = server.url();
    apart(move || {
        let (home, other) = (
            TempDir::new().expect("a folder"),
            TempDir::new().expect("a folder"),
        );
        let mut alice = Headless::start(&url, "Alice", home.path(), "memory");
        alice.until_online();
        let mut bob = Headless::start(&url, "Bob", other.path(), "memory");
        let to = alice.until_listed("Bob");
        alice.tell(&Command::SendMessage {
            to,
            content: "hello\nBob".into(),
        });
        alice.until("sent", |event| match event {
            ClientEvent::TimelineChanged { items, .. } => items
                .iter()
                .any(|item| item.delivery == Some(Delivery::Sent))
                .then_some(()),
            _ => None,
        });
        let content = bob.until("the message", |event| match event {
            ClientEvent::TimelineChanged { items, .. } => {
                items.first().map(|item| item.content.clone())
            }
            _ => None,
        });
        assert_eq!(content, "hello\nBob");
        assert!(alice.0.wait().success(), "the end of the input is the end");
    })
    .await;
}

#[tokio::test]
async fn a_session_in_a_file_is_resumed_and_is_in_no_line() {
    let server = TestServer::start().await;
    let url = server.url();
    apart(move || {
        let home = TempDir::new().expect("a folder");
        let mut ids = Vec::new();
        for _ in 0..2 {
            let mut alice = Headless::start(&url, "Alice", home.path(), "file");
            ids.push(alice.until_online());
            assert!(alice.0.wait().success());
        }
        assert_eq!(ids[0], ids[1]);
        assert!(ids[0].is_some());
    })
    .await;
}

#[tokio::test]
async fn a_bad_line_costs_only_itself() {
    let server = TestServer::start().await;
    let url = server.url();
    apart(move || {
        let home = TempDir::new().expect("a folder");
        let mut alice = Headless::start(&url, "Alice", home.path(), "memory");
        alice.until_online();
        alice.0.tell("this is no command");
        alice
            .0
            .tell(r#"{"type":"sendMessage","to":"nobody","content":"hello"}"#);
        let mut refusals = Vec::new();
        while refusals.len() < 2 {
            let line: Value = serde_json::from_str(&alice.0.line().expect("a line")).expect("json");
            if line["type"] == "refused" {
                refusals.push((line["line"].clone(), line["code"].clone()));
            }
        }
        assert_eq!(
            refusals,
            [
                (1.into(), "badCommand".into()),
                (2.into(), "unknownUser".into())
            ]
        );
    })
    .await;
}
