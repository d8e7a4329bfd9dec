//! `cargo xtask test`: the steps one after the other, and what came of them.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cargo::TestTargets;
use crate::display;
use crate::log::Log;
use crate::process;
use crate::repo::Repo;
use crate::steps::{self, Outcome, Step};
use crate::totals::Totals;

/// How much of a failed step's log is shown.
const TAIL_LINES: usize = 60;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    only: Vec<String>,
    list: bool,
}

impl Options {
    pub(crate) fn parse(words: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--list" => options.list = true,
                "--only" => {
                    let names = words.next().context("--only wants STEP[,STEP]")?;
                    options.only.extend(names.split(',').map(str::to_owned));
                }
                other => bail!("`cargo xtask test` does not know `{other}`"),
            }
        }
        Ok(options)
    }
}

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    PassedInPart(String),
    Failed,
    Skipped(String),
}

struct Record {
    name: String,
    verdict: Verdict,
    took: Duration,
    totals: Totals,
}

pub(crate) fn test(repo: &Repo, options: &Options) -> Result<ExitCode> {
    let steps = steps::all(&TestTargets::find(repo)?);
    if options.list {
        let rows: Vec<_> = steps
            .iter()
            .map(|step| vec![step.name.clone(), step.about.to_owned()])
            .collect();
        display::line(display::table(&rows).trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let steps = chosen(steps, &options.only)?;
    let _lock = repo.lock()?;
    let start = Instant::now();
    let mut results: Vec<Record> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        if process::interrupted() {
            display::line("interrupted");
            break;
        }
        let place = format!("[{}/{}]", index + 1, steps.len());
        display::line(&format!("{place} {} ({})", step.name, step.about));
        let result = run_one(repo, step, &results)?;
        display::line(&format!("    {}", summary(&result)));
        results.push(result);
    }
    report(&results, start.elapsed());
    let failed = results.len() < steps.len()
        || results
            .iter()
            .any(|result| result.verdict == Verdict::Failed);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The steps that were asked for, with those that they need, in their order.
fn chosen(steps: Vec<Step>, only: &[String]) -> Result<Vec<Step>> {
    if only.is_empty() {
        return Ok(steps);
    }
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for name in only {
        if !steps.iter().any(|step| step.name == *name) {
            bail!("there is no step `{name}`; `cargo xtask test --list` shows them");
        }
        wanted.insert(name.clone());
    }
    // Needs point backwards only, so one pass from the end finds them all.
    for step in steps.iter().rev() {
        if wanted.contains(&step.name) {
            wanted.extend(step.needs.iter().map(|need| (*need).to_owned()));
        }
    }
    Ok(steps
        .into_iter()
        .filter(|step| wanted.contains(&step.name))
        .collect())
}

fn run_one(repo: &Repo, step: &Step, earlier: &[Record]) -> Result<Record> {
    let result = |verdict, took, totals| Record {
        name: step.name.clone(),
        verdict,
        took,
        totals,
    };
    if let Some(cause) = obstacle(step, earlier) {
        let verdict = Verdict::Skipped(format!("{cause} failed"));
        return Ok(result(verdict, Duration::ZERO, Totals::ONE_SKIPPED));
    }
    let start = Instant::now();
    let mut log = Log::create(repo, &step.name)?;
    let (verdict, skipped) = match (step.work)(repo, &mut log) {
        Ok(Outcome::Done) => (Verdict::Passed, Totals::default()),
        Ok(Outcome::Skipped(why)) => (Verdict::PassedInPart(why.to_owned()), Totals::ONE_SKIPPED),
        Err(error) => {
            log.line(&format!("{error:#}"))?;
            display::line(&log.tail(TAIL_LINES));
            display::line(&format!("    all of it: {}", log.name()));
            (Verdict::Failed, Totals::default())
        }
    };
    let totals = Totals::read(step.counting, &log.text(), verdict != Verdict::Failed);
    Ok(result(verdict, start.elapsed(), totals + skipped))
}

/// An earlier step without which this one cannot work, or says nothing new.
fn obstacle(step: &Step, earlier: &[Record]) -> Option<String> {
    let stands_in_the_way = |result: &&Record| {
        let matters = step
            .needs
            .iter()
            .chain(step.pointless_after)
            .any(|need| *need == result.name);
        matters && matches!(result.verdict, Verdict::Failed | Verdict::Skipped(_))
    };
    earlier
        .iter()
        .find(stands_in_the_way)
        .map(|result| result.name.clone())
}

fn summary(result: &Record) -> String {
    let took = display::span(result.took);
    match &result.verdict {
        Verdict::Passed => format!("ok in {took}"),
        Verdict::PassedInPart(why) => format!("ok in {took}, but {why}"),
        Verdict::Failed => format!("FAILED after {took}"),
        Verdict::Skipped(why) => format!("skipped: {why}"),
    }
}

/// Where the time went, and last of all the totals.
fn report(results: &[Record], took: Duration) {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for result in results {
        let (verdict, why) = match &result.verdict {
            Verdict::Passed => ("ok", ""),
            Verdict::PassedInPart(why) => ("ok", why.as_str()),
            Verdict::Failed => ("FAILED", ""),
            Verdict::Skipped(why) => ("skipped", why.as_str()),
        };
        let share = 100.0 * result.took.as_secs_f64() / took.as_secs_f64().max(f64::EPSILON);
        let share = format!("{share:>3.0} %");
        let name = result.name.clone();
        rows.push(vec![
            name,
            verdict.into(),
            share,
            display::span(result.took),
            why.into(),
        ]);
    }
    rows.push(vec![
        "all".into(),
        String::new(),
        String::new(),
        display::span(took),
    ]);
    display::line("\nWhere the time went");
    display::line(display::table(&rows).trim_end());
    let totals: Totals = results.iter().map(|result| result.totals).sum();
    display::line(&totals.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::totals::Counting;

    fn step(name: &str, needs: &'static [&'static str], passes: bool) -> Step {
        Step {
            name: name.to_owned(),
            about: "a step of a test",
            needs,
            pointless_after: &[],
            counting: Counting::Check,
            work: Box::new(move |_, _| {
                if passes {
                    Ok(Outcome::Done)
                } else {
                    bail!("broken")
                }
            }),
        }
    }

    fn run_all(steps: &[Step]) -> Vec<Record> {
        let folder = tempfile::tempdir().unwrap();
        let repo = Repo::at(folder.path());
        let mut results = Vec::new();
        for step in steps {
            let result = run_one(&repo, step, &results).unwrap();
            results.push(result);
        }
        results
    }

    #[test]
    fn a_failure_skips_what_needs_it_and_nothing_else() {
        let steps = [
            step("npm", &[], false),
            step("ui-build", &["npm"], true),
            step("clippy", &["ui-build"], true),
            step("fmt", &[], true),
        ];
        let results = run_all(&steps);
        let verdicts: Vec<_> = results
            .iter()
            .map(|result| result.verdict.clone())
            .collect();
        assert_eq!(
            verdicts,
            [
                Verdict::Failed,
                Verdict::Skipped("npm failed".to_owned()),
                Verdict::Skipped("ui-build failed".to_owned()),
                Verdict::Passed,
            ]
        );
        let totals: Totals = results.iter().map(|result| result.totals).sum();
        assert_eq!(
            totals,
            Totals {
                passed: 1,
                failed: 1,
                skipped: 2
            }
        );
    }

    #[test]
    fn only_brings_what_it_needs_along() {
        let steps = || {
            vec![
                step("npm", &[], true),
                step("fmt", &[], true),
                step("ui-build", &["npm"], true),
                step("clippy", &["ui-build"], true),
            ]
        };
        let names = |only: &[&str]| -> Vec<String> {
            let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
            chosen(steps(), &only)
                .unwrap()
                .into_iter()
                .map(|step| step.name)
                .collect()
        };
        assert_eq!(names(&["clippy"]), ["npm", "ui-build", "clippy"]);
        assert_eq!(names(&["fmt"]), ["fmt"]);
        assert_eq!(names(&[]).len(), 4);
    }

    #[test]
    fn an_unknown_step_is_refused() {
        let error = chosen(vec![step("fmt", &[], true)], &["fnt".to_owned()])
            .err()
            .unwrap();
        assert!(error.to_string().starts_with("there is no step `fnt`"));
    }

    #[test]
    fn options_are_read() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let options = Options::parse(&words("--only fmt,tidy --list")).unwrap();
        assert_eq!(
            options,
            Options {
                only: words("fmt tidy"),
                list: true
            }
        );
        assert!(Options::parse(&words("--fast")).is_err());
        assert!(Options::parse(&words("--only")).is_err());
    }
}
