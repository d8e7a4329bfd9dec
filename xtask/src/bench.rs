//! `cargo xtask bench server`: this server beside the official one, driven by
//! the load generator of `benches/`, in rounds that take turns.
//!
//! It measures, and is no test: nothing fails because a machine was slow.

mod aims;
mod client;
mod figures;
mod load;
mod metrics;
mod options;
mod peers;
mod place;
mod plan;
mod report;

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use options::Options;

use crate::log::Log;
use crate::npm::{self, INTEROP};
use crate::process;
use crate::repo::Repo;
use crate::{display, machine};
use figures::Figures;
use load::Generator;
use peers::{Peer, Peers, Running};
use place::Places;
use plan::{Keeping, Scenario};

/// What this command leaves behind, and where servers keep their data.
const FOLDER: &str = "target/bench";

/// `cargo xtask bench`, whatever is to be measured.
pub(crate) fn command(repo: &Repo, words: &[String]) -> Result<ExitCode> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["client"] => client::bench(repo, false),
        ["client", "--quick"] => client::bench(repo, true),
        ["client", other, ..] => bail!("`cargo xtask bench client` does not know `{other}`"),
        words => {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            bench(repo, &Options::parse(&words)?)
        }
    }
}

fn bench(repo: &Repo, options: &Options) -> Result<ExitCode> {
    let _lock = repo.lock()?;
    let mut log = Log::create(repo, "bench")?;
    build(repo, &mut log, options).with_context(|| log.tail(20))?;
    let folder = repo.path(FOLDER);
    fs::create_dir_all(&folder)?;

    let start = Instant::now();
    let places = Places::find();
    let generator = Generator::new(repo, &places);
    let peers = Peers::new(repo, options, &places);
    let disk = generator.disk(&folder)?;
    let machine = report::machine(&places, &disk);
    display::line(&machine.text());

    let mut figures = Figures::default();
    for scenario in plan::scenarios(options) {
        if peers.chosen(&scenario.peers).is_empty() {
            continue;
        }
        run(&scenario, &peers, &generator, &mut figures)?;
        display::line(&report::scenario(&scenario, &peers, &figures));
    }
    let aims = aims::judge(&figures);
    display::line(&report::aims(&aims));
    let path = folder.join("server.json");
    let json = report::json(&machine, options, &figures, &aims);
    fs::write(&path, serde_json::to_string_pretty(&json)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    display::line(&format!(
        "took {}; every round is in {FOLDER}/server.json",
        display::span(start.elapsed())
    ));
    Ok(ExitCode::SUCCESS)
}

fn build(repo: &Repo, log: &mut Log, options: &Options) -> Result<()> {
    if options.has(Peer::Official) {
        if machine::answer("node", &["--version"]).is_none() {
            bail!("the official server needs Node: leave it out with --peer memory --peer sqlite");
        }
        npm::install(repo, log, INTEROP)?;
    }
    display::line("building; the first time takes some minutes");
    let mut cargo = repo.cargo();
    cargo.args(["build", "--release", "--locked", "-p", "parlour-bench"]);
    if options.has(Peer::Memory) || options.has(Peer::Sqlite) {
        cargo.args(["-p", "parlour-server"]);
    }
    log.run(&mut cargo)
}

/// All rounds of one scenario: first one of each peer, then the second …
fn run(
    scenario: &Scenario,
    peers: &Peers<'_>,
    generator: &Generator<'_>,
    figures: &mut Figures,
) -> Result<()> {
    let chosen: Vec<Peer> = peers.chosen(&scenario.peers);
    let mut kept: Vec<(Peer, Running)> = Vec::new();
    for round in 0..scenario.rounds {
        for peer in &chosen {
            if process::interrupted() {
                bail!("interrupted");
            }
            display::line(&format!(
                "    {}, round {} of {}: {}",
                scenario.name,
                round + 1,
                scenario.rounds,
                peer.name()
            ));
            let index = kept.iter().position(|(other, _)| other == peer);
            let mut running = match index {
                Some(index) => kept.swap_remove(index).1,
                None => {
                    let running = peers.start(*peer, scenario.known)?;
                    if let Some(people) = running.to_be_known {
                        generator.seed(&running, people)?;
                    }
                    running
                }
            };
            for case in &scenario.cases {
                let outcome = generator.measure(&mut running, case)?;
                figures.add(scenario, case, *peer, outcome);
            }
            if scenario.keeping == Keeping::AllRounds {
                kept.push((*peer, running));
            }
        }
    }
    Ok(())
}
