//! Cargo as the checks call it: one selection of packages and features for
//! all of them, so that the tree of dependencies is compiled once.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::repo::Repo;

/// Everything but this tool, with the user interface embedded. This tool is
/// apart because a running program cannot be replaced everywhere.
///
/// Cargo decides the features of a dependency by all packages that are
/// selected: another selection would compile half of the tree again.
const SELECTION: [&str; 5] = [
    "--workspace",
    "--exclude",
    "xtask",
    "--features",
    "parlour/custom-protocol",
];

/// The package whose test targets need a step each.
const TESTS: &str = "parlour-tests";

/// The target of that package that drives the real app.
pub(crate) const APP: &str = "app";

/// The app and the server, as `run` needs them.
pub(crate) const PROGRAMS: [&str; 6] = [
    "-p",
    "parlour",
    "-p",
    "parlour-server",
    "--features",
    "parlour/custom-protocol",
];

/// `cargo SUBCOMMAND` on the selection, with a lock file that may not change.
pub(crate) fn selected(repo: &Repo, subcommand: &str) -> Command {
    let mut cargo = repo.cargo();
    cargo.arg(subcommand).arg("--locked").args(SELECTION);
    cargo
}

/// The names of the integration tests: those of the crates, and those of the
/// package of stories, which are a step each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TestTargets {
    pub(crate) of_crates: Vec<String>,
    pub(crate) of_tests: Vec<String>,
}

impl TestTargets {
    pub(crate) fn has_app(&self) -> bool {
        self.of_tests.iter().any(|name| name == APP)
    }

    pub(crate) fn find(repo: &Repo) -> Result<Self> {
        Self::parse(&metadata(repo, &["--no-deps"])?)
    }

    fn parse(metadata: &Value) -> Result<Self> {
        let mut found = Self::default();
        for package in list(metadata, "packages")? {
            for target in list(package, "targets")? {
                let is_test = list(target, "kind")?.iter().any(|kind| kind == "test");
                if !is_test || package["name"] == "xtask" {
                    continue;
                }
                let name = target["name"].as_str().context("a target without a name")?;
                let names = if package["name"] == TESTS {
                    &mut found.of_tests
                } else {
                    &mut found.of_crates
                };
                names.push(name.to_owned());
            }
        }
        found.of_crates.sort();
        found.of_crates.dedup();
        Ok(found)
    }
}

/// What cargo knows about the packages.
pub(crate) fn metadata(repo: &Repo, options: &[&str]) -> Result<Value> {
    let mut cargo = repo.cargo();
    cargo
        .args(["metadata", "--format-version", "1", "--quiet"])
        .args(options);
    let output = cargo.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata: not JSON")
}

/// The elements of an array that has to be there.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key]
        .as_array()
        .with_context(|| format!("cargo metadata: no list `{key}`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn test_targets_are_found_by_their_kind() {
        let targets = |kinds: &[(&str, &str)]| -> Vec<Value> {
            kinds
                .iter()
                .map(|(name, kind)| json!({ "name": name, "kind": [kind] }))
                .collect()
        };
        let metadata = json!({ "packages": [
            { "name": "xtask", "targets": targets(&[("own", "test")]) },
            { "name": "parlour-server", "targets": targets(&[("hub", "test"), ("x", "lib")]) },
            { "name": "parlour-client", "targets": targets(&[("hub", "test")]) },
            { "name": "parlour-tests", "targets": targets(&[("stories", "test")]) },
        ] });
        let found = TestTargets::parse(&metadata).unwrap();
        assert_eq!(found.of_crates, ["hub"]);
        assert_eq!(found.of_tests, ["stories"]);
    }

    #[test]
    fn another_shape_is_an_error_and_not_an_empty_list() {
        let error = TestTargets::parse(&json!({})).unwrap_err();
        assert_eq!(error.to_string(), "cargo metadata: no list `packages`");
    }
}
