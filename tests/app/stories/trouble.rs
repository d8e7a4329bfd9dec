//! Addresses and names that lead nowhere.

use crate::{
    desktop::{Keyring, Person},
    server::{Server, WebServer, free_port},
    stage::Stage,
};

const REASON: &str = "[data-testid=connecting-reason]";
const ERROR: &str = "[data-testid=sign-in-error]";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_or_name_is_said_and_nothing_typed_is_lost() {
    let stage = Stage::new();
    let server = Server::start();
    let web_server = WebServer::start().await;
    let carol = Person::new("carol");
    let login = carol.logs_in(&stage, Keyring::Unlocked).await;
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
