//! Paths of somebody's machine have no place in the project: they are wrong
//! everywhere else.

use super::Finding;
use super::tree::Tree;

/// How such paths start. In pieces, so that this file is not a finding.
const STARTS: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("/tmp/br", "ief"),
];

/// Neighbours of the checkout.
const OUTSIDE: &str = concat!("../sha", "red/");

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources.iter().filter(|source| !source.is_lock()) {
        for (index, line) in source.text.lines().enumerate() {
            let start = STARTS.iter().find(|start| starts_a_path(line, start));
            let outside = line.contains(OUTSIDE).then_some(&OUTSIDE);
            if let Some(found) = start.or(outside) {
                let place = format!("{}:{}", source.path, index + 1);
                findings.push(Finding::error(
                    place,
                    format!("`{found}`: a path of one machine"),
                ));
            }
        }
    }
    findings
}

/// Whether the path begins there: not in the middle of another one.
fn starts_a_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before
            .is_some_and(|character| character.is_alphanumeric() || "._-~/)}>*".contains(character))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_such_path_is_found() {
        for start in STARTS.iter().chain([&OUTSIDE]) {
            let text = format!("one\nlet path = \"{start}x\";\n");
            let found = check(&Tree::of(&[("src/a.rs", &text)]));
            assert_eq!(found.len(), 1, "{start}");
            assert_eq!(found[0].place, "src/a.rs:2");
        }
    }

    #[test]
    fn a_folder_of_that_name_elsewhere_is_fine() {
        let text = STARTS
            .map(|start| format!("https://example.org{start}x a{start}y"))
            .join("\n");
        assert_eq!(check(&Tree::of(&[("README.md", &text)])), []);
    }
}
