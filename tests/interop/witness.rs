//! Official servers that answer no fence: what we write is proved by a second
//! connection of ours, which comes and goes without anybody noticing.

use std::time::Duration;

use parlour_client::{Delivery, FindingCode, Presence, Verdict};
use parlour_tests::{
    node::{Dialect, ReferenceServer},
    person::Person,
};
use tokio::time::sleep;

const SENT: Delivery = Delivery::Sent;

fn sockets(server: &mut ReferenceServer) -> u64 {
    server.state()["sockets"].as_u64().expect("a number")
}

async fn is_proved(dialect: Dialect) {
    let mut server = ReferenceServer::start_with(dialect, &["--no-fences"]);
    let mut alice = Person::signs_in("Alice", &server.url()).await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    alice.says("Bob", "ok").await;
    alice.says("Bob", "ok").await;
    alice.says("Alice", "a note").await;
    alice
        .sees_delivery("Bob", &[("ok", SENT), ("ok", SENT)])
        .await;
    alice.sees_delivery("Alice", &[("a note", SENT)]).await;
    bob.sees("Alice", &["ok", "ok"]).await;
    assert_eq!(sockets(&mut server), 3, "the witness");
    assert_eq!(bob.screen.presence("Alice"), Some(Presence::Online));

    alice.says("Bob", "at once now").await;
    let all = [("ok", SENT), ("ok", SENT), ("at once now", SENT)];
    alice.sees_delivery("Bob", &all).await;
    alice
        .until("the echo is a finding", |screen| {
            let report = screen.compatibility.as_ref();
            report.is_some_and(|report| {
                report.findings.iter().any(|finding| {
                    finding.code == FindingCode::EchoesToOwnDevices
                        && finding.verdict == Verdict::Yes
                })
            })
        })
        .await;
    let mut patience = 200;
    while sockets(&mut server) > 2 {
        patience -= 1;
        assert!(patience > 0, "the witness stays for ever");
        sleep(Duration::from_millis(100)).await;
    }
    assert!(alice.screen.is_online());
    // The server works on what the witness's end set off before this.
    bob.says("Alice", "still there?").await;
    alice
        .sees("Bob", &["ok", "ok", "at once now", "still there?"])
        .await;
    assert_eq!(bob.screen.presence("Alice"), Some(Presence::Online));
    alice.has_seen_everything().await;
    bob.has_seen_everything().await;
}

#[tokio::test]
async fn a_witness_proves_what_a_server_of_dialect_b_does_not_say() {
    is_proved(Dialect::B).await;
}

#[tokio::test]
async fn a_witness_proves_what_a_server_of_dialect_c_does_not_say() {
    is_proved(Dialect::C).await;
}
