//! Whether what is installed is what the lock file says.

use serde_json::{Map, Value};

/// Compares `package-lock.json` with the lock file that npm leaves in
/// `node_modules` once it has put everything there. An installation that a
/// person made by hand is taken as well as one of ours.
pub(super) fn is_installed(lock: &str, hidden: &str) -> bool {
    let (Some(wanted), Some(there)) = (packages(lock), packages(hidden)) else {
        return false;
    };
    let nothing_more = there.keys().all(|path| wanted.contains_key(path));
    nothing_more
        && wanted
            .iter()
            .filter(|(path, _)| !path.is_empty())
            .all(|(path, package)| {
                match there.get(path) {
                    Some(found) => ["version", "integrity"]
                        .iter()
                        .all(|key| found[key] == package[key]),
                    // Those for other systems are left out.
                    None => package["optional"] == true,
                }
            })
}

/// The packages by their path; the project itself has the empty one.
fn packages(lock: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str::<Value>(lock)
        .ok()?
        .get_mut("packages")?
        .take()
    {
        Value::Object(packages) => Some(packages),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"{ "packages": {
        "": { "name": "ui", "version": "0.1.0" },
        "node_modules/a": { "version": "1.0.0", "integrity": "sha512-a" },
        "node_modules/b-darwin": { "version": "1.0.0", "optional": true }
    } }"#;

    #[test]
    fn the_same_packages_are_installed_whatever_other_systems_need() {
        let hidden = r#"{ "packages": {
            "node_modules/a": { "version": "1.0.0", "integrity": "sha512-a", "resolved": "x" }
        } }"#;
        assert!(is_installed(LOCK, hidden));
    }

    #[test]
    fn another_version_a_missing_or_an_additional_package_are_not_the_same() {
        for packages in [
            r#"{ "node_modules/a": { "version": "1.0.1", "integrity": "sha512-a" } }"#,
            r#"{ "node_modules/a": { "version": "1.0.0", "integrity": "sha512-b" } }"#,
            "{}",
            r#"{ "node_modules/a": { "version": "1.0.0", "integrity": "sha512-a" },
                 "node_modules/c": { "version": "1.0.0" } }"#,
        ] {
            assert!(
                !is_installed(LOCK, &format!(r#"{{ "packages": {packages} }}"#)),
                "{packages}"
            );
        }
    }

    #[test]
    fn a_damaged_file_is_not_installed() {
        assert!(!is_installed(LOCK, "{"));
        assert!(!is_installed("", ""));
    }
}
