//! The official `socket.io-client` against our server, by each transport. The
//! checks themselves are in `node/official_*.mjs`, one line of JSON each.

use parlour_tests::{node, process::Process, program::ServerProgram};
use serde_json::Value;

/// How many checks the script has by each transport, so that none goes missing
/// in silence.
const CHECKS: usize = 40;

/// And one more where the transport changes.
const CHECKS_WITH_UPGRADE: usize = CHECKS + 1;

fn passes_all_checks_by(transport: &str, checks: usize) {
    let mut server = ServerProgram::start();
    let mut command = node::script("official_client.mjs");
    command.args(["--url", &server.url(), "--transport", transport]);
    if let Ok(upgrades) = std::env::var("PARLOUR_UPGRADES") {
        command.args(["--upgrades", &upgrades]);
    }
    let mut client = Process::start(command);
    let mut results = Vec::new();
    while let Some(line) = client.line() {
        let result: Value = serde_json::from_str(&line).expect("a line of JSON");
        if result["waiting"] == "bye" {
            let (status, _) = server.terminate();
            assert!(status.success(), "{status}");
        } else {
            results.push(result);
        }
    }
    assert!(client.wait().success());
    let failed: Vec<_> = results
        .iter()
        .filter(|result| result["ok"] != Value::Bool(true))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(results.len(), checks);
}

#[test]
fn the_official_client_by_websocket() {
    passes_all_checks_by("websocket", CHECKS);
}

#[test]
fn the_official_client_by_polling() {
    passes_all_checks_by("polling", CHECKS);
}

#[test]
fn the_official_client_by_polling_and_then_websocket() {
    passes_all_checks_by("upgrade", CHECKS_WITH_UPGRADE);
}
