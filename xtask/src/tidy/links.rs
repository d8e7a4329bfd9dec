//! Links in the documentation that lead to a file have to find it.

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree
        .sources
        .iter()
        .filter(|source| source.has_extension(&["md"]))
    {
        let folder = source
            .path
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let mut in_code = false;
        for (index, line) in source.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            }
            if in_code {
                continue;
            }
            for target in targets(line) {
                let place = || format!("{}:{}", source.path, index + 1);
                match resolve(folder, target) {
                    None => {
                        let what = format!("`{target}` leads out of the checkout");
                        findings.push(Finding::error(place(), what));
                    }
                    Some(path) if !exists(tree, &path) => {
                        findings.push(Finding::error(place(), format!("`{target}` is not there")));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    findings
}

/// The relative targets of `[text](target)`: not addresses, not places in
/// the same page.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split(')').next()?.split_whitespace().next()?;
        let path = target.split('#').next()?;
        let is_address = target.contains("://") || target.starts_with("mailto:");
        (!is_address && !path.is_empty()).then_some(path)
    })
}

/// The path from the root, or nothing where it leads out of it.
fn resolve(folder: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if target.starts_with('/') {
        return None;
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn exists(tree: &Tree, path: &str) -> bool {
    let folder = format!("{path}/");
    path.is_empty()
        || tree
            .paths
            .iter()
            .any(|file| file == path || file.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<Finding> {
        check(&Tree::of(&[
            ("docs/TESTING.md", text),
            ("docs/decisions/0001.md", ""),
            ("a.rs", ""),
        ]))
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let text = "[a](decisions/0001.md) [b](decisions/) [c](../a.rs#L3) [d](#here)\n\
                    [e](https://example.org/x.md) [f](decisions/0001.md \"title\")";
        assert_eq!(findings(text), []);
    }

    #[test]
    fn a_link_to_nothing_is_found_at_its_line() {
        let found = findings("\n[a](decisions/0002.md)");
        assert_eq!(
            found,
            [Finding::error(
                "docs/TESTING.md:2",
                "`decisions/0002.md` is not there"
            )]
        );
    }

    #[test]
    fn a_link_out_of_the_checkout_is_found() {
        let found = findings("[a](../../other/b.md)");
        assert!(found[0].what.contains("leads out of the checkout"));
        assert!(!findings("[a](/etc/hosts)").is_empty());
    }

    #[test]
    fn an_example_is_no_link() {
        assert_eq!(findings("```\n[a](nowhere.md)\n```"), []);
    }
}
