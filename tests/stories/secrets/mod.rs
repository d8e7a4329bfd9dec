//! Keyrings that are locked, missing, or never answer.

mod choice;
#[cfg(target_os = "linux")]
mod daemon;
mod keyring;
mod strays;

use parlour_client::{Command, FailureCode, SecretsBackend};
use parlour_tests::{
    person::{Person, Screen},
    server::TestServer,
};

use self::keyring::{Door, Keyring};

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
    assert!(alice.screen.secrets.undecided);

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
    keyring.is_replaced();
    alice.comes_back().await;
    alice
        .until("the reason", |screen| {
            screen.reason() == Some(FailureCode::SessionMissing)
        })
        .await;
    // It is said, and the new one is used like the old one.
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    keyring.until_it_holds(1).await;
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
    assert_eq!(keyring.holds(), 0);

    alice.comes_back().await;
    alice.until("the form", Screen::is_signed_out).await;
    assert_eq!(alice.screen.reason(), None, "there is nothing to be missed");
}
