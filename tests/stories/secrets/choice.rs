//! A person chooses where the session is kept.

use std::{path::PathBuf, sync::Arc};

use parlour_client::{
    Command, FailureCode, RefusalCode, SecretsBackend,
    secrets::{FileSecrets, SecretPlaces},
};
use parlour_tests::{
    person::{Person, Screen},
    server::TestServer,
};
use tempfile::TempDir;

use super::{
    failure,
    keyring::{Door, Keyring},
};

const KEYRING: SecretsBackend = SecretsBackend::Keyring;
const FILE: SecretsBackend = SecretsBackend::File;
const MEMORY: SecretsBackend = SecretsBackend::Memory;

/// A keyring, and a file for those who want it.
struct Places {
    keyring: Arc<Keyring>,
    folder: TempDir,
}

impl Places {
    fn with(door: Door) -> Self {
        Self {
            keyring: Keyring::with(door),
            folder: TempDir::new().expect("a folder"),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("secrets.json")
    }

    fn offer(&self) -> Arc<SecretPlaces> {
        let places = SecretPlaces::new(self.keyring.clone());
        Arc::new(places.or(FileSecrets::new(self.file())))
    }

    /// How many sessions the file holds.
    fn in_file(&self) -> usize {
        let Ok(text) = std::fs::read_to_string(self.file()) else {
            return 0;
        };
        let sessions: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&text).expect("a map");
        sessions.len()
    }
}

async fn chooses(person: &Person, backend: SecretsBackend) {
    let command = Command::ChooseSecrets { backend };
    person.asks(command).await.expect("accepted");
}

/// Until the session is there.
async fn keeps_it_in(person: &mut Person, backend: SecretsBackend) {
    person
        .until("the session at its place", |screen| {
            let secrets = &screen.secrets;
            secrets.backend == backend && secrets.wanted == backend && secrets.failure.is_none()
        })
        .await;
}

#[tokio::test]
async fn nothing_is_in_a_file_before_it_is_chosen_and_everything_afterwards() {
    let server = TestServer::start().await;
    let places = Places::with(Door::Missing);
    let mut alice = Person::with_secrets("Alice", places.offer()).await;
    alice
        .until("the notice, before there is a session", |screen| {
            failure(screen) == Some(FailureCode::KeyringMissing) && screen.secrets.undecided
        })
        .await;
    assert_eq!(alice.screen.secrets.choices, [KEYRING, FILE, MEMORY]);
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    alice.quits().await;
    assert!(!places.file().exists(), "nobody has asked for it");

    alice.comes_back().await;
    alice.until("the form", Screen::is_signed_out).await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    chooses(&alice, FILE).await;
    keeps_it_in(&mut alice, FILE).await;
    assert_eq!(places.in_file(), 1);
    alice.quits().await;

    // It is remembered, and used without a word about the keyring.
    alice.comes_back().await;
    alice.until("online again", Screen::is_online).await;
    keeps_it_in(&mut alice, FILE).await;
    assert!(!alice.screen.secrets.undecided);
    alice.has_seen_everything().await;
}

#[tokio::test]
async fn a_session_moves_and_is_nowhere_twice() {
    let server = TestServer::start().await;
    let places = Places::with(Door::Open);
    let mut alice = Person::with_secrets("Alice", places.offer()).await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    places.keyring.until_it_holds(1).await;

    chooses(&alice, FILE).await;
    keeps_it_in(&mut alice, FILE).await;
    places.keyring.until_it_holds(0).await;
    assert_eq!(places.in_file(), 1);

    chooses(&alice, KEYRING).await;
    keeps_it_in(&mut alice, KEYRING).await;
    places.keyring.until_it_holds(1).await;
    alice.quits().await;
    assert_eq!(places.in_file(), 0);

    alice.comes_back().await;
    alice.until("online again", Screen::is_online).await;
    chooses(&alice, MEMORY).await;
    keeps_it_in(&mut alice, MEMORY).await;
    places.keyring.until_it_holds(0).await;
    alice.quits().await;
    assert_eq!(places.in_file(), 0);
    places.keyring.set(Door::Missing);

    // That, too, is remembered: no question is asked.
    alice.comes_back().await;
    alice.until("the form", Screen::is_signed_out).await;
    assert_eq!(alice.screen.reason(), None);
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    assert_eq!(alice.screen.secrets.backend, MEMORY);
    assert_eq!(failure(&alice.screen), None);
}

#[tokio::test]
async fn a_move_that_fails_leaves_the_session_where_it_was() {
    let server = TestServer::start().await;
    let places = Places::with(Door::Open);
    let mut alice = Person::with_secrets("Alice", places.offer()).await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    places.keyring.until_it_holds(1).await;
    keeps_it_in(&mut alice, KEYRING).await;
    // A folder is in the way.
    std::fs::create_dir(places.file()).expect("a folder");
    chooses(&alice, FILE).await;
    alice
        .until("the failure", |screen| {
            failure(screen) == Some(FailureCode::SecretsFileFailed)
        })
        .await;
    assert_eq!(alice.screen.secrets.backend, KEYRING, "where it still is");
    assert!(!alice.screen.secrets.undecided);
    alice.quits().await;
    alice.comes_back().await;
    alice.until("online again", Screen::is_online).await;
    assert_eq!(places.keyring.holds(), 1);
}

#[tokio::test]
async fn a_keyring_that_was_used_and_is_gone_is_not_replaced_in_silence() {
    let server = TestServer::start().await;
    let places = Places::with(Door::Open);
    let mut alice = Person::with_secrets("Alice", places.offer()).await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    places.keyring.until_it_holds(1).await;
    alice.quits().await;

    places.keyring.set(Door::Missing);
    alice.comes_back().await;
    alice
        .until("the reason", |screen| {
            screen.reason() == Some(FailureCode::KeyringMissing) && screen.secrets.undecided
        })
        .await;
    // As somebody new: still in memory only, until a choice.
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    assert_eq!(places.in_file(), 0);
    places.keyring.set(Door::Open);
    chooses(&alice, KEYRING).await;
    keeps_it_in(&mut alice, KEYRING).await;
    places.keyring.until_it_holds(1).await;
}

#[tokio::test]
async fn trying_the_keyring_again_resumes_what_it_holds() {
    let server = TestServer::start().await;
    let places = Places::with(Door::Open);
    let mut alice = Person::with_secrets("Alice", places.offer()).await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    places.keyring.until_it_holds(1).await;
    alice.quits().await;
    places.keyring.set(Door::Locked);
    alice.comes_back().await;
    alice
        .until("the reason", |screen| {
            screen.reason() == Some(FailureCode::KeyringLocked)
        })
        .await;
    places.keyring.set(Door::Open);
    chooses(&alice, KEYRING).await;
    alice
        .until("online, without a form", Screen::is_online)
        .await;
    assert_eq!(places.keyring.holds(), 1);
}

#[tokio::test]
async fn what_a_host_does_not_offer_cannot_be_chosen() {
    let alice = Person::with_secrets("Alice", Keyring::with(Door::Open)).await;
    let refused = alice
        .asks(Command::ChooseSecrets { backend: FILE })
        .await
        .expect_err("there is no file");
    assert_eq!(refused.code, RefusalCode::NotOffered);
}
