//! What a person reads of `bench client`.

use serde_json::{Value, json};

use super::Figures;
use crate::bench::aims::times_shown;
use crate::bench::load::Outcome;
use crate::bench::metrics::Form;
use crate::bench::peers::Peer;
use crate::bench::report::shown;
use crate::display;

/// What is timed of a history: its name, where it is, and what it is meant to
/// take at most, in milliseconds, 99 times of 100.
const TIMES: [(&str, &str, Option<f64>); 10] = [
    ("cold start to the snapshot", "/start", None),
    ("open a conversation at its end", "/open", Some(50.0)),
    ("a page back", "/back", Some(10.0)),
    ("a page forward", "/forward", Some(10.0)),
    ("search: a common word", "/search/common", Some(100.0)),
    (
        "search: the same in one conversation",
        "/search/common_in_one",
        Some(100.0),
    ),
    ("search: a rare word", "/search/rare", Some(100.0)),
    (
        "search: a word of no message",
        "/search/nowhere",
        Some(100.0),
    ),
    ("search: two characters", "/search/short", Some(100.0)),
    ("queue a message durably", "/queue", None),
];

const OTHERS: [(&str, &str, Form); 4] = [
    (
        "bulk: stored and indexed a second",
        "/stored_per_second",
        Form::Count,
    ),
    ("bytes of the database", "/file", Form::Count),
    ("memory", "/memory/now", Form::Mebibytes),
    ("peak memory", "/memory/peak", Form::Mebibytes),
];

/// How much longer a cold start may take with the long history.
const START_RATIO: f64 = 1.5;

/// After so many seconds a dead link is to be seen.
const DEAD: f64 = 20.0;

fn number(outcome: &Outcome, pointer: &str) -> Option<f64> {
    outcome.as_ref().ok()?.pointer(pointer)?.as_f64()
}

fn cell(value: Option<f64>, form: Form) -> String {
    value.map_or("-".to_owned(), |value| shown(value, form))
}

fn ratio(one: Option<f64>, other: Option<f64>) -> String {
    match (one, other) {
        (Some(one), Some(other)) if other > 0.0 => times_shown(one / other),
        _ => String::new(),
    }
}

pub(super) fn history(figures: &Figures) -> String {
    let name = |outcome: &Outcome| cell(number(outcome, "/messages"), Form::Count);
    let mut rows = vec![vec![
        String::new(),
        String::new(),
        name(&figures.short),
        name(&figures.long),
        "long : short".to_owned(),
    ]];
    let mut row = |label: &str, part: &str, pointer: &str, form| {
        let short = number(&figures.short, pointer);
        let long = number(&figures.long, pointer);
        rows.push(vec![
            label.to_owned(),
            part.to_owned(),
            cell(short, form),
            cell(long, form),
            ratio(long, short),
        ]);
    };
    for (label, pointer, _) in TIMES {
        row(label, "p50", &format!("{pointer}/p50"), Form::Millis);
        row("", "p99", &format!("{pointer}/p99"), Form::Millis);
    }
    for (label, pointer, form) in OTHERS {
        row(label, "", pointer, form);
    }
    let mut text = format!("\nA history of messages\n{}", display::table(&rows));
    for outcome in [&figures.short, &figures.long] {
        text += &failure("history", outcome);
    }
    text.trim_end().to_owned()
}

fn failure(what: &str, outcome: &Outcome) -> String {
    match outcome {
        Ok(_) => String::new(),
        Err(why) => format!("  {what}: {why}\n"),
    }
}

pub(super) fn connectors(figures: &Figures) -> String {
    let header = ["", "", "own", "rust_socketio", "own : rust_socketio"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let lines = [
        ("connect to `users`, p50", "connect/p50", Form::Millis),
        ("connect to `users`, p99", "connect/p99", Form::Millis),
        ("messages/s", "per_second", Form::Count),
        ("there and back, p50", "round_trip/p50", Form::Millis),
        ("there and back, p99", "round_trip/p99", Form::Millis),
        ("a dead link is seen after", "dead_after", Form::Seconds),
    ];
    for (peer, outcome) in &figures.connectors {
        for (index, (label, pointer, form)) in lines.into_iter().enumerate() {
            let own = number(outcome, &format!("/own/{pointer}"));
            let other = number(outcome, &format!("/rust_socketio/{pointer}"));
            if own.is_none() && other.is_none() {
                continue;
            }
            rows.push(vec![
                if index == 0 { peer.name() } else { "" }.to_owned(),
                label.to_owned(),
                cell(own, form),
                cell(other, form),
                ratio(own, other),
            ]);
        }
    }
    let mut text = format!(
        "\nConnectors, against each server\n{}",
        display::table(&rows)
    );
    for (peer, outcome) in &figures.connectors {
        text += &failure(peer.name(), outcome);
    }
    text.trim_end().to_owned()
}

pub(super) fn queue(figures: &Figures) -> String {
    let header = ["", "queued on the disk/s", "sent/s"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for (peer, outcome) in &figures.queue {
        rows.push(vec![
            peer.name().to_owned(),
            cell(number(outcome, "/queued_per_second"), Form::Count),
            cell(number(outcome, "/sent_per_second"), Form::Count),
        ]);
    }
    let mut text = format!("\nThe whole client\n{}", display::table(&rows));
    for (peer, outcome) in &figures.queue {
        text += &failure(peer.name(), outcome);
    }
    text.trim_end().to_owned()
}

/// What was wanted, and what came of it.
pub(super) struct Aim {
    what: String,
    wanted: String,
    reached: String,
    met: bool,
}

impl Aim {
    pub(super) fn json(&self) -> Value {
        json!({
            "aim": self.what,
            "wanted": self.wanted,
            "reached": self.reached,
            "met": self.met,
        })
    }
}

/// The aims of everything that was measured.
pub(super) fn aims(figures: &Figures) -> Vec<Aim> {
    let mut aims = Vec::new();
    for (what, pointer, most) in TIMES {
        let Some(most) = most else { continue };
        let reached = number(&figures.long, &format!("{pointer}/p99"));
        aims.push(Aim {
            what: format!("{what}, p99"),
            wanted: format!("at most {}", shown(most, Form::Millis)),
            reached: cell(reached, Form::Millis),
            met: reached.is_some_and(|reached| reached <= most),
        });
    }
    let start = |outcome| number(outcome, "/start/p50");
    let (long, short) = (start(&figures.long), start(&figures.short));
    aims.push(Aim {
        what: "cold start does not grow with the history".to_owned(),
        wanted: format!("at most {START_RATIO}× the short one"),
        reached: ratio(long, short),
        met: long
            .zip(short)
            .is_some_and(|(long, short)| long / short <= START_RATIO),
    });
    for (peer, outcome) in &figures.connectors {
        aims.extend(dead_link(*peer, outcome));
    }
    aims
}

fn dead_link(peer: Peer, outcome: &Outcome) -> Option<Aim> {
    let asked = outcome.as_ref().ok()?.pointer("/own/dead_after")?;
    let other = number(outcome, "/rust_socketio/dead_after");
    if asked.is_null() && other.is_none() {
        return None;
    }
    let reached = asked.as_f64();
    Some(Aim {
        what: format!("a dead link to {} is seen", peer.name()),
        wanted: format!("after at most {}", shown(DEAD, Form::Seconds)),
        reached: cell(reached, Form::Seconds),
        met: reached.is_some_and(|reached| reached <= DEAD),
    })
}

pub(super) fn aims_text(aims: &[Aim]) -> String {
    let rows: Vec<Vec<String>> = aims
        .iter()
        .map(|aim| {
            let met = if aim.met { "met" } else { "MISSED" };
            vec![
                aim.what.clone(),
                aim.wanted.clone(),
                aim.reached.clone(),
                met.to_owned(),
            ]
        })
        .collect();
    format!("\nAims\n{}", display::table(&rows))
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(millis: f64) -> Outcome {
        let time = json!({ "p50": millis, "p99": millis });
        let mut value = json!({ "messages": 10, "search": {} });
        for (_, pointer, _) in TIMES {
            let mut at = &mut value;
            for part in pointer.trim_start_matches('/').split('/') {
                at = &mut at[part];
            }
            *at = time.clone();
        }
        Ok(value)
    }

    fn figures(short: f64, long: Outcome) -> Figures {
        Figures {
            short: history(short),
            long,
            connectors: vec![(
                Peer::Official,
                Ok(
                    json!({ "own": { "dead_after": 12.5 }, "rust_socketio": { "dead_after": null } }),
                ),
            )],
            queue: Vec::new(),
        }
    }

    #[test]
    fn an_aim_is_met_or_missed_by_the_long_history() {
        let met = aims(&figures(5.0, history(6.0)));
        assert!(met.iter().all(|aim| aim.met));
        assert_eq!(met.len(), 10);
        let missed = aims(&figures(5.0, history(60.0)));
        let missed: Vec<&str> = missed
            .iter()
            .filter(|aim| !aim.met)
            .map(|aim| aim.what.as_str())
            .collect();
        assert_eq!(missed[0], "open a conversation at its end, p99");
        assert_eq!(missed.len(), 4, "{missed:?}");
    }

    #[test]
    fn what_could_not_be_measured_is_missed_and_told() {
        let figures = figures(5.0, Err("the disk is full".to_owned()));
        let missed = aims(&figures);
        assert_eq!(missed.iter().filter(|aim| !aim.met).count(), 9);
        assert!(super::history(&figures).contains("the disk is full"));
        assert!(aims_text(&missed).contains("MISSED"));
    }
}
