//! Many pairs at the same time, and whether what their apps say is true.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    time::Duration,
};

use parlour_protocol::UserId;
use parlour_tests::{
    judge::{Counts, judge},
    proxy::{Fault, Troubles},
    setting::many,
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::pair::Pair;

/// Pairs of people who write to each other at the same time.
const PAIRS: usize = 10;

/// How many messages a pair writes.
const EACH: usize = 2_020;

/// The least that has to have been tried.
const MESSAGES: usize = 20_000;
const CUTS: usize = 200;

/// Until when everything has to have arrived, once nothing goes wrong any more.
const PEACE: Duration = Duration::from_secs(60);

/// Who wrote, and to whom.
pub(crate) type Way = (UserId, UserId);

/// What is there, by who wrote it to whom.
pub(crate) type There = BTreeMap<Way, Vec<String>>;

/// Who knows what is there in the end. It is asked again until all is true.
pub(crate) trait Truth {
    async fn there(&mut self) -> There;

    /// Whether the readers' apps have to have all of it, too: not where what is
    /// sent to a dead line is lost by the server.
    const FOR_READERS: bool;
}

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) counts: Counts,
    faults: BTreeMap<Fault, usize>,
}

/// The pairs, before anything goes wrong.
pub(crate) async fn meet(url: &str, seed: u64, troubles: &Troubles) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for number in 0..PAIRS {
        let seed = seed * 1_000 + u64::try_from(number).expect("a few");
        pairs.push(Pair::meets(number, url, seed, troubles).await);
    }
    pairs
}

/// All at the same time, while everything goes wrong. `said` counts.
pub(crate) async fn write(pairs: Vec<Pair>, said: &watch::Sender<usize>) -> Vec<Pair> {
    let mut writing = JoinSet::new();
    for mut pair in pairs {
        let said = said.clone();
        writing.spawn(async move {
            pair.writes(many(EACH, 5 * EACH), &said).await;
            pair
        });
    }
    writing.join_all().await
}

/// Waits until what every app says is true.
pub(crate) async fn is_true<T: Truth>(pairs: &[Pair], truth: &mut T) -> Report {
    let end = Instant::now() + PEACE;
    loop {
        match look::<T>(pairs, &truth.there().await).await {
            Ok(report) => return report,
            Err(wrong) => assert!(Instant::now() < end, "{wrong}"),
        }
        // For what was late, and for clients that have not noticed that their line
        // is dead. No app tells what it does not know.
        sleep(Duration::from_millis(500)).await;
    }
}

async fn look<T: Truth>(pairs: &[Pair], there: &There) -> Result<Report, String> {
    let mut report = Report::default();
    for pair in pairs {
        for (fault, count) in pair.lines.iter().flat_map(|line| line.faults()) {
            *report.faults.entry(fault).or_default() += count;
        }
        let ids = pair.ids().await;
        for (writer, reader) in [(0, 1), (1, 0), (0, 0), (1, 1)] {
            let (from, to) = (&pair.people[writer], &pair.people[reader]);
            let names = format!("{} to {}", from.name, to.name);
            let said = from.says_of(&ids[reader]).await?;
            let way = (ids[writer].clone(), ids[reader].clone());
            let arrived = there.get(&way).map_or(&[][..], Vec::as_slice);
            report.counts += judge(&said, arrived).map_err(|wrong| format!("{names}: {wrong}"))?;
            if writer != reader {
                let heard = to.heard_from(&ids[writer]).await;
                let agrees = if T::FOR_READERS {
                    heard == arrived
                } else {
                    is_part(&heard, arrived)
                };
                if !agrees {
                    let (arrived, heard) = (arrived.len(), heard.len());
                    return Err(format!(
                        "{names}: {arrived} arrived, the reader shows {heard}"
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
    /// Enough was tried, of each of these kinds.
    pub(crate) fn is_enough(&self, name: &str, troubles: &Troubles) {
        let cuts: usize = self.faults.values().sum();
        let _ = writeln!(
            std::io::stderr(),
            "{name}: {:?}, {cuts} faults: {:?}",
            self.counts,
            self.faults
        );
        assert!(self.counts.said >= MESSAGES, "{:?}", self.counts);
        assert!(cuts >= CUTS, "{cuts} faults");
        let kinds: BTreeSet<&Fault> = troubles.faults.iter().collect();
        assert!(
            kinds.into_iter().eq(self.faults.keys()),
            "{:?}",
            self.faults
        );
    }
}
