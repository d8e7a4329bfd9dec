//! Lock files of npm hold hashes, not addresses: an address would tie every
//! checkout to the registry of the machine that wrote the file.

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree
        .sources
        .iter()
        .filter(|source| source.path.ends_with("package-lock.json"))
    {
        let address = |line: &str| line.contains("\"resolved\": \"http");
        if let Some(index) = source.text.lines().position(address) {
            let place = format!("{}:{}", source.path, index + 1);
            let what = "holds an address: set omit-lockfile-registry-resolved=true in the .npmrc \
                        next to it, and write it again";
            findings.push(Finding::error(place, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found() {
        let text = "{\n  \"resolved\": \"https://packages.example.org/a.tgz\"\n}";
        let found = check(&Tree::of(&[("ui/package-lock.json", text)]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "ui/package-lock.json:2");
    }

    #[test]
    fn a_hash_is_fine() {
        let text = "{\n  \"integrity\": \"sha512-aaaa\"\n}";
        assert_eq!(check(&Tree::of(&[("ui/package-lock.json", text)])), []);
    }
}
