//! Runs, tests and checks the project.
//!
//! `cargo xtask run` and `cargo xtask test` are the two commands of the
//! README; the others are the parts of them that one wants alone.

mod bench;
mod cargo;
mod codegen;
mod deny;
mod display;
mod log;
mod machine;
mod npm;
mod packages;
mod process;
mod repo;
mod run;
mod setup;
mod steps;
mod test;
mod tidy;
mod tools;
mod totals;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask run [--two] [--listen ADDR] [--data DIR]
    Builds what is needed, starts a server for this computer alone and opens
    the app. --two opens a second window under a second profile.
    ADDR is 127.0.0.1:3000 unless given. Messages are kept in DIR, which is
    `parlour-server` in your user data folder unless given.
cargo xtask test [--only STEP[,STEP]] [--list]
    Checks everything. The last line holds the totals.
cargo xtask tidy
    The rules of the house that no other tool knows: who may import whom,
    how long a file may be, whether links lead anywhere.
cargo xtask bench server [--quick] [--only SCENARIO[,SCENARIO]]
                         [--peer official|memory|sqlite|relay]… [--peer-binary FILE]
    Measures the server beside the official one, and says which aims it
    reached. Everything is in target/bench/server.json too. FILE is any
    program that takes --listen and --data as parlour-server does.
cargo xtask bench client [--quick]
    Measures the client with a million messages beside the same with 10,000,
    its connector beside the one on rust_socketio, and its queue. Everything
    is in target/bench/client.json too.
cargo xtask codegen
    Writes the TypeScript forms of the Rust types into ui/src/generated.
cargo xtask setup
    Installs what `run` and `test` need; both do it by themselves.
cargo xtask help
    This text.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            display::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    if matches!(command, "help" | "--help" | "-h") || rest.iter().any(|word| word == "--help") {
        display::line(HELP);
        return Ok(ExitCode::SUCCESS);
    }
    let repo = repo::Repo::find()?;
    process::watch_signals()?;
    match command {
        "run" => run::run(&repo, &run::Options::parse(rest)?),
        "bench" => bench::command(&repo, rest),
        "test" => test::test(&repo, &test::Options::parse(rest)?),
        "tidy" if rest.is_empty() => tidy::command(&repo),
        "codegen" if rest.is_empty() => codegen::command(&repo),
        "setup" if rest.is_empty() => setup::command(&repo),
        "tidy" | "codegen" | "setup" => bail!("`cargo xtask {command}` takes no arguments"),
        other => bail!("there is no command `{other}`; `cargo xtask help` lists them"),
    }
}
