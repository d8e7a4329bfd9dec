//! The rules of the house that no other tool knows.
//!
//! Each rule is a function from what is in the checkout to its findings, and
//! has a test that shows it find something.

mod arrows;
mod budgets;
mod graph;
mod links;
mod locks;
mod marks;
mod places;
mod shell;
mod tree;

use std::fmt;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::log::Log;
use crate::repo::Repo;
use crate::{cargo, display};
use graph::Graph;
use tree::Tree;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    weight: Weight,
    /// A file, with a line where there is one, or a package.
    place: String,
    what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Warning,
    Error,
}

impl Finding {
    fn error(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            weight: Weight::Error,
            place: place.into(),
            what: what.into(),
        }
    }

    fn warning(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            weight: Weight::Warning,
            place: place.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Warning => "warning",
            Weight::Error => "error",
        };
        write!(to, "{weight}: {}: {}", self.place, self.what)
    }
}

/// `cargo xtask tidy`.
pub(crate) fn command(repo: &Repo) -> Result<ExitCode> {
    let (findings, share) = check(repo)?;
    for finding in &findings {
        display::line(&finding.to_string());
    }
    display::line(&share);
    let errors = errors(&findings);
    if errors > 0 {
        bail!("{errors} to put right");
    }
    Ok(ExitCode::SUCCESS)
}

/// The same as a step of `cargo xtask test`.
pub(crate) fn step(repo: &Repo, log: &mut Log) -> Result<()> {
    let (findings, share) = check(repo)?;
    for finding in &findings {
        log.line(&finding.to_string())?;
    }
    log.line(&share)?;
    let errors = errors(&findings);
    if errors > 0 {
        bail!("{errors} to put right");
    }
    Ok(())
}

fn errors(findings: &[Finding]) -> usize {
    findings
        .iter()
        .filter(|finding| finding.weight == Weight::Error)
        .count()
}

/// All findings, errors last so that one sees them, and the shell's share.
fn check(repo: &Repo) -> Result<(Vec<Finding>, String)> {
    let tree = Tree::load(repo)?;
    let graph = Graph::parse(&cargo::metadata(repo, &["--locked"])?)?;
    let share = shell::Share::of(&tree);
    let mut findings = arrows::check(&graph);
    findings.extend(budgets::check(&tree));
    findings.extend(share.check());
    findings.extend(marks::check(&tree));
    findings.extend(links::check(&tree));
    findings.extend(locks::check(&tree));
    findings.extend(places::check(&tree));
    findings.sort();
    Ok((findings, share.to_string()))
}
