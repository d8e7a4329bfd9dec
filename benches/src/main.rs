//! The program around the library: one scenario, one line of JSON.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool answers on its standard streams"
)]

use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use parlour_bench::scenario::crowd::Crowd;
use parlour_bench::scenario::pairs::{Amount, Load, Pairs};
use parlour_bench::scenario::{connect, crowd, disk, history, pairs, seed};
use parlour_bench::{Speech, Target, client, relay};
use parlour_client::made::Made;
use serde::Serialize;

/// Drives a private-messaging server and says what it measured, in one line of
/// JSON. `cargo xtask bench server` starts servers and this, and compares.
#[derive(Debug, Parser)]
#[command(name = "parlour-bench", version)]
struct Arguments {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Args)]
struct Server {
    /// Where the server listens
    #[arg(long, value_name = "http://ADDRESS:PORT")]
    url: String,
    /// The server's process, to tell its processor time and memory
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Pairs of people who write to each other
    Pairs {
        #[command(flatten)]
        server: Server,
        #[arg(long, default_value_t = 50)]
        pairs: usize,
        /// Messages on their way in each pair: as fast as the server can
        #[arg(long, value_name = "COUNT", conflicts_with = "rate")]
        outstanding: Option<usize>,
        /// Messages a second in all, evenly
        #[arg(long, value_name = "COUNT", required_unless_present = "outstanding")]
        rate: Option<f64>,
        /// Speak "pm": ids, and answers once a message is kept
        #[arg(long)]
        pm: bool,
        #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
        warm_up: f64,
        #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
        seconds: f64,
        /// Measure until so many messages have arrived, instead of for a time
        #[arg(long, value_name = "COUNT")]
        messages: Option<u64>,
    },
    /// One known person who connects and leaves
    Connect {
        #[command(flatten)]
        server: Server,
        #[arg(long, default_value_t = 30)]
        times: usize,
    },
    /// Many people who connect and stay
    Crowd {
        #[command(flatten)]
        server: Server,
        #[arg(long, value_name = "COUNT")]
        people: usize,
        /// How many are on their way at a time; all of them unless given
        #[arg(long, value_name = "COUNT")]
        at_once: Option<usize>,
        /// When to give up
        #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
        limit: f64,
        /// How long they stay before memory is read
        #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
        stay: f64,
    },
    /// Connecting before and after many messages were kept
    History {
        #[command(flatten)]
        server: Server,
        #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
        messages: u64,
        #[arg(long, default_value_t = 20)]
        times: usize,
    },
    /// People who sign up and leave, so that the server knows them
    Seed {
        #[command(flatten)]
        server: Server,
        #[arg(long, value_name = "COUNT")]
        people: usize,
    },
    /// A server that only passes messages on: how far the load itself reaches
    Relay,
    /// The client with a history of so many messages
    ClientHistory {
        /// Where the database is made; nothing may be there
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        #[arg(long, value_name = "COUNT")]
        messages: u64,
        #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
        people: u64,
        #[arg(long, default_value_t = 200)]
        times: usize,
    },
    /// The client's own connector beside the one on rust_socketio
    ClientConnectors {
        #[command(flatten)]
        server: Server,
        #[arg(long, value_name = "COUNT", default_value_t = 30)]
        connects: usize,
        #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
        messages: usize,
        #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
        rounds: usize,
        /// How long a dead link is waited for; not at all unless given
        #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
        dead: f64,
    },
    /// The client's queue, from the disk to the server
    ClientQueue {
        #[command(flatten)]
        server: Server,
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
        messages: u64,
    },
    /// How long the disk takes to keep a page
    Disk {
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        #[arg(long, default_value_t = 500)]
        times: usize,
    },
}

impl Server {
    fn target(&self) -> Result<Target> {
        Ok(Target {
            address: address(&self.url)?,
            pid: self.pid,
        })
    }
}

fn address(url: &str) -> Result<SocketAddr> {
    let rest = url
        .strip_prefix("http://")
        .context("the URL is not http://…")?;
    let host = rest.split('/').next().unwrap_or_default();
    let mut found = host
        .to_socket_addrs()
        .with_context(|| format!("`{host}` is no address"))?;
    found
        .next()
        .with_context(|| format!("`{host}` has no address"))
}

fn main() -> ExitCode {
    match run(Arguments::parse().scenario) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("parlour-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(scenario: Scenario) -> Result<String> {
    match scenario {
        Scenario::Pairs {
            server,
            pairs: count,
            outstanding,
            rate,
            pm,
            warm_up,
            seconds,
            messages,
        } => {
            let load = match (outstanding, rate) {
                (Some(count), _) => Load::Outstanding(count),
                (None, rate) => Load::Rate(rate.context("--rate or --outstanding")?),
            };
            let plan = Pairs {
                pairs: count,
                load,
                speech: if pm { Speech::Pm } else { Speech::Plain },
                warm_up: span(warm_up)?,
                amount: match messages {
                    Some(count) => Amount::Messages(count),
                    None => Amount::For(span(seconds)?),
                },
            };
            line(&pairs::run(server.target()?, plan)?)
        }
        Scenario::Connect { server, times } => line(&connect::run(server.target()?, times)?),
        Scenario::Crowd {
            server,
            people,
            at_once,
            limit,
            stay,
        } => {
            let plan = Crowd {
                people,
                at_once: at_once.unwrap_or(people),
                limit: span(limit)?,
                stay: span(stay)?,
            };
            line(&crowd::run(server.target()?, plan)?)
        }
        Scenario::History {
            server,
            messages,
            times,
        } => line(&history::run(server.target()?, messages, times)?),
        Scenario::Seed { server, people } => {
            seed::run(server.target()?, people)?;
            line(&people)
        }
        Scenario::Relay => {
            relay::run(|address| {
                println!("server listening at http://{address}");
                Ok(std::io::stdout().flush()?)
            })?;
            line(&())
        }
        Scenario::ClientHistory {
            folder,
            messages,
            people,
            times,
        } => line(&client::history::run(
            &folder,
            Made { messages, people },
            times,
        )?),
        Scenario::ClientConnectors {
            server,
            connects,
            messages,
            rounds,
            dead,
        } => {
            let plan = client::connectors::Plan {
                connects,
                messages,
                rounds,
                dead: span(dead)?,
            };
            line(&client::connectors::run(&server.url, plan)?)
        }
        Scenario::ClientQueue {
            server,
            folder,
            messages,
        } => line(&client::queue::run(&server.url, &folder, messages)?),
        Scenario::Disk { folder, times } => line(&disk::run(&folder, times)?),
    }
}

fn span(seconds: f64) -> Result<Duration> {
    Ok(Duration::try_from_secs_f64(seconds)?)
}

fn line(report: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(report)?)
}
