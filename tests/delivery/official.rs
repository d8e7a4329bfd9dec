//! Servers on the official package, which promise nothing.

use std::{collections::BTreeMap, io::Write, time::Duration};

use parlour_protocol::UserId;
use parlour_tests::{
    node::{Dialect, ReferenceServer},
    proxy::{Fault, Troubles},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    judge::{Counts, judge},
    pair::Pair,
};

/// Pairs of people who write to each other at the same time.
const PAIRS: usize = 10;

/// How many messages a pair writes.
const EACH: usize = 2_020;

/// The least that has to have been tried.
const MESSAGES: usize = 20_000;
const CUTS: usize = 200;

/// How late a message may come, at most.
const LATE: Duration = Duration::from_millis(1_200);

/// Until when everything has to have arrived, once nothing goes wrong any more.
const PEACE: Duration = Duration::from_secs(60);

/// Who wrote, and to whom.
type Way = (UserId, UserId);

/// What was counted.
#[derive(Debug, Default)]
struct Report {
    counts: Counts,
    faults: BTreeMap<Fault, usize>,
}

/// What is there in the end, by who wrote it to whom: asked again until all is true.
trait Truth {
    fn there(&mut self) -> BTreeMap<Way, Vec<String>>;
}

/// Everybody writes, and everything goes wrong.
async fn chats(url: &str, seed: u64) -> Vec<Pair> {
    // Enough for signing in, and from nothing to a hundred messages.
    let troubles = Troubles::all(400..9_000, 300..400_000, LATE);
    let mut pairs = Vec::new();
    for number in 0..PAIRS {
        let seed = seed * 1_000 + number as u64;
        pairs.push(Pair::meets(number, url, seed, &troubles).await);
    }
    pairs
}

/// All at the same time.
async fn all_write(pairs: Vec<Pair>) -> Vec<Pair> {
    let mut writing = JoinSet::new();
    for mut pair in pairs {
        writing.spawn(async move {
            pair.writes(EACH).await;
            pair
        });
    }
    writing.join_all().await
}

/// Until what every app says is true.
async fn is_true(pairs: &[Pair], truth: &mut impl Truth, whole: bool) -> Report {
    let end = Instant::now() + PEACE;
    loop {
        match look(pairs, &truth.there(), whole).await {
            Ok(report) => return report,
            Err(wrong) => assert!(Instant::now() < end, "{wrong}"),
        }
        // What was late, and clients that have not noticed that their line was dead.
        sleep(Duration::from_millis(500)).await;
    }
}

async fn look(
    pairs: &[Pair],
    there: &BTreeMap<Way, Vec<String>>,
    whole: bool,
) -> Result<Report, String> {
    let mut report = Report::default();
    for pair in pairs {
        for line in &pair.lines {
            for (fault, count) in line.faults() {
                *report.faults.entry(fault).or_default() += count;
            }
        }
        let ids = pair.ids().await;
        for (writer, reader) in [(0, 1), (1, 0), (0, 0), (1, 1)] {
            let said = pair.people[writer].says_of(&ids[reader]).await;
            let way = (ids[writer].clone(), ids[reader].clone());
            let arrived = there.get(&way).cloned().unwrap_or_default();
            let names = format!(
                "{} to {}",
                pair.people[writer].name, pair.people[reader].name
            );
            report.counts += judge(&said, &arrived).map_err(|wrong| format!("{names}: {wrong}"))?;
            if writer != reader {
                let heard = pair.people[reader].heard_from(&ids[writer]).await;
                let agree = if whole {
                    heard == arrived
                } else {
                    is_part(&heard, &arrived)
                };
                if !agree {
                    return Err(format!(
                        "{names}: {} arrived, and the reader shows {} others",
                        arrived.len(),
                        heard.len()
                    ));
                }
            }
        }
    }
    Ok(report)
}

/// Whether nothing is there twice, nor in another order.
fn is_part(some: &[String], all: &[String]) -> bool {
    let mut rest = all.iter();
    some.iter().all(|text| rest.any(|other| other == text))
}

impl Report {
    fn is_enough(&self, dialect: &str) {
        let cuts: usize = self.faults.values().sum();
        let _ = writeln!(
            std::io::stderr(),
            "{dialect}: {:?}, {cuts} cuts: {:?}",
            self.counts,
            self.faults
        );
        assert!(self.counts.said >= MESSAGES, "{:?}", self.counts);
        assert!(cuts >= CUTS, "{cuts} cuts");
        let kinds = self.faults.len();
        assert_eq!(kinds, Fault::ALL.len(), "{:?}", self.faults);
    }
}

/// The server's own history.
impl Truth for ReferenceServer {
    fn there(&mut self) -> BTreeMap<Way, Vec<String>> {
        let mut there: BTreeMap<Way, Vec<String>> = BTreeMap::new();
        let state = self.state();
        for message in state["messages"].as_array().expect("messages") {
            let text = |key: &str| message[key].as_str().expect("a text").to_owned();
            let way = (UserId::new(text("from")), UserId::new(text("to")));
            there.entry(way).or_default().push(text("content"));
        }
        there
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_messages_are_kept_nothing_is_lost_and_nothing_doubled() {
    let pings = ["--ping-interval", "700", "--ping-timeout", "1800"];
    let mut server = ReferenceServer::start_with(Dialect::C, &pings);
    let pairs = all_write(chats(&server.url(), 1).await).await;
    let report = is_true(&pairs, &mut server, true).await;
    report.is_enough("C");
    assert_eq!(report.counts.withheld, 0);
    // What is decided by counting is not left to people.
    assert!(report.counts.unsure * 200 <= report.counts.said);
}
