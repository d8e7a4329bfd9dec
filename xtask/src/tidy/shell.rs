//! The shell wires and does not decide, and its size is the witness.

use std::fmt;

use super::Finding;
use super::tree::Tree;

/// Of a hundred lines of Rust, how many may be the shell's.
const LIMIT_PERCENT: usize = 5;

/// Lines of Rust code, tests apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Share {
    shell: usize,
    all: usize,
}

impl Share {
    pub(super) fn of(tree: &Tree) -> Self {
        let mut share = Self { shell: 0, all: 0 };
        for source in &tree.sources {
            if !source.has_extension(&["rs"]) || source.is_test() || source.is_generated() {
                continue;
            }
            let lines = source.code_lines();
            share.all += lines;
            if source.path.starts_with("src-tauri/") {
                share.shell += lines;
            }
        }
        share
    }

    pub(super) fn check(&self) -> Vec<Finding> {
        if self.shell * 100 <= self.all * LIMIT_PERCENT {
            return Vec::new();
        }
        let what = format!("{self}, at most {LIMIT_PERCENT} %: move decisions into the engine");
        vec![Finding::error("src-tauri", what)]
    }
}

impl fmt::Display for Share {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shell, all } = self;
        // Tenths of a per cent, rounded down.
        let tenths = shell * 1000 / (*all).max(1);
        let (percent, tenth) = (tenths / 10, tenths % 10);
        write!(
            to,
            "the shell is {shell} of {all} lines of Rust, {percent}.{tenth} %"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(shell: usize, engine: usize) -> Share {
        let lines = |count: usize| "fn a() {}\n".repeat(count);
        Share::of(&Tree::of(&[
            ("src-tauri/src/lib.rs", &lines(shell)),
            ("crates/client/src/task.rs", &lines(engine)),
            ("tests/app/main.rs", &lines(1_000)),
        ]))
    }

    #[test]
    fn five_in_a_hundred_are_fine() {
        assert_eq!(share(5, 95).check(), []);
    }

    #[test]
    fn more_is_an_error_however_many_tests_there_are() {
        let found = share(6, 94).check();
        assert_eq!(found.len(), 1);
        assert!(
            found[0]
                .what
                .starts_with("the shell is 6 of 100 lines of Rust, 6.0 %")
        );
    }
}
