//! What this server is meant to reach, and whether it did. Where it did not,
//! what stood in the way, as far as the figures tell.

mod table;

use serde_json::{Value, json};

use super::figures::Figures;
use super::metrics::Form;
use super::peers::Peer;
use super::plan::STORM_LIMIT;
use super::report::shown;
use table::AIMS;

/// From here on a core is full: real-time programs get 95 % of one.
const FULL: f64 = 0.93;

struct Aim {
    what: &'static str,
    case: &'static str,
    measure: Measure,
}

enum Measure {
    /// In memory: so many times better than the official server.
    Times(&'static str, Better, f64),
    /// At most so much.
    AtMost(Peer, &'static str, f64, Form),
    /// At least so much.
    AtLeast(Peer, &'static str, f64, Form),
    /// The first is at most so many times the second, of the same peer.
    Within(Peer, &'static str, &'static str, f64),
}

#[derive(Clone, Copy)]
enum Better {
    More,
    Less,
}

/// What came of one aim.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) what: &'static str,
    pub(crate) wanted: String,
    pub(crate) reached: String,
    pub(crate) met: bool,
    /// What stood in the way, where the aim was missed.
    pub(crate) bound: Option<String>,
}

impl Verdict {
    pub(crate) fn json(&self) -> Value {
        json!({
            "aim": self.what,
            "wanted": self.wanted,
            "reached": self.reached,
            "met": self.met,
            "bound": self.bound,
        })
    }
}

/// The aims of everything that was measured.
pub(crate) fn judge(figures: &Figures) -> Vec<Verdict> {
    AIMS.iter().filter_map(|aim| aim.judge(figures)).collect()
}

impl Aim {
    fn judge(&self, figures: &Figures) -> Option<Verdict> {
        let get = |peer, pointer| figures.median(self.case, peer, pointer);
        let (peer, wanted, reached) = match &self.measure {
            Measure::Times(pointer, better, aim) => {
                if !figures.has(self.case, Peer::Official) || !figures.has(self.case, Peer::Memory)
                {
                    return None;
                }
                let (official, is_least) = match get(Peer::Official, pointer) {
                    Some(official) => (Some(official), ""),
                    // A storm that was given up took at least until then.
                    None => (
                        Some(STORM_LIMIT).filter(|_| *pointer == "/settled"),
                        "over ",
                    ),
                };
                let ratio = official
                    .zip(get(Peer::Memory, pointer))
                    .map(|(theirs, ours)| {
                        let ratio = match better {
                            Better::More => ours / theirs,
                            Better::Less => theirs / ours,
                        };
                        (format!("{is_least}{}", times_shown(ratio)), ratio >= *aim)
                    });
                (Peer::Memory, format!("{}× the official", *aim), ratio)
            }
            Measure::AtMost(peer, pointer, aim, form) => (
                *peer,
                format!("at most {}", shown(*aim, *form)),
                get(*peer, pointer).map(|got| (shown(got, *form), got <= *aim)),
            ),
            Measure::AtLeast(peer, pointer, aim, form) => (
                *peer,
                format!("at least {}", shown(*aim, *form)),
                get(*peer, pointer).map(|got| (shown(got, *form), got >= *aim)),
            ),
            Measure::Within(peer, ours, base, aim) => (
                *peer,
                format!("at most {aim}× nothing stored"),
                get(*peer, ours)
                    .zip(get(*peer, base))
                    .map(|(ours, base)| (times_shown(ours / base), ours / base <= *aim)),
            ),
        };
        if !figures.has(self.case, peer) {
            return None;
        }
        let (reached, met) = reached.unwrap_or(("not reached".to_owned(), false));
        Some(Verdict {
            what: self.what,
            wanted,
            reached,
            met,
            bound: (!met).then(|| self.bound(figures, peer)),
        })
    }

    /// How many times better than the official server this one is.
    fn ratio(&self, figures: &Figures, peer: Peer, pointer: &str, better: Better) -> Option<f64> {
        let get = |peer| figures.median(self.case, peer, pointer);
        let theirs = get(Peer::Official).or((pointer == "/settled").then_some(STORM_LIMIT))?;
        let ours = get(peer)?;
        Some(match better {
            Better::More => ours / theirs,
            Better::Less => theirs / ours,
        })
    }

    fn bound(&self, figures: &Figures, peer: Peer) -> String {
        let mut bound = self.who_is_full(figures, peer);
        if let Measure::Times(pointer, better, _) = self.measure
            && let Some(ratio) = self.ratio(figures, Peer::Relay, pointer, better)
        {
            bound += &format!("; the bare relay reaches {}", times_shown(ratio));
        }
        bound
    }

    fn who_is_full(&self, figures: &Figures, peer: Peer) -> String {
        if let Some(why) = figures.failure(self.case, peer) {
            return format!("failed: {why}");
        }
        let core = |pointer| figures.median(self.case, peer, pointer);
        match (core("/cores/server"), core("/cores/load")) {
            (_, Some(load)) if load >= FULL => {
                "load-bound: the generator's core is full".to_owned()
            }
            (Some(server), _) if server >= FULL => "the server's core is full".to_owned(),
            (Some(server), Some(load)) => format!(
                "waiting, not computing: the server took {} of its core, the load {} of its own",
                shown(server, Form::Cores),
                shown(load, Form::Cores)
            ),
            _ => "the figures do not tell".to_owned(),
        }
    }
}

/// A ratio with two digits that count.
pub(crate) fn times_shown(ratio: f64) -> String {
    if ratio >= 10.0 {
        format!("{ratio:.0}×")
    } else {
        format!("{ratio:.1}×")
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::made::figures;
    use super::*;

    fn verdict(figures: &Figures, what: &str) -> Verdict {
        let mut verdicts = judge(figures).into_iter();
        verdicts.find(|verdict| verdict.what == what).unwrap()
    }

    #[test]
    fn a_ratio_is_ours_to_theirs_whichever_way_is_better() {
        let speed = |speed: f64, load: f64| json!({ "per_second": speed, "cores": { "server": 0.9, "load": load } });
        let official = ("saturation-16", Peer::Official, speed(50_000.0, 0.2));
        let good = figures(&[
            official.clone(),
            ("saturation-16", Peer::Memory, speed(210_000.0, 0.8)),
        ]);
        let met = verdict(&good, "messages/s, 16 outstanding");
        assert!(met.met && met.bound.is_none(), "{met:?}");
        assert_eq!(met.reached, "4.2×");

        let bad = figures(&[
            official,
            ("saturation-16", Peer::Memory, speed(150_000.0, 0.95)),
            ("saturation-16", Peer::Relay, speed(190_000.0, 0.95)),
        ]);
        let missed = verdict(&bad, "messages/s, 16 outstanding");
        assert!(!missed.met);
        let bound = missed.bound.unwrap();
        assert!(bound.starts_with("load-bound"), "{bound}");
        assert!(bound.ends_with("the bare relay reaches 3.8×"), "{bound}");
    }

    #[test]
    fn a_storm_that_the_official_one_did_not_end_took_at_least_its_limit() {
        let figures = figures(&[
            ("storm-2000", Peer::Official, json!({ "settled": null })),
            ("storm-2000", Peer::Memory, json!({ "settled": 1.0 })),
        ]);
        let verdict = verdict(&figures, "2,000 at once");
        assert_eq!((verdict.met, verdict.reached.as_str()), (true, "over 90×"));
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        assert_eq!(judge(&Figures::default()), []);
        let alone = figures(&[("saturation-1", Peer::Memory, json!({ "per_second": 1.0 }))]);
        assert_eq!(judge(&alone), []);
    }

    #[test]
    fn a_number_that_never_came_misses_its_aim() {
        let figures = figures(&[("storm-10000", Peer::Memory, json!({ "settled": null }))]);
        let verdict = verdict(&figures, "10,000 at once");
        assert_eq!(
            (verdict.met, verdict.reached.as_str()),
            (false, "not reached")
        );
    }
}
