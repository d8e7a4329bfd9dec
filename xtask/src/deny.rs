//! Licences, sources and known vulnerabilities of what is linked.

use anyhow::{Result, bail};

use crate::log::Log;
use crate::repo::Repo;
use crate::steps::Outcome;
use crate::tools;

/// What cargo-deny says when the list of advisories could not be fetched.
const UNREACHABLE: &str = "failed to fetch advisory database";

/// A finding fails. That the list of advisories cannot be reached does not:
/// it says nothing about what is linked.
pub(crate) fn check(repo: &Repo, log: &mut Log) -> Result<Outcome> {
    let program = tools::cargo_deny(repo, log)?;
    let mut deny = repo.command(&program.to_string_lossy());
    log.run(deny.args(["--locked", "check", "bans", "licenses", "sources"]))?;
    let mut deny = repo.command(&program.to_string_lossy());
    deny.args(["--locked", "--format", "json", "check", "advisories"]);
    match log.run(&mut deny) {
        Ok(()) => Ok(Outcome::Done),
        Err(_) if only_unreachable(&log.text()) => Ok(Outcome::Skipped(
            "the list of advisories could not be fetched: vulnerabilities were not checked",
        )),
        Err(error) => bail!("{error:#}"),
    }
}

/// Whether the list could not be fetched, and nothing else was found.
fn only_unreachable(log: &str) -> bool {
    let finding = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).is_ok_and(|value| {
            value["type"] == "diagnostic" && value["fields"]["severity"] == "error"
        })
    };
    log.contains(UNREACHABLE) && !log.lines().any(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FETCH: &str = r#"{"type":"log","fields":{"level":"ERROR","message":"failed to fetch advisory database X"}}"#;
    const FINDING: &str =
        r#"{"type":"diagnostic","fields":{"severity":"error","code":"vulnerability"}}"#;

    #[test]
    fn no_network_is_no_finding() {
        assert!(only_unreachable(FETCH));
    }

    #[test]
    fn a_finding_is_one_with_and_without_a_network() {
        assert!(!only_unreachable(FINDING));
        assert!(!only_unreachable(&format!("{FETCH}\n{FINDING}\n")));
    }

    #[test]
    fn any_other_failure_is_a_failure() {
        assert!(!only_unreachable("thread 'main' panicked"));
    }
}
