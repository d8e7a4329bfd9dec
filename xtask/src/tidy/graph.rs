//! The packages and what they depend on, from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cargo::list;

#[derive(Default)]
pub(super) struct Graph {
    /// The packages of this checkout by name, each with the names of what it
    /// declares to depend on, on any system, tests and builds included.
    pub(super) house: BTreeMap<String, BTreeSet<String>>,
    names: BTreeMap<String, String>,
    edges: BTreeMap<String, Vec<Edge>>,
}

struct Edge {
    to: String,
    /// Needed by the package's tests and nothing else.
    only_for_tests: bool,
}

impl Graph {
    pub(super) fn parse(metadata: &Value) -> Result<Self> {
        let members: BTreeSet<&str> = list(metadata, "workspace_members")?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let mut graph = Self::default();
        for package in list(metadata, "packages")? {
            let id = text(package, "id")?;
            let name = text(package, "name")?;
            if members.contains(id) {
                let declared: Result<BTreeSet<String>> = list(package, "dependencies")?
                    .iter()
                    .map(|dependency| text(dependency, "name").map(str::to_owned))
                    .collect();
                graph.house.insert(name.to_owned(), declared?);
            }
            graph.names.insert(id.to_owned(), name.to_owned());
        }
        for node in list(&metadata["resolve"], "nodes")? {
            let mut edges = Vec::new();
            for dependency in list(node, "deps")? {
                let kinds = list(dependency, "dep_kinds")?;
                edges.push(Edge {
                    to: text(dependency, "pkg")?.to_owned(),
                    only_for_tests: kinds.iter().all(|kind| kind["kind"] == "dev"),
                });
            }
            graph.edges.insert(text(node, "id")?.to_owned(), edges);
        }
        Ok(graph)
    }

    /// A way from a package of the house to a crate, if there is one: the
    /// names on it, both ends included.
    pub(super) fn way(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let start = self.names.iter().find(|(id, name)| {
            *name == from && self.house.contains_key(*name) && self.edges.contains_key(*id)
        })?;
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut waiting = vec![start.0.as_str()];
        while let Some(id) = waiting.pop() {
            if self.names.get(id).is_some_and(|name| name == to) {
                return Some(self.back(id, start.0, &came_from));
            }
            for edge in self.edges.get(id).into_iter().flatten() {
                // Tests of what one depends on are never built.
                let counts = !edge.only_for_tests || id == start.0;
                if counts && edge.to != *start.0 && !came_from.contains_key(edge.to.as_str()) {
                    came_from.insert(&edge.to, id);
                    waiting.push(&edge.to);
                }
            }
        }
        None
    }

    fn back(&self, end: &str, start: &str, came_from: &BTreeMap<&str, &str>) -> Vec<String> {
        let name = |id: &str| self.names.get(id).cloned().unwrap_or_else(|| id.to_owned());
        let mut way = vec![name(end)];
        let mut at = end;
        while at != start
            && let Some(before) = came_from.get(at)
        {
            at = before;
            way.push(name(at));
        }
        way.reverse();
        way
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key]
        .as_str()
        .with_context(|| format!("cargo metadata: no text `{key}`"))
}

#[cfg(test)]
pub(super) mod made {
    //! Small graphs for the tests of the rules.

    use serde_json::json;

    use super::*;

    /// One line a package: `name -> dependency, dev:dependency`. Packages
    /// whose name starts with `parlour`, and xtask, are of the house.
    pub(in crate::tidy) fn graph(lines: &[&str]) -> Graph {
        let mut packages = Vec::new();
        let mut nodes = Vec::new();
        let mut members = Vec::new();
        for line in lines {
            let (name, dependencies) = line.split_once("->").unwrap_or((line, ""));
            let name = name.trim();
            if name.starts_with("parlour") || name == "xtask" {
                members.push(name);
            }
            let mut declared = Vec::new();
            let mut resolved = Vec::new();
            for word in dependencies
                .split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty())
            {
                let (kind, to) = match word.strip_prefix("dev:") {
                    Some(to) => (json!("dev"), to),
                    None => (Value::Null, word),
                };
                declared.push(json!({ "name": to }));
                resolved.push(json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] }));
            }
            packages.push(json!({ "id": name, "name": name, "dependencies": declared }));
            nodes.push(json!({ "id": name, "deps": resolved }));
        }
        let metadata = json!({
            "workspace_members": members,
            "packages": packages,
            "resolve": { "nodes": nodes },
        });
        Graph::parse(&metadata).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_found_through_others() {
        let graph = made::graph(&["parlour-client -> helper", "helper -> tauri", "tauri"]);
        assert_eq!(
            graph.way("parlour-client", "tauri").unwrap(),
            ["parlour-client", "helper", "tauri"]
        );
    }

    #[test]
    fn tests_of_a_dependency_lead_nowhere_and_own_tests_do() {
        let graph = made::graph(&["parlour-client -> helper", "helper -> dev:tauri", "tauri"]);
        assert_eq!(graph.way("parlour-client", "tauri"), None);
        let graph = made::graph(&["parlour-client -> dev:tauri", "tauri"]);
        assert!(graph.way("parlour-client", "tauri").is_some());
    }

    #[test]
    fn a_circle_through_tests_comes_to_an_end() {
        let graph = made::graph(&["parlour-client -> a", "a -> b", "b -> a, parlour-client"]);
        assert_eq!(graph.way("parlour-client", "tauri"), None);
    }

    #[test]
    fn another_shape_is_an_error() {
        assert!(Graph::parse(&serde_json::json!({ "packages": [] })).is_err());
    }
}
