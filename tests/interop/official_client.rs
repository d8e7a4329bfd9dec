//! The official `socket.io-client` against our server, by each transport. The
//! checks themselves are in `node/official_client.mjs`, one line of JSON each.

use parlour_tests::{node, process::Process, server::TestServer};
use serde_json::Value;

/// How many checks the script has, so that none goes missing in silence.
const CHECKS: usize = 19;

async fn passes_all_checks_by(transport: &str) {
    let mut server = TestServer::start().await;
    let mut command = node::script("official_client.mjs");
    command.args(["--url", &server.url(), "--transport", transport]);
    let results = tokio::task::spawn_blocking(move || {
        let mut client = Process::start(command);
        let mut results = Vec::new();
        while let Some(line) = client.line() {
            results.push(serde_json::from_str::<Value>(&line).expect("a line of JSON"));
        }
        assert!(client.wait().success());
        results
    })
    .await
    .expect("the checks run");
    let failed: Vec<_> = results
        .iter()
        .filter(|result| result["ok"] != Value::Bool(true))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(results.len(), CHECKS);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_by_websocket() {
    passes_all_checks_by("websocket").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_by_polling() {
    passes_all_checks_by("polling").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_by_polling_and_then_websocket() {
    passes_all_checks_by("upgrade").await;
}
