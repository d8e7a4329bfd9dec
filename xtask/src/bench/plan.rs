//! What is measured, how often, and of whom.

use super::metrics::{self, Metric};
use super::options::Options;
use super::peers::Peer;

/// Whether a server lives for one round or for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    OneRound,
    AllRounds,
}

/// Cases that one server goes through, one after the other.
pub(crate) struct Scenario {
    /// As `--only` has it. Several may share one.
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) peers: Vec<Peer>,
    pub(crate) rounds: usize,
    pub(crate) keeping: Keeping,
    /// How many people the server knows before it begins.
    pub(crate) known: usize,
    pub(crate) cases: Vec<Case>,
    pub(crate) metrics: &'static [Metric],
}

/// One run of the generator.
pub(crate) struct Case {
    /// Unique among all scenarios.
    pub(crate) name: String,
    /// For the table.
    pub(crate) label: String,
    /// The words after the generator's name.
    pub(crate) words: Vec<String>,
}

/// After so long a storm is given up, in seconds.
pub(crate) const STORM_LIMIT: f64 = 90.0;

/// The names that `--only` knows.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = all(true).iter().map(|scenario| scenario.name).collect();
    names.dedup();
    names
}

pub(crate) fn scenarios(options: &Options) -> Vec<Scenario> {
    let wanted = |scenario: &Scenario| options.wants(scenario.name);
    all(options.quick).into_iter().filter(wanted).collect()
}

fn all(quick: bool) -> Vec<Scenario> {
    let mut all = vec![saturation(quick), paced(quick), durable(quick)];
    all.extend(connect(quick));
    all.extend(storm(quick));
    all.extend(idle(quick));
    all.push(history());
    all
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// How long a stream of messages is warmed up and measured.
fn spans(quick: bool) -> &'static str {
    if quick {
        "--warm-up 1 --seconds 1"
    } else {
        "--warm-up 2 --seconds 3"
    }
}

fn outstanding(name: &str, count: usize, more: &str) -> Case {
    Case {
        name: format!("{name}-{count}"),
        label: format!("{count} outstanding"),
        words: words(&format!("pairs --outstanding {count} {more}")),
    }
}

fn rate(name: &str, rate: usize, more: &str) -> Case {
    Case {
        name: format!("{name}-{rate}"),
        label: format!("{rate}/s"),
        words: words(&format!("pairs --rate {rate} {more}")),
    }
}

fn saturation(quick: bool) -> Scenario {
    Scenario {
        name: "saturation",
        title: "As fast as it goes, 50 pairs".to_owned(),
        peers: Peer::ALL.to_vec(),
        rounds: if quick { 2 } else { 3 },
        keeping: Keeping::OneRound,
        known: 0,
        cases: [1, 16]
            .map(|count| outstanding("saturation", count, spans(quick)))
            .into(),
        metrics: metrics::SATURATION,
    }
}

fn paced(quick: bool) -> Scenario {
    let rates: &[usize] = if quick {
        &[5_000, 20_000]
    } else {
        &[2_000, 5_000, 10_000, 20_000]
    };
    Scenario {
        name: "paced",
        title: "At a steady rate, 50 pairs: from write to read".to_owned(),
        peers: Peer::ALL.to_vec(),
        rounds: if quick { 2 } else { 3 },
        keeping: Keeping::OneRound,
        known: 0,
        cases: rates
            .iter()
            .map(|per_second| rate("paced", *per_second, spans(quick)))
            .collect(),
        metrics: metrics::PACED,
    }
}

fn durable(quick: bool) -> Scenario {
    let more = format!("--pm {}", spans(quick));
    let mut cases: Vec<Case> = [1, 16]
        .map(|count| outstanding("durable", count, &more))
        .into();
    cases.extend([2_000, 10_000].map(|per_second| rate("durable-rate", per_second, &more)));
    Scenario {
        name: "durable",
        title: "Each message kept before it is answered and delivered (pm), 50 pairs".to_owned(),
        peers: vec![Peer::Memory, Peer::Sqlite],
        rounds: if quick { 1 } else { 3 },
        keeping: Keeping::OneRound,
        known: 0,
        cases,
        metrics: metrics::DURABLE,
    }
}

fn connect(quick: bool) -> Vec<Scenario> {
    let known: &[usize] = if quick { &[1_000] } else { &[1_000, 10_000] };
    let one = |known: &usize| Scenario {
        name: "connect",
        title: format!("From connecting to `users`, {known} people stored"),
        peers: Peer::ALL.to_vec(),
        rounds: if quick { 2 } else { 3 },
        keeping: Keeping::AllRounds,
        known: *known,
        cases: vec![Case {
            name: format!("connect-{known}"),
            label: format!("{known} stored"),
            words: words("connect --times 100"),
        }],
        metrics: metrics::CONNECT,
    };
    known.iter().map(one).collect()
}

fn storm(quick: bool) -> Vec<Scenario> {
    let one = |people: usize, peers: &[Peer], rounds| Scenario {
        name: "storm",
        title: format!("{people} people connecting at once"),
        peers: peers.to_vec(),
        rounds,
        keeping: Keeping::OneRound,
        known: 0,
        cases: vec![Case {
            name: format!("storm-{people}"),
            label: format!("{people} at once"),
            words: words(&format!(
                "crowd --people {people} --limit {STORM_LIMIT} --stay 1"
            )),
        }],
        metrics: metrics::STORM,
    };
    // The official server would take a quarter of an hour for 10,000.
    let ours = [Peer::Memory, Peer::Sqlite];
    if quick {
        return vec![one(1_000, &Peer::SERVERS, 1), one(10_000, &ours[..1], 1)];
    }
    vec![
        one(1_000, &Peer::SERVERS, 3),
        one(2_000, &Peer::SERVERS, 2),
        one(10_000, &ours, 2),
    ]
}

fn idle(quick: bool) -> Vec<Scenario> {
    let one = |people: usize, peers: &[Peer]| Scenario {
        name: "idle",
        title: format!("Memory of {people} who do nothing, {IDLE_SECONDS} s after they came"),
        peers: peers.to_vec(),
        rounds: 1,
        keeping: Keeping::OneRound,
        known: 0,
        cases: vec![Case {
            name: format!("idle-{people}"),
            label: format!("{people} idle"),
            words: words(&format!(
                "crowd --people {people} --at-once 16 --limit {STORM_LIMIT} --stay {IDLE_SECONDS}"
            )),
        }],
        metrics: metrics::IDLE,
    };
    let ours = [Peer::Memory, Peer::Sqlite];
    if quick {
        return vec![one(1_000, &Peer::SERVERS)];
    }
    vec![one(2_000, &Peer::SERVERS), one(10_000, &ours)]
}

/// How long nobody does anything before memory is read.
const IDLE_SECONDS: u32 = 3;

fn history() -> Scenario {
    Scenario {
        name: "history",
        title: "From connecting to `users`, beside 100,000 stored messages".to_owned(),
        peers: Peer::SERVERS.to_vec(),
        rounds: 1,
        keeping: Keeping::OneRound,
        known: 0,
        cases: vec![Case {
            name: "history".to_owned(),
            label: "100,000 stored".to_owned(),
            words: words("history --messages 100000 --times 20"),
        }],
        metrics: metrics::HISTORY,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn cases_are_told_apart_by_their_names() {
        for quick in [true, false] {
            let all = all(quick);
            let cases = || all.iter().flat_map(|scenario| &scenario.cases);
            let names: BTreeSet<&str> = cases().map(|case| case.name.as_str()).collect();
            assert_eq!(names.len(), cases().count());
        }
    }

    #[test]
    fn a_part_of_the_plan_can_be_asked_for() {
        let line = ["server", "--only", "idle,connect"].map(str::to_owned);
        let scenarios = scenarios(&Options::parse(&line).unwrap());
        let names: Vec<_> = scenarios.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names, ["connect", "connect", "idle", "idle"]);
        assert_eq!(
            super::names(),
            [
                "saturation",
                "paced",
                "durable",
                "connect",
                "storm",
                "idle",
                "history"
            ]
        );
    }
}
