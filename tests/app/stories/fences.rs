//! What the page could do if somebody else's script ever ran in it: nothing
//! but ask the engine.

use serde_json::json;

use crate::{
    desktop::{Keyring, Person},
    server::{Server, WebServer},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_reaches_nothing_but_the_three_commands() {
    let server = Server::start();
    let elsewhere = WebServer::start().await;
    let ida = Person::new("ida");
    let login = ida.logs_in(Keyring::Unlocked).await;
    let app = login.opens_parlour(&[]).await;
    app.signs_in(&server.address(), "Ida").await;

    // It cannot leave, open a window, load or send anything anywhere.
    let there = json!(elsewhere.address());
    app.does("location.href = args", there.clone()).await;
    app.does(
        "document.body.append(Object.assign(new Image(), { src: args }))",
        there.clone(),
    )
    .await;
    let opened = app
        .does("return window.open(args) === null", there.clone())
        .await;
    assert_eq!(opened, json!(true));
    let fetched = app
        .does("return (await fetch(args)).status", there.clone())
        .await;
    assert!(is_rejected(&fetched), "{fetched}");
    let evaluated = app
        .does("return new Function('return 1')()", json!(null))
        .await;
    assert!(is_rejected(&evaluated), "{evaluated}");

    // Of the commands that exist, those of plugins and of Tauri are not for it.
    assert_eq!(
        app.does("return typeof window.__TAURI__", json!(null))
            .await,
        "undefined"
    );
    for command in [
        "plugin:store|load",
        "plugin:window|create",
        "plugin:webview|create_webview_window",
        "plugin:path|resolve_directory",
        "plugin:event|listen",
        "plugin:app|version",
    ] {
        let invoke = "return await window.__TAURI_INTERNALS__.invoke(args, { path: 'x' })";
        let answer = app.does(invoke, json!(command)).await;
        assert!(is_rejected(&answer), "{command}: {answer}");
        assert!(
            answer.to_string().contains("not allowed"),
            "{command}: {answer}"
        );
    }

    // After all that it is still there, and nobody else was ever asked.
    app.opens_conversation_with("Ida").await;
    app.writes("Still here").await;
    app.sees_message_in("Still here", &["sent"]).await;
    assert_eq!(elsewhere.visits(), 0);
}

fn is_rejected(answer: &serde_json::Value) -> bool {
    answer
        .as_str()
        .is_some_and(|text| text.starts_with("rejected: "))
}
