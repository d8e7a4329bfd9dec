//! Marks of unfinished work. What is missing belongs in the tracker, where
//! somebody will find it.

use super::Finding;
use super::tree::Tree;

/// In pieces, so that this file is not its own first finding.
const WORDS: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
];

const CODE: [&str; 12] = [
    "css", "html", "js", "json", "mjs", "rs", "sh", "sql", "svelte", "toml", "ts", "yml",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        if source.is_generated() || !source.has_extension(&CODE) {
            continue;
        }
        for (index, line) in source.text.lines().enumerate() {
            if let Some(word) = WORDS.iter().find(|word| holds(line, word)) {
                let place = format!("{}:{}", source.path, index + 1);
                findings.push(Finding::error(
                    place,
                    format!("`{word}`: finish it or file it"),
                ));
            }
        }
    }
    findings
}

/// Whether the word stands there by itself, and not inside another.
fn holds(line: &str, word: &str) -> bool {
    let joins = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        let ends = word.ends_with('!') || !after.is_some_and(joins);
        ends && !before.is_some_and(joins)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_found_at_its_line() {
        for word in WORDS {
            let text = format!("fn a() {{}}\n// {word} later\n");
            let found = check(&Tree::of(&[("src/a.rs", &text)]));
            assert_eq!(found.len(), 1, "{word}");
            assert_eq!(found[0].place, "src/a.rs:2");
        }
    }

    #[test]
    fn a_word_that_only_contains_a_mark_is_none() {
        let text = format!("const {}S: u8 = 1; mastodon{}();", WORDS[0], WORDS[2]);
        assert_eq!(check(&Tree::of(&[("src/a.rs", &text)])), []);
    }

    #[test]
    fn prose_and_generated_files_are_left_alone() {
        let tree = Tree::of(&[("README.md", WORDS[0]), ("ui/package-lock.json", WORDS[0])]);
        assert_eq!(check(&tree), []);
    }
}
