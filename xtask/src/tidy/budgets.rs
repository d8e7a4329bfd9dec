//! How long a file may be. A long file holds more than one idea.

use super::Finding;
use super::tree::Tree;

/// Lines from which a file is looked at again.
const WARNING: usize = 300;

/// Lines that no file exceeds.
const LIMIT: usize = 500;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let is_code = source.has_extension(&["rs", "ts", "svelte", "mjs", "js"]);
        if !is_code || source.is_test() || source.is_generated() {
            continue;
        }
        let lines = source.lines_without_tests().count();
        if lines > LIMIT {
            let what = format!("{lines} lines, at most {LIMIT}: divide it");
            findings.push(Finding::error(&source.path, what));
        } else if lines > WARNING {
            let what = format!("{lines} lines, better at most {WARNING}");
            findings.push(Finding::warning(&source.path, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, lines: usize) -> Vec<Finding> {
        check(&Tree::of(&[(path, &"let x = 1;\n".repeat(lines))]))
    }

    #[test]
    fn a_long_file_is_a_warning_and_a_very_long_one_an_error() {
        assert_eq!(findings("src/a.rs", 300), []);
        let warned = Finding::warning("src/a.rs", "301 lines, better at most 300");
        assert_eq!(findings("src/a.rs", 301), [warned]);
        let refused = Finding::error("ui/src/A.svelte", "501 lines, at most 500: divide it");
        assert_eq!(findings("ui/src/A.svelte", 501), [refused]);
    }

    #[test]
    fn tests_and_generated_code_may_be_long() {
        for path in [
            "tests/app/main.rs",
            "ui/src/generated/A.ts",
            "ui/src/a.test.ts",
            "notes.md",
        ] {
            assert_eq!(findings(path, 900), [], "{path}");
        }
    }

    #[test]
    fn unit_tests_at_the_end_of_a_file_do_not_count() {
        let tests = format!(
            "#[cfg(test)]\nmod tests {{\n{}}}\n",
            "    // x\n".repeat(900)
        );
        assert_eq!(check(&Tree::of(&[("src/a.rs", &tests)])), []);
    }
}
