//! Keyrings that are missing or locked.

use crate::{
    desktop::{Keyring, Person},
    server::Server,
};

const SECRETS: &str = "[data-testid=secrets-banner]";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_keyring_one_is_signed_in_until_the_app_closes() {
    let server = Server::start();
    let dora = Person::new("dora");
    let login = dora.logs_in(Keyring::Missing).await;

    let app = login.opens_parlour(&["--server", &server.address()]).await;
    app.signs_in(&server.address(), "Dora").await;
    app.reads(SECRETS, "keyring").await;
    app.picture("20-no-keyring").await;
    app.opens_conversation_with("Dora").await;
    app.writes("Note to self").await;
    app.sees_message_in("Note to self", &["sent"]).await;

    // With nothing to remember the session by there is a form, filled in.
    app.closes().await;
    let app = login.opens_parlour(&[]).await;
    app.sees("[data-testid=sign-in]").await;
    assert_eq!(app.value("#username").await, "Dora");
    assert_eq!(app.value("#server").await, server.address());
    app.picture("21-after-no-keyring").await;

    // Until they say that a file will do: nothing is written to one unasked.
    app.clicks("[data-testid=choose-secrets]").await;
    app.sees("[data-testid=secrets-confirm]").await;
    app.picture("25-choose-a-place").await;
    app.clicks("[data-testid=secrets-file]").await;
    app.clicks("[data-testid=secrets-confirm]").await;
    app.sees_no(SECRETS).await;
    app.signs_in(&server.address(), "Dora").await;
    assert_eq!(app.count(SECRETS).await, 0);
    app.closes().await;
    let app = login.opens_parlour(&[]).await;
    app.is_online_as("Dora").await;
    assert_eq!(app.count("[data-testid=sign-in]").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_keyring_is_said_and_once_unlocked_the_session_is_back() {
    let server = Server::start();
    let (erin, finn) = (Person::new("erin"), Person::new("finn"));
    let login = erin.logs_in(Keyring::Unlocked).await;
    let app = login.opens_parlour(&[]).await;
    app.signs_in(&server.address(), "Erin").await;
    app.opens_conversation_with("Erin").await;
    app.writes("Water the plants").await;
    app.sees_message_in("Water the plants", &["sent"]).await;
    app.closes().await;
    drop(login);

    // The next login does not unlock the keyring: the form says so.
    let mut login = erin.logs_in(Keyring::Locked).await;
    let app = login.opens_parlour(&[]).await;
    app.reads("[data-testid=sign-in]", "keyring is locked")
        .await;
    assert_eq!(app.value("#username").await, "Erin");
    assert_eq!(app.value("#server").await, server.address());
    app.picture("22-locked-keyring").await;

    // Unlocked, it has the session still; and the messages are where they were.
    login.unlocks_the_keyring();
    app.clicks("[data-testid=resume]").await;
    app.is_online_as("Erin").await;
    app.opens_conversation_with("Erin").await;
    app.sees_message_in("Water the plants", &["sent"]).await;

    // It is the same person to the others.
    let finn_login = finn.logs_in(Keyring::Unlocked).await;
    let finn = finn_login.opens_parlour(&[]).await;
    finn.signs_in(&server.address(), "Finn").await;
    finn.sees_presence("Erin", "online").await;
    assert_eq!(finn.count(&super::entry("Erin")).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_that_waits_for_a_person_does_not_hold_up_the_app() {
    let server = Server::start();
    let jonas = Person::new("jonas");
    let login = jonas.logs_in(Keyring::Unlocked).await;
    let app = login.opens_parlour(&[]).await;
    app.signs_in(&server.address(), "Jonas").await;
    app.closes().await;
    drop(login);

    // A dialog asks for the password, and stays: the app says so and goes on.
    let login = jonas.logs_in(Keyring::Asking).await;
    let app = login.opens_parlour(&[]).await;
    app.reads("[data-testid=sign-in]", "keyring did not answer")
        .await;
    assert_eq!(app.value("#username").await, "Jonas");
    app.picture("23-keyring-asks").await;

    // Nobody answers. One can chat all the same, as somebody new.
    app.signs_in(&server.address(), "Jonas").await;
    app.reads(SECRETS, "keyring did not answer").await;
    app.picture("24-keyring-still-asks").await;
}
