//! Keyrings that are locked, missing, or never answer.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use parlour_client::{
    Command, FailureCode, SecretsBackend,
    ports::{SecretError, SecretStore},
};
use parlour_protocol::SessionId;
use parlour_tests::server::TestServer;

use parlour_tests::person::{Person, Screen};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Locked,
    Missing,
    /// A prompt that nobody answers.
    Hanging,
}

/// A keyring with one entry and a door.
struct Keyring {
    state: Mutex<(Door, Option<SessionId>)>,
    moved: Condvar,
}

impl Keyring {
    fn with(door: Door) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new((door, None)),
            moved: Condvar::new(),
        })
    }

    fn set(&self, door: Door) {
        self.state.lock().expect("the door").0 = door;
        self.moved.notify_all();
    }

    fn enter(&self) -> Result<MutexGuard<'_, (Door, Option<SessionId>)>, SecretError> {
        let state = self.state.lock().expect("the door");
        let state = self
            .moved
            .wait_while(state, |state| state.0 == Door::Hanging)
            .expect("the door");
        match state.0 {
            Door::Locked => Err(SecretError::Locked),
            Door::Missing => Err(SecretError::Missing),
            Door::Open | Door::Hanging => Ok(state),
        }
    }
}

impl SecretStore for Keyring {
    fn backend(&self) -> SecretsBackend {
        SecretsBackend::Keyring
    }

    fn load(&self, _account: &str) -> Result<Option<SessionId>, SecretError> {
        Ok(self.enter()?.1.clone())
    }

    fn save(&self, _account: &str, session_id: &SessionId) -> Result<(), SecretError> {
        self.enter()?.1 = Some(session_id.clone());
        Ok(())
    }

    fn delete(&self, _account: &str) -> Result<(), SecretError> {
        self.enter()?.1 = None;
        Ok(())
    }
}

fn failure(screen: &Screen) -> Option<FailureCode> {
    screen.secrets.failure.as_ref().map(|failure| failure.code)
}

#[tokio::test]
async fn without_a_keyring_one_stays_signed_in_until_one_quits() {
    let server = TestServer::start().await;
    let keyring = Keyring::with(Door::Missing);
    let mut alice = Person::with_secrets("Alice", keyring.clone()).await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    alice
        .until("the notice", |screen| {
            failure(screen) == Some(FailureCode::KeyringMissing)
        })
        .await;
    assert_eq!(alice.screen.secrets.backend, SecretsBackend::Memory);

    keyring.set(Door::Open);
    alice.asks(Command::SaveSession).await.expect("accepted");
    alice
        .until("the notice gone", |screen| failure(screen).is_none())
        .await;
    alice.quits().await;
    alice.comes_back().await;
    alice
        .until("online again, without a form", Screen::is_online)
        .await;
}

#[tokio::test]
async fn a_keyring_locked_at_the_start_loses_nothing() {
    let server = TestServer::start().await;
    let keyring = Keyring::with(Door::Open);
    let mut alice = Person::with_secrets("Alice", keyring.clone()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice.sign_in(&server.url()).await;
    alice.says("Bob", "hello").await;
    bob.sees("Alice", &["hello"]).await;
    alice.quits().await;

    keyring.set(Door::Locked);
    alice.comes_back().await;
    alice
        .until("the reason", |screen| {
            screen.reason() == Some(FailureCode::KeyringLocked)
        })
        .await;
    alice.asks(Command::Resume).await.expect("accepted");
    alice
        .until("another try", |screen| !screen.is_signed_out())
        .await;
    alice
        .until("the reason again", |screen| {
            screen.reason() == Some(FailureCode::KeyringLocked)
        })
        .await;

    keyring.set(Door::Open);
    alice.asks(Command::Resume).await.expect("accepted");
    alice.until("online", Screen::is_online).await;
    alice.sees("Bob", &["hello"]).await;
}

#[tokio::test]
async fn a_keyring_that_hangs_holds_up_nothing_and_may_answer_late() {
    let server = TestServer::start().await;
    let keyring = Keyring::with(Door::Hanging);
    let mut alice = Person::with_secrets("Alice", keyring.clone()).await;
    alice.sign_in(&server.url()).await;
    alice.until("online all the same", Screen::is_online).await;
    alice
        .until("the notice", |screen| {
            failure(screen) == Some(FailureCode::KeyringTimedOut)
        })
        .await;

    keyring.set(Door::Open);
    alice
        .until("the notice gone", |screen| failure(screen).is_none())
        .await;
    alice.quits().await;

    keyring.set(Door::Hanging);
    alice.comes_back().await;
    alice
        .until("the reason", |screen| {
            screen.reason() == Some(FailureCode::KeyringTimedOut)
        })
        .await;
    keyring.set(Door::Open);
    alice
        .until("online by the late answer", Screen::is_online)
        .await;
}

#[tokio::test]
async fn an_entry_that_is_gone_leads_to_the_form() {
    let server = TestServer::start().await;
    let keyring = Keyring::with(Door::Open);
    let mut alice = Person::with_secrets("Alice", keyring.clone()).await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    alice.quits().await;
    keyring.state.lock().expect("the door").1 = None;
    alice.comes_back().await;
    alice
        .until("the reason", |screen| {
            screen.reason() == Some(FailureCode::SessionMissing)
        })
        .await;
}

#[tokio::test]
async fn signing_out_before_the_keyring_has_saved_leaves_no_session_behind() {
    let server = TestServer::start().await;
    let keyring = Keyring::with(Door::Hanging);
    let mut alice = Person::with_secrets("Alice", keyring.clone()).await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    alice.asks(Command::SignOut).await.expect("accepted");
    keyring.set(Door::Open);
    alice.quits().await;
    assert_eq!(keyring.state.lock().expect("the door").1, None);

    alice.comes_back().await;
    alice.until("the form", Screen::is_signed_out).await;
    assert_eq!(alice.screen.reason(), None, "there is nothing to be missed");
}
