//! Who may import whom. The table is the one of docs/ARCHITECTURE.md.

use super::Finding;
use super::graph::Graph;

/// Each package of the house, and those of the house that it may import.
const MAY_IMPORT: [(&str, &[&str]); 9] = [
    ("parlour-protocol", &[]),
    ("parlour-socketio", &[]),
    ("parlour-client", &["parlour-protocol", "parlour-socketio"]),
    ("parlour-server", &["parlour-protocol", "parlour-socketio"]),
    ("parlour", &["parlour-client"]),
    ("parlour-cli", &["parlour-client"]),
    // The server only for its own test: it drives any by the protocol.
    (
        "parlour-bench",
        &["parlour-client", "parlour-protocol", "parlour-server"],
    ),
    ("xtask", &[]),
    (
        "parlour-tests",
        &[
            "parlour-client",
            "parlour-protocol",
            "parlour-server",
            "parlour-socketio",
        ],
    ),
];

/// The only package that may reach a window, by whatever way.
const SHELL: &str = "parlour";

/// What opening a window is made of.
const WINDOW: [&str; 3] = ["tauri", "wry", "tao"];

pub(super) fn check(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (package, declared) in &graph.house {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| name == package) else {
            let what = "is not in the table of xtask/src/tidy/arrows.rs: say what it may import";
            findings.push(Finding::error(package, what));
            continue;
        };
        for import in declared
            .iter()
            .filter(|name| graph.house.contains_key(*name))
        {
            if !allowed.contains(&import.as_str()) {
                findings.push(Finding::error(package, format!("may not import {import}")));
            }
        }
        if package == SHELL {
            continue;
        }
        if let Some(way) = WINDOW.iter().find_map(|window| graph.way(package, window)) {
            let what = format!("reaches the window: {}", way.join(" -> "));
            findings.push(Finding::error(package, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::graph::made::graph;
    use super::*;

    const GOOD: [&str; 5] = [
        "parlour -> parlour-client, tauri",
        "parlour-client -> parlour-protocol, serde",
        "parlour-protocol -> serde",
        "tauri -> wry",
        "serde",
    ];

    #[test]
    fn arrows_that_point_downward_are_fine() {
        assert_eq!(check(&graph(&GOOD)), []);
    }

    #[test]
    fn an_arrow_upward_is_found() {
        let found = check(&graph(&[
            "parlour-protocol -> parlour-client",
            "parlour-client",
        ]));
        assert_eq!(
            found,
            [Finding::error(
                "parlour-protocol",
                "may not import parlour-client"
            )]
        );
    }

    #[test]
    fn an_arrow_upward_in_tests_is_found_too() {
        let found = check(&graph(&[
            "parlour-socketio -> dev:parlour-server",
            "parlour-server",
        ]));
        assert_eq!(
            found,
            [Finding::error(
                "parlour-socketio",
                "may not import parlour-server"
            )]
        );
    }

    #[test]
    fn the_engine_may_not_reach_the_window_by_any_way() {
        let found = check(&graph(&[
            "parlour-client -> helper",
            "helper -> wry",
            "wry",
        ]));
        let what = "reaches the window: parlour-client -> helper -> wry";
        assert_eq!(found, [Finding::error("parlour-client", what)]);
    }

    #[test]
    fn the_tests_may_not_link_the_window() {
        let found = check(&graph(&["parlour-tests -> tauri", "tauri"]));
        let what = "reaches the window: parlour-tests -> tauri";
        assert_eq!(found, [Finding::error("parlour-tests", what)]);
    }

    #[test]
    fn a_new_package_has_to_be_given_a_place() {
        let found = check(&graph(&["parlour-extra"]));
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("is not in the table"));
    }
}
