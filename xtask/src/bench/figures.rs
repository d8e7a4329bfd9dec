//! What all rounds said, and their medians.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::load::Outcome;
use super::metrics::Metric;
use super::peers::Peer;
use super::plan::{Case, Scenario};

#[derive(Default)]
pub(crate) struct Figures {
    rounds: BTreeMap<(String, Peer), Vec<Outcome>>,
    metrics: BTreeMap<String, &'static [Metric]>,
}

impl Figures {
    pub(crate) fn add(&mut self, scenario: &Scenario, case: &Case, peer: Peer, outcome: Outcome) {
        self.metrics.insert(case.name.clone(), scenario.metrics);
        let rounds = self.rounds.entry((case.name.clone(), peer)).or_default();
        rounds.push(outcome);
    }

    /// The middle one of the rounds (the mean of the middle two); nothing when
    /// no round has this number.
    pub(crate) fn median(&self, case: &str, peer: Peer, pointer: &str) -> Option<f64> {
        let rounds = self.rounds.get(&(case.to_owned(), peer))?;
        let values = rounds.iter().filter_map(|round| round.as_ref().ok());
        median(
            values
                .filter_map(|round| round.pointer(pointer)?.as_f64())
                .collect(),
        )
    }

    /// Why a round of this case could not be done.
    pub(crate) fn failure(&self, case: &str, peer: Peer) -> Option<&str> {
        let rounds = self.rounds.get(&(case.to_owned(), peer))?;
        rounds
            .iter()
            .find_map(|round| round.as_ref().err())
            .map(String::as_str)
    }

    /// Whether this was measured at all.
    pub(crate) fn has(&self, case: &str, peer: Peer) -> bool {
        self.rounds.contains_key(&(case.to_owned(), peer))
    }

    /// Everything, for programs.
    pub(crate) fn json(&self) -> Value {
        let entries = self.rounds.iter().map(|((case, peer), rounds)| {
            let metrics = self.metrics.get(case).copied().unwrap_or_default();
            let medians: serde_json::Map<String, Value> = metrics
                .iter()
                .filter_map(|metric| {
                    let median = self.median(case, *peer, metric.pointer)?;
                    Some((metric.pointer.to_owned(), json!(median)))
                })
                .collect();
            let rounds: Vec<Value> = rounds
                .iter()
                .map(|round| match round {
                    Ok(value) => value.clone(),
                    Err(why) => json!({ "failed": why }),
                })
                .collect();
            json!({ "case": case, "peer": peer.name(), "medians": medians, "rounds": rounds })
        });
        entries.collect()
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*values.get(middle - 1)?, upper))
}

#[cfg(test)]
pub(crate) mod made {
    use super::*;

    /// Figures of one round for each case and peer.
    pub(crate) fn figures(rounds: &[(&str, Peer, Value)]) -> Figures {
        let mut figures = Figures::default();
        for (case, peer, value) in rounds {
            let rounds = figures
                .rounds
                .entry(((*case).to_owned(), *peer))
                .or_default();
            rounds.push(Ok(value.clone()));
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
    }

    #[test]
    fn a_failed_round_is_told_and_does_not_count() {
        let mut figures = made::figures(&[("a", Peer::Memory, json!({ "x": { "y": 4 } }))]);
        let rounds = figures
            .rounds
            .get_mut(&("a".to_owned(), Peer::Memory))
            .unwrap();
        rounds.push(Err("it ended".to_owned()));
        assert_eq!(figures.median("a", Peer::Memory, "/x/y"), Some(4.0));
        assert_eq!(figures.median("a", Peer::Memory, "/z"), None);
        assert_eq!(figures.failure("a", Peer::Memory), Some("it ended"));
        assert_eq!(figures.json()[0]["rounds"][1]["failed"], "it ended");
        assert!(!figures.has("a", Peer::Official));
    }
}
