//! The generator against this server: what it counts, not how long it took.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends where it fails"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use parlour_bench::scenario::crowd::Crowd;
use parlour_bench::scenario::pairs::{Amount, Load, Pairs, PairsReport};
use parlour_bench::scenario::{connect, crowd, disk, history, pairs, seed};
use parlour_bench::{Speech, Target, client};
use parlour_client::made::Made;
use parlour_server::{Config, Limits, Server};
use tokio::sync::oneshot;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A server on a thread of its own; it ends with this.
struct Running {
    target: Target,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn in_memory() -> Self {
        Self::start(Config::in_memory(LISTEN))
    }

    fn on_disk(folder: &Path) -> Self {
        Self::start(Config::new(LISTEN, folder))
    }

    fn start(mut config: Config) -> Self {
        config.limits = Limits::NONE;
        let (say, address) = std::sync::mpsc::sync_channel(1);
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let server = Server::start(config).await.expect("the server starts");
                say.send(server.addr()).expect("somebody waits for it");
                // The sender is gone: that is a wish to end, too.
                let _ = ended.await;
                server.stop().await;
            });
        });
        let address = address.recv().expect("the server starts");
        let target = Target { address, pid: None };
        Self {
            target,
            end: Some(end),
            thread: Some(thread),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let outcome = thread.join();
            assert!(
                outcome.is_ok() || std::thread::panicking(),
                "the server panicked"
            );
        }
    }
}

fn talk(server: &Running, load: Load, speech: Speech) -> PairsReport {
    let plan = Pairs {
        pairs: 5,
        load,
        speech,
        warm_up: Duration::ZERO,
        amount: Amount::Messages(300),
    };
    pairs::run(server.target, plan).unwrap()
}

/// Every message arrived, or `run` had failed; the counts fit together.
fn check(report: &PairsReport, speech: Speech) {
    assert!(report.messages >= 300, "{report:?}");
    assert!(report.delivered >= report.messages, "{report:?}");
    assert!(
        report.latency.is_some_and(|latency| latency.count > 0),
        "{report:?}"
    );
    let acked = match speech {
        Speech::Plain => 0,
        Speech::Pm => report.delivered,
    };
    assert_eq!(report.acked, acked);
    assert_eq!(report.ack.is_some(), speech == Speech::Pm);
}

#[test]
fn pairs_on_a_server_in_memory() {
    let server = Running::in_memory();
    for speech in [Speech::Plain, Speech::Pm] {
        check(&talk(&server, Load::Outstanding(1), speech), speech);
        check(&talk(&server, Load::Outstanding(8), speech), speech);
        check(&talk(&server, Load::Rate(2_000.0), speech), speech);
    }
}

#[test]
fn pairs_on_a_server_that_keeps_messages() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::on_disk(folder.path());
    for speech in [Speech::Plain, Speech::Pm] {
        check(&talk(&server, Load::Outstanding(8), speech), speech);
        check(&talk(&server, Load::Rate(2_000.0), speech), speech);
    }
}

#[test]
fn people_who_come_and_stay_and_people_who_come_and_leave() {
    let server = Running::in_memory();
    let plan = Crowd {
        people: 60,
        at_once: 60,
        limit: Duration::from_secs(60),
        stay: Duration::ZERO,
    };
    let report = crowd::run(server.target, plan).unwrap();
    assert_eq!((report.present, report.lost), (60, 0), "{:?}", report.why);
    assert!(report.settled.is_some());
    assert_eq!(report.told, 60, "everybody knows of everybody");

    seed::run(server.target, 20).unwrap();
    let report = connect::run(server.target, 3).unwrap();
    assert_eq!(report.latency.map(|latency| latency.count), Some(3));
    assert_eq!(report.users, 60 + 20 + 1);
}

#[test]
fn a_history_is_kept_for_whose_it_is() {
    let server = Running::in_memory();
    let report = history::run(server.target, 300, 2).unwrap();
    assert_eq!(report.messages, 300);
    assert!(report.owner.bytes > report.bystander.bytes);
    assert_eq!(report.bystander.users, 3);
}

#[test]
fn the_disk_is_asked_and_left_clean() {
    let folder = tempfile::tempdir().unwrap();
    let report = disk::run(folder.path(), 3).unwrap();
    assert_eq!(report.sync.map(|sync| sync.count), Some(3));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_client_with_a_history_answers() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made {
        messages: 2_000,
        people: 20,
    };
    let report = client::history::run(folder.path(), made, 20).unwrap();
    assert_eq!((report.messages, report.people), (2_000, 20));
    let counts = [
        report.start,
        report.open,
        report.back,
        report.forward,
        report.queue,
        report.search.common,
        report.search.common_in_one,
        report.search.rare,
        report.search.nowhere,
        report.search.short,
    ];
    for summary in counts {
        assert_eq!(summary.map(|summary| summary.count), Some(20));
    }
}

#[test]
fn both_connectors_and_the_queue_reach_this_server() {
    let server = Running::in_memory();
    let url = format!("http://{}", server.target.address);
    let plan = client::connectors::Plan {
        connects: 2,
        messages: 600,
        rounds: 5,
        dead: Duration::ZERO,
    };
    let report = client::connectors::run(&url, plan).unwrap();
    for report in [report.own, report.rust_socketio] {
        assert_eq!(report.connect.map(|summary| summary.count), Some(2));
        assert_eq!(report.round_trip.map(|summary| summary.count), Some(5));
        assert!(report.per_second > 0.0 && report.dead_after.is_none());
    }
    let folder = tempfile::tempdir().unwrap();
    let report = client::queue::run(&url, folder.path(), 50).unwrap();
    assert_eq!(report.messages, 50);
}
