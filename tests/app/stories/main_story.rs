//! Two people, two windows, one server that comes and goes.

use crate::{
    desktop::{Keyring, Person},
    server::Server,
};

const BANNER: &str = "[data-testid=connection-banner]";

#[tokio::test(flavor = "multi_thread")]
async fn two_people_chat_and_nothing_is_lost() {
    let mut server = Server::start();
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let alice_login = alice.logs_in(Keyring::Unlocked).await;
    let bob_login = bob.logs_in(Keyring::Unlocked).await;

    // They sign in: one by hand, the other at the address given to the app.
    let alice = alice_login.opens_parlour(&[]).await;
    alice.sees("[data-testid=sign-in]").await;
    alice.picture("01-sign-in").await;
    alice.signs_in(&server.address(), "Alice").await;
    alice.picture("02-alone").await;
    let bob = bob_login
        .opens_parlour(&["--profile", "work", "--server", &server.address()])
        .await;
    bob.sees("[data-testid=sign-in]").await;
    assert_eq!(bob.value("#server").await, server.address());
    bob.signs_in(&server.address(), "Bob").await;

    // A message there, seen as sent; an unread mark; an answer back.
    alice.sees_presence("Bob", "online").await;
    alice.opens_conversation_with("Bob").await;
    alice.writes("Is the kettle on?").await;
    alice.sees_message_in("Is the kettle on?", &["sent"]).await;
    alice.writes("I am bringing cake 🍰 שלום").await;
    alice
        .sees_message_in("I am bringing cake 🍰 שלום", &["sent"])
        .await;
    bob.sees_unread("Alice", "2").await;
    bob.picture("03-unread").await;
    bob.opens_conversation_with("Alice").await;
    bob.sees_message_in("Is the kettle on?", &[""]).await;
    bob.sees_no("[data-testid=unread]").await;
    bob.writes("It is. Come in, the others are here already.")
        .await;
    alice
        .sees_message_in("It is. Come in, the others are here already.", &[""])
        .await;
    alice.sees_no("[data-testid=unread]").await;
    alice.picture("04-conversation").await;

    // A second start of the same profile only shows the window that is there.
    bob_login.starts_parlour_again(&["--profile", "work"]);
    bob.is_online_as("Bob").await;

    // Bob starts the app again: the keyring has his session, there is no form.
    bob.closes().await;
    alice.sees_presence("Bob", "offline").await;
    let bob = bob_login.opens_parlour(&["--profile", "work"]).await;
    bob.is_online_as("Bob").await;
    assert_eq!(bob.count("[data-testid=sign-in]").await, 0);
    alice.sees_presence("Bob", "online").await;
    bob.opens_conversation_with("Alice").await;
    assert_eq!(bob.counts("Is the kettle on?").await, 1);

    // The server stops. It is said in words, and what is written waits.
    server.stops();
    let words = alice.sees(BANNER).await;
    assert!(words.len() > 20, "no words: {words}");
    alice.sees_presence("Bob", "unknown").await;
    alice.writes("Still on my way").await;
    alice.sees_message_in("Still on my way", &["queued"]).await;
    alice.picture("05-offline").await;
    bob.sees(BANNER).await;

    // It comes back: the message arrives, once.
    server.comes_back();
    alice.sees_message_in("Still on my way", &["sent"]).await;
    bob.sees_message_in("Still on my way", &[""]).await;
    alice.sees_no(BANNER).await;
    // What comes after it in order shows that no second one is on its way.
    alice.writes("At the door").await;
    bob.sees_message_in("At the door", &[""]).await;
    assert_eq!(bob.counts("Still on my way").await, 1);
    assert_eq!(alice.counts("Still on my way").await, 1);

    // In other colours, which last.
    bob.clicks("[data-testid=theme-dark]").await;
    bob.sees("html[data-theme=dark]").await;
    bob.picture("06-dark").await;
    bob.closes().await;
    let bob = bob_login.opens_parlour(&["--profile", "work"]).await;
    bob.sees("html[data-theme=dark]").await;
    bob.is_online_as("Bob").await;

    // A long one goes through whole; a page that is loaded anew has them all.
    bob.opens_conversation_with("Alice").await;
    let recipe = "Butter, sugar, eggs, flour; then patience. ".repeat(300);
    let recipe = recipe.trim();
    alice.writes(recipe).await;
    alice.sees_message_in(recipe, &["sent"]).await;
    bob.sees_message_in(recipe, &[""]).await;
    bob.loads_the_page_anew().await;
    bob.is_online_as("Bob").await;
    bob.opens_conversation_with("Alice").await;
    bob.sees_message_in(recipe, &[""]).await;
    alice.writes("Too long?").await;
    bob.sees_message_in("Too long?", &[""]).await;

    // Signing out forgets the session, here and in the keyring.
    bob.clicks("[data-testid=sign-out]").await;
    bob.sees("[data-testid=sign-out-confirm]").await;
    bob.picture("07-sign-out-dark").await;
    bob.clicks("[data-testid=sign-out-confirm]").await;
    bob.sees("[data-testid=sign-in]").await;
    assert_eq!(bob.value("#username").await, "Bob");
    bob.closes().await;
    let bob = bob_login.opens_parlour(&["--profile", "work"]).await;
    bob.sees("[data-testid=sign-in]").await;
    bob.picture("08-sign-in-again-dark").await;
}
