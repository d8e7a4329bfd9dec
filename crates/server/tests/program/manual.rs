//! The commands in docs/OPERATIONS.md work as they stand there.

use std::{fs, path::Path, process::Output};

use crate::{
    process::{Program, command, prints},
    tls::certificate,
};

const MANUAL: &str = include_str!("../../../../docs/OPERATIONS.md");

/// The lines of code that begin with `start`.
fn lines(start: &str) -> Vec<&'static str> {
    let mut code = false;
    MANUAL
        .lines()
        .filter(|line| {
            code ^= line.starts_with("```");
            code && line.starts_with(start)
        })
        .collect()
}

fn run_in(folder: &Path, line: &str, more: &[&str]) -> Output {
    let mut command = command();
    command.current_dir(folder);
    command.args(line.split(' ').skip(1)).args(more);
    command.output().expect("run")
}

#[test]
fn every_way_to_start_it_would_start() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    certificate(&folder.join("cert.pem"), &folder.join("key.pem"));
    let example = include_str!("../../../../packaging/server.toml");
    fs::write(folder.join("server.toml"), example).expect("written");
    let mut started = 0;
    for line in lines("parlour-server ") {
        if ["backup", "restore"].iter().any(|verb| line.contains(verb)) {
            continue;
        }
        // The file of the example says nothing about the place of the data.
        let line = line.replace("/etc/parlour/server.toml", "server.toml --data ./data");
        let more: &[&str] = if line.ends_with("check-config") {
            &[]
        } else {
            &["check-config"]
        };
        let told = prints(run_in(folder, &line, more));
        assert!(
            told.ends_with("A server would start with this.\n"),
            "{line}: {told}"
        );
        started += 1;
    }
    assert_eq!(started, 5);
}

#[test]
fn copies_are_made_and_taken_back() {
    let folder = tempfile::tempdir().expect("folder");
    Program::on(&folder.path().join("data")).stops();
    let copies: Vec<_> = lines("parlour-server ")
        .into_iter()
        .filter(|line| line.contains("backup") || line.contains("restore"))
        .collect();
    assert_eq!(copies.len(), 2);
    for line in copies {
        prints(run_in(folder.path(), line, &[]));
    }
}

#[test]
fn the_table_of_admin_commands_is_that_of_the_program() {
    let help = prints(run_in(Path::new("."), "parlour-server admin --help", &[]));
    let (_, commands) = help.split_once("Commands:\n").expect("commands");
    let commands = commands.lines().take_while(|line| !line.is_empty());
    for line in commands {
        let name = line.trim().split(' ').next().expect("a name");
        let documented = MANUAL.contains(&format!("| `parlour-server admin {name}"));
        assert!(documented || name == "help", "{name}");
    }
}
