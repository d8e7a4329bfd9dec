//! How many tests passed, failed and were left out, read from what the test
//! runners print.

use std::iter::Sum;
use std::ops::Add;

/// How a step's tests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    /// The step is one check.
    Check,
    /// The `test result:` lines of cargo's test programs.
    Cargo,
    /// The `Tests` line of vitest.
    Vitest,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Totals {
    pub(crate) const ONE_SKIPPED: Self = Self {
        passed: 0,
        failed: 0,
        skipped: 1,
    };

    /// What a step's log says, given whether the step succeeded. A failure
    /// counts at least one, also where no test came to its end.
    pub(crate) fn read(counting: Counting, log: &str, succeeded: bool) -> Self {
        let mut totals = match counting {
            Counting::Check => Self {
                passed: u64::from(succeeded),
                ..Self::default()
            },
            Counting::Cargo => log.lines().filter_map(cargo_line).sum(),
            Counting::Vitest => log.lines().filter_map(vitest_line).sum(),
        };
        if !succeeded {
            totals.failed = totals.failed.max(1);
        }
        totals
    }
}

/// `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; …`
fn cargo_line(line: &str) -> Option<Totals> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    Some(words(counts.split(';')))
}

/// `      Tests  1 failed | 33 passed | 2 skipped (36)`
fn vitest_line(line: &str) -> Option<Totals> {
    let counts = line.trim_start().strip_prefix("Tests ")?;
    let counts = counts.split('(').next()?;
    Some(words(counts.split('|')))
}

/// Numbers by the word behind them; other words do not count.
fn words<'a>(counts: impl Iterator<Item = &'a str>) -> Totals {
    let mut totals = Totals::default();
    for count in counts {
        let mut parts = count.split_whitespace();
        let Some(number) = parts.next().and_then(|number| number.parse::<u64>().ok()) else {
            continue;
        };
        match parts.next() {
            Some("passed") => totals.passed += number,
            Some("failed") => totals.failed += number,
            Some("ignored" | "skipped" | "todo") => totals.skipped += number,
            _ => {}
        }
    }
    totals
}

impl Add for Totals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl Sum for Totals {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Self::add)
    }
}

impl std::fmt::Display for Totals {
    /// The last line of `cargo xtask test`; build services read it.
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(
            to,
            "total: {passed} passed, {failed} failed, {skipped} skipped"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARGO: &str = "\
running 6 tests
test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s
test result: FAILED. 7 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.2s
";

    #[test]
    fn cargo_results_are_summed_over_the_programs() {
        let totals = Totals::read(Counting::Cargo, CARGO, false);
        assert_eq!(
            totals,
            Totals {
                passed: 12,
                failed: 2,
                skipped: 1
            }
        );
    }

    #[test]
    fn vitest_counts_tests_and_not_files() {
        let log = " Test Files  1 failed | 3 passed (4)\n      Tests  1 failed | 33 passed | 2 skipped (36)\n";
        let totals = Totals::read(Counting::Vitest, log, false);
        assert_eq!(
            totals,
            Totals {
                passed: 33,
                failed: 1,
                skipped: 2
            }
        );
    }

    #[test]
    fn a_check_counts_one() {
        let passed = Totals::read(Counting::Check, CARGO, true);
        assert_eq!(
            passed,
            Totals {
                passed: 1,
                failed: 0,
                skipped: 0
            }
        );
    }

    #[test]
    fn a_step_that_fails_before_any_test_counts_as_failed() {
        let totals = Totals::read(Counting::Cargo, "error: could not compile", false);
        assert_eq!(
            totals,
            Totals {
                passed: 0,
                failed: 1,
                skipped: 0
            }
        );
    }

    #[test]
    fn the_last_line_has_a_fixed_form() {
        let totals = Totals {
            passed: 3,
            failed: 0,
            skipped: 1,
        };
        assert_eq!(totals.to_string(), "total: 3 passed, 0 failed, 1 skipped");
    }
}
