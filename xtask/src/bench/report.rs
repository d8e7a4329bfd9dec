//! What a person reads, and the same for programs.

use serde_json::{Value, json};

use super::aims::{Verdict, times_shown};
use super::figures::Figures;
use super::metrics::{Form, Metric};
use super::options::Options;
use super::peers::{Peer, Peers};
use super::place::Places;
use super::plan::Scenario;
use crate::{display, machine as system};

/// Over this the machine has other things to do.
const BUSY: f64 = 0.7;

/// What the figures were measured on.
pub(crate) struct Machine {
    rows: Vec<(&'static str, String)>,
}

pub(crate) fn machine(places: &Places, disk: &Value) -> Machine {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model
        .and_then(|rest| rest.split(':').nth(1))
        .unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    let busy = load.parse().is_ok_and(|load: f64| load > BUSY);
    let sync = |pointer| {
        disk.pointer(pointer)
            .and_then(Value::as_f64)
            .unwrap_or(f64::NAN)
    };
    let mut rows = vec![
        ("processor", format!("{}, {cores} cores", model.trim())),
        (
            "system",
            format!(
                "{} {}, Node {}",
                std::env::consts::OS,
                read("/proc/sys/kernel/osrelease").trim(),
                system::answer("node", &["--version"]).unwrap_or("absent".to_owned())
            ),
        ),
        (
            "disk",
            format!(
                "a page appended and synced in {} (p50), {} (p99)",
                shown(sync("/sync/p50"), Form::Millis),
                shown(sync("/sync/p99"), Form::Millis)
            ),
        ),
        ("placement", places.said.clone()),
        ("load before", load),
    ];
    if busy {
        rows.push((
            "beware",
            "the machine is busy: these figures are noise".to_owned(),
        ));
    }
    Machine { rows }
}

impl Machine {
    pub(crate) fn text(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|(name, value)| vec![(*name).to_owned(), value.clone()])
            .collect();
        display::table(&rows).trim_end().to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        self.rows
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect()
    }
}

/// The table of one scenario: a row for each case and number, a column for
/// each server, and how this one in memory stands beside the official one.
pub(crate) fn scenario(scenario: &Scenario, peers: &Peers<'_>, figures: &Figures) -> String {
    let chosen = peers.chosen(&scenario.peers);
    let compares = chosen.contains(&Peer::Official) && chosen.contains(&Peer::Memory);
    let mut header = vec![String::new(), String::new()];
    header.extend(chosen.iter().map(|peer| peer.name().to_owned()));
    if compares {
        header.push("memory : official".to_owned());
    }
    let mut rows = vec![header];
    for case in &scenario.cases {
        for (index, metric) in scenario.metrics.iter().enumerate() {
            let label = if index == 0 { case.label.as_str() } else { "" };
            let mut row = vec![label.to_owned(), metric.label.to_owned()];
            row.extend(
                chosen
                    .iter()
                    .map(|peer| cell(figures, &case.name, *peer, metric)),
            );
            if compares {
                row.push(ratio(figures, &case.name, metric));
            }
            rows.push(row);
        }
    }
    let mut text = format!("\n{}\n{}", scenario.title, display::table(&rows));
    for case in &scenario.cases {
        for peer in &chosen {
            if let Some(why) = figures.failure(&case.name, *peer) {
                text += &format!("  {} with {}: {why}\n", case.label, peer.name());
            }
        }
    }
    text.trim_end().to_owned()
}

fn cell(figures: &Figures, case: &str, peer: Peer, metric: &Metric) -> String {
    let median = figures.median(case, peer, metric.pointer);
    median.map_or("-".to_owned(), |value| shown(value, metric.form))
}

fn ratio(figures: &Figures, case: &str, metric: &Metric) -> String {
    let ours = figures.median(case, Peer::Memory, metric.pointer);
    let theirs = figures.median(case, Peer::Official, metric.pointer);
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return String::new();
    };
    match metric.form {
        _ if ours <= 0.0 || theirs <= 0.0 => String::new(),
        Form::Cores => String::new(),
        _ if ours >= theirs => times_shown(ours / theirs),
        _ => format!("1/{}", times_shown(theirs / ours).trim_end_matches('×')),
    }
}

/// A number as a person reads it.
pub(crate) fn shown(value: f64, form: Form) -> String {
    match form {
        Form::Count => thousands(value),
        Form::Millis if value < 1.0 => format!("{value:.3} ms"),
        Form::Millis if value < 100.0 => format!("{value:.1} ms"),
        Form::Millis => format!("{value:.0} ms"),
        Form::Seconds => format!("{value:.2} s"),
        Form::Mebibytes => format!("{:.0} MiB", value / 1024.0),
        Form::Kibibytes => format!("{value:.1} KiB"),
        Form::Cores => format!("{:.0} %", value * 100.0),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn aims(verdicts: &[Verdict]) -> String {
    if verdicts.is_empty() {
        return "\nno aim was measured in this run".to_owned();
    }
    let rows: Vec<Vec<String>> = verdicts
        .iter()
        .map(|verdict| {
            vec![
                verdict.what.to_owned(),
                verdict.wanted.clone(),
                verdict.reached.clone(),
                if verdict.met { "met" } else { "MISSED" }.to_owned(),
                verdict.bound.clone().unwrap_or_default(),
            ]
        })
        .collect();
    format!("\nAims\n{}", display::table(&rows))
        .trim_end()
        .to_owned()
}

pub(crate) fn json(
    machine: &Machine,
    options: &Options,
    figures: &Figures,
    verdicts: &[Verdict],
) -> Value {
    json!({
        "machine": machine.json(),
        "quick": options.quick,
        "figures": figures.json(),
        "aims": verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::figures::made::figures;
    use super::*;

    #[test]
    fn numbers_are_shown_with_the_digits_that_count() {
        let cases = [
            (1_234_567.0, Form::Count, "1,234,567"),
            (999.0, Form::Count, "999"),
            (0.0951, Form::Millis, "0.095 ms"),
            (6.36, Form::Millis, "6.4 ms"),
            (830.4, Form::Millis, "830 ms"),
            (22.512, Form::Seconds, "22.51 s"),
            (2048.0, Form::Mebibytes, "2 MiB"),
            (3.61, Form::Kibibytes, "3.6 KiB"),
            (0.949, Form::Cores, "95 %"),
        ];
        for (value, form, text) in cases {
            assert_eq!(shown(value, form), text);
        }
    }

    #[test]
    fn a_ratio_names_the_larger_side() {
        let metric = |form| Metric {
            label: "x",
            pointer: "/x",
            form,
        };
        let figures = figures(&[
            ("a", Peer::Official, json!({ "x": 10 })),
            ("a", Peer::Memory, json!({ "x": 40 })),
            ("b", Peer::Official, json!({ "x": 40 })),
            ("b", Peer::Memory, json!({ "x": 1 })),
        ]);
        assert_eq!(ratio(&figures, "a", &metric(Form::Count)), "4.0×");
        assert_eq!(ratio(&figures, "b", &metric(Form::Millis)), "1/40");
        assert_eq!(ratio(&figures, "b", &metric(Form::Cores)), "");
        assert_eq!(ratio(&figures, "c", &metric(Form::Count)), "");
    }
}
