//! Servers on the official package, which promise nothing.

use std::time::Duration;

use parlour_protocol::UserId;
use parlour_tests::{
    node::{Dialect, ReferenceServer},
    pm::Device,
    proxy::{Fault, Troubles},
};
use tokio::sync::watch;

use crate::{
    all::{There, Truth, is_true, meet, write},
    pair::Pair,
};

/// Enough for signing in, and from nothing to a hundred messages. What is late comes
/// while the server of these pings still listens, also on a busy machine.
fn troubles() -> Troubles {
    Troubles::all(400..9_000, 300..400_000, Duration::from_millis(1_200))
}

/// The server's own history.
impl Truth for ReferenceServer {
    const FOR_READERS: bool = true;

    async fn there(&mut self) -> There {
        let mut there = There::new();
        let state = self.state();
        for message in state["messages"].as_array().expect("messages") {
            let text = |key: &str| message[key].as_str().expect("a text").to_owned();
            let way = (UserId::new(text("from")), UserId::new(text("to")));
            there.entry(way).or_default().push(text("content"));
        }
        there
    }
}

/// Everybody's other device, on a line on which nothing goes wrong. Where a server
/// keeps nothing, it is all that can tell what arrived: what is sent to an app whose
/// line is dead, and which the server does not know to be, is lost by the server.
struct OtherDevices(Vec<Device>);

impl OtherDevices {
    async fn of(pairs: &[Pair], url: &str) -> Self {
        let mut devices = Vec::new();
        for person in pairs.iter().flat_map(|pair| &pair.people) {
            devices.push(Device::resumes(url, &person.account().await).await);
        }
        Self(devices)
    }
}

impl Truth for OtherDevices {
    const FOR_READERS: bool = false;

    async fn there(&mut self) -> There {
        let mut there = There::new();
        for device in &self.0 {
            assert!(!device.is_closed(), "the line of another device broke");
            let heard = device.heard(|heard| heard.plain.clone());
            for (content, from, to) in heard {
                if to == *device.user() {
                    there.entry((from, to)).or_default().push(content);
                }
            }
        }
        there
    }
}

pub(crate) async fn where_messages_are_not_kept_nothing_is_said_that_is_not_so() {
    let pings = ["--ping-interval", "700", "--ping-timeout", "4000"];
    let server = ReferenceServer::start_with(Dialect::B, &pings);
    let mut troubles = troubles();
    // After these nothing arrives any more.
    troubles.faults = vec![
        Fault::Cut,
        Fault::CutFar,
        Fault::Swallow,
        Fault::SwallowUp,
        Fault::SwallowDown,
    ];
    let pairs = meet(&server.url(), 2, &troubles).await;
    let mut devices = OtherDevices::of(&pairs, &server.url()).await;
    let pairs = write(pairs, &watch::Sender::new(0)).await;
    let report = is_true(&pairs, &mut devices).await;
    report.is_enough("B", &troubles);
    assert_eq!(report.counts.withheld, 0);
}

pub(crate) async fn where_messages_are_kept_nothing_is_lost_and_nothing_doubled() {
    let pings = ["--ping-interval", "700", "--ping-timeout", "1800"];
    let mut server = ReferenceServer::start_with(Dialect::C, &pings);
    let troubles = troubles();
    let pairs = meet(&server.url(), 1, &troubles).await;
    let pairs = write(pairs, &watch::Sender::new(0)).await;
    let report = is_true(&pairs, &mut server).await;
    report.is_enough("C", &troubles);
    assert_eq!(report.counts.withheld, 0);
    // What is decided by counting is not left to people.
    assert!(report.counts.unsure * 200 <= report.counts.said);
}
