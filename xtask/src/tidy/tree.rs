//! The files of the checkout, and which kind each is.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, bail};

use crate::repo::Repo;

/// A file of text.
pub(super) struct Source {
    /// From the root, with `/` on every system.
    pub(super) path: String,
    pub(super) text: String,
}

/// What git knows or would take: not what is ignored.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) sources: Vec<Source>,
    /// Every file, also those that are not text.
    pub(super) paths: BTreeSet<String>,
}

impl Tree {
    pub(super) fn load(repo: &Repo) -> Result<Self> {
        let list = [
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ];
        let output = repo.command("git").args(list).output()?;
        if !output.status.success() {
            bail!(
                "git ls-files: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let mut tree = Self::default();
        for path in String::from_utf8_lossy(&output.stdout).split('\0') {
            // A file that was deleted and not yet committed is listed too.
            let full = repo.path(path);
            if path.is_empty() || !full.is_file() {
                continue;
            }
            tree.paths.insert(path.to_owned());
            if let Ok(text) = String::from_utf8(fs::read(full)?) {
                tree.sources.push(Source {
                    path: path.to_owned(),
                    text,
                });
            }
        }
        Ok(tree)
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.paths.insert((*path).to_owned());
            tree.sources.push(Source {
                path: (*path).to_owned(),
                text: (*text).to_owned(),
            });
        }
        tree
    }
}

impl Source {
    pub(super) fn has_extension(&self, extensions: &[&str]) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.')
            .is_some_and(|(_, extension)| extensions.contains(&extension))
    }

    /// Made by a tool: nobody reads it line by line.
    pub(super) fn is_generated(&self) -> bool {
        self.path.contains("/generated/") || self.is_lock()
    }

    pub(super) fn is_lock(&self) -> bool {
        self.path.ends_with("package-lock.json") || self.path.ends_with("Cargo.lock")
    }

    /// A file that holds nothing but tests and what they need.
    pub(super) fn is_test(&self) -> bool {
        let folders: Vec<&str> = self.path.split('/').collect();
        let Some((name, folders)) = folders.split_last() else {
            return false;
        };
        let stem = name.split('.').next().unwrap_or_default();
        folders
            .iter()
            .any(|folder| matches!(*folder, "tests" | "test"))
            || name.contains(".test.")
            || name.contains(".spec.")
            || stem == "tests"
            || stem.ends_with("_tests")
            || stem.ends_with("_test")
    }

    /// The lines before the module of unit tests, which ends a file here.
    pub(super) fn lines_without_tests(&self) -> impl Iterator<Item = &str> {
        let lines: Vec<&str> = self.text.lines().collect();
        let starts = |window: &[&str]| {
            let [attribute, module] = window else {
                return false;
            };
            attribute.starts_with("#[cfg(") && attribute.contains("test") && is_module(module)
        };
        let end = lines.windows(2).position(starts).unwrap_or(lines.len());
        lines.into_iter().take(end)
    }

    /// Lines that hold code: neither blank, nor only a comment, nor tests.
    pub(super) fn code_lines(&self) -> usize {
        let lines = self.lines_without_tests().map(str::trim);
        lines
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .count()
    }
}

/// `mod tests {`, and not `mod tests;`, whose file is a file of tests.
fn is_module(line: &str) -> bool {
    line.starts_with("mod ") && line.ends_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_test_is_known_by_its_place_or_name() {
        for path in [
            "tests/app/main.rs",
            "crates/server/tests/hub.rs",
            "crates/client/src/session_tests.rs",
            "crates/client/src/outbox/tests.rs",
            "ui/src/state/apply.test.ts",
        ] {
            assert!(source(path, "").is_test(), "{path}");
        }
        for path in [
            "xtask/src/test.rs",
            "crates/server/src/hub.rs",
            "ui/src/contest.ts",
        ] {
            assert!(!source(path, "").is_test(), "{path}");
        }
    }

    #[test]
    fn unit_tests_blank_lines_and_comments_are_no_code() {
        let text =
            "//! Why.\n\nfn one() {}\n// why\n#[cfg(test)]\nmod tests {\n    fn two() {}\n}\n";
        assert_eq!(source("a.rs", text).code_lines(), 1);
    }

    #[test]
    fn what_follows_an_outside_test_module_still_counts() {
        let text = "#[cfg(test)]\nmod tests;\nfn one() {}\n";
        assert_eq!(source("a.rs", text).lines_without_tests().count(), 3);
    }
}
