//! No session is left behind in a keyring.

use parlour_client::{Command, FailureCode};
use parlour_tests::{
    person::{Person, Screen},
    server::TestServer,
};

use super::{
    failure,
    keyring::{Door, Keyring},
};

#[tokio::test]
async fn signing_in_anew_instead_of_resuming_deletes_the_old_session() {
    let server = TestServer::start().await;
    let keyring = Keyring::with(Door::Open);
    let mut alice = Person::with_secrets("Alice", keyring.clone()).await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    keyring.until_it_holds(1).await;
    alice.quits().await;

    keyring.set(Door::Locked);
    alice.comes_back().await;
    alice
        .until("the reason", |screen| {
            screen.reason() == Some(FailureCode::KeyringLocked)
        })
        .await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    assert_eq!(keyring.holds(), 1, "it cannot be deleted now");
    keyring.set(Door::Open);
    alice.asks(Command::SaveSession).await.expect("accepted");
    alice
        .until("the notice gone", |screen| failure(screen).is_none())
        .await;
    alice.quits().await;
    keyring.until_it_holds(1).await;

    // The one that is left is the new one.
    alice.comes_back().await;
    alice.until("online again", Screen::is_online).await;
}

#[tokio::test]
async fn what_a_missing_keyring_could_not_forget_is_deleted_in_a_later_run() {
    let server = TestServer::start().await;
    let keyring = Keyring::with(Door::Open);
    let mut alice = Person::with_secrets("Alice", keyring.clone()).await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    keyring.until_it_holds(1).await;
    keyring.set(Door::Missing);
    alice.asks(Command::SignOut).await.expect("accepted");
    alice.until("the form", Screen::is_signed_out).await;
    alice.quits().await;
    assert_eq!(keyring.holds(), 1);

    keyring.set(Door::Open);
    alice.comes_back().await;
    keyring.until_it_holds(0).await;
    assert!(alice.screen.is_signed_out());
}

#[tokio::test]
async fn trying_again_does_not_wait_for_a_prompt_that_nobody_answers() {
    let server = TestServer::start().await;
    let keyring = Keyring::with(Door::Open);
    let mut alice = Person::with_secrets("Alice", keyring.clone()).await;
    alice.sign_in(&server.url()).await;
    alice.until("online", Screen::is_online).await;
    keyring.until_it_holds(1).await;
    alice.asks(Command::SignOut).await.expect("accepted");
    keyring.until_it_holds(0).await;

    // It has shown that it works, so the prompt is that of the save.
    keyring.set(Door::Hanging);
    alice.sign_in(&server.url()).await;
    alice
        .until("the notice", |screen| {
            screen.is_online() && failure(screen) == Some(FailureCode::KeyringTimedOut)
        })
        .await;
    keyring.set_for_newcomers(Door::Open);
    alice.asks(Command::SaveSession).await.expect("accepted");
    alice
        .until("the notice gone", |screen| failure(screen).is_none())
        .await;
    keyring.until_it_holds(1).await;
    alice.asks(Command::SignOut).await.expect("accepted");
    keyring.until_it_holds(0).await;

    // At last somebody answers the prompt: what it saves late is not left there.
    keyring.release();
    keyring.until_it_holds(1).await;
    keyring.until_it_holds(0).await;
    alice.quits().await;
    assert_eq!(keyring.holds(), 0);
}
