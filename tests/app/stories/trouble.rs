//! Addresses and names that lead nowhere.

use parlour_tests::node::{Dialect, ReferenceServer};

use crate::{
    desktop::{Keyring, Person},
    server::{Server, WebServer, free_port},
};

const REASON: &str = "[data-testid=connecting-reason]";
const ERROR: &str = "[data-testid=sign-in-error]";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_or_name_is_said_and_nothing_typed_is_lost() {
    let server = Server::start();
    let web_server = WebServer::start().await;
    let carol = Person::new("carol");
    let login = carol.logs_in(Keyring::Unlocked).await;
    let app = login.opens_parlour(&[]).await;

    // Nobody is there: it says so, goes on trying, and can be given up.
    let nowhere = format!("127.0.0.1:{}", free_port());
    app.asks_to_sign_in(&nowhere, "Carol").await;
    app.reads(REASON, "Nothing answers at").await;
    app.picture("10-nobody-there").await;
    app.clicks("[data-testid=use-another-server]").await;
    app.sees("[data-testid=sign-in]").await;
    assert_eq!(app.value("#username").await, "Carol");

    // Something is there, but it is no chat server.
    app.asks_to_sign_in(web_server.address(), "Carol").await;
    app.reads("body", "not a chat server").await;
    app.picture("11-not-a-chat-server").await;
    if app.count("[data-testid=use-another-server]").await > 0 {
        app.clicks("[data-testid=use-another-server]").await;
    }

    // An address that is none, and names that cannot be one.
    app.asks_to_sign_in("ftp://127.0.0.1", "Carol").await;
    app.reads("[data-testid=sign-in]", "address cannot be used")
        .await;
    app.asks_to_sign_in(&server.address(), "Ca\u{200b}rol")
        .await;
    app.reads("[data-testid=sign-in]", "cannot be seen").await;
    app.picture("12-invisible").await;
    assert_eq!(app.value("#server").await, server.address());
    app.asks_to_sign_in(&server.address(), &"Carol".repeat(7))
        .await;
    app.reads("[data-testid=sign-in]", "too long").await;

    // Nothing of that stands in the way of the right one.
    app.signs_in(&server.address(), "Carol").await;
    assert_eq!(app.count(ERROR).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_final_and_in_the_servers_own_words() {
    let strict = ReferenceServer::start_with(Dialect::C, &["--refuse", "Not on a Friday"]);
    let mut forgetful = ReferenceServer::start(Dialect::C);
    let gus = Person::new("gus");
    let login = gus.logs_in(Keyring::Unlocked).await;
    let app = login.opens_parlour(&[]).await;

    app.asks_to_sign_in(&strict.url(), "Gus").await;
    app.reads("[data-testid=sign-in]", "Not on a Friday").await;
    assert_eq!(app.value("#server").await, strict.url());
    assert_eq!(app.value("#username").await, "Gus");
    app.picture("13-refused").await;

    // A server that forgot the session sends one back to the form, too.
    app.signs_in(&forgetful.url(), "Gus").await;
    forgetful.forget();
    forgetful.drop_connections();
    app.reads("[data-testid=sign-in]", "does not know you any more")
        .await;
    assert_eq!(app.value("#username").await, "Gus");
    app.picture("14-forgotten").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_said_in_the_window() {
    let hana = Person::new("hana");
    let profile = hana.profile("default");
    std::fs::create_dir_all(&profile).unwrap();
    std::fs::write(
        profile.join("parlour.db"),
        "no database at all, but long enough",
    )
    .unwrap();
    let login = hana.logs_in(Keyring::Unlocked).await;
    let app = login.opens_parlour(&[]).await;
    app.reads("body", "could not be read or written").await;
    app.picture("15-damaged-database").await;
}
