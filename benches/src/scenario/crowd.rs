//! Many people who connect at once, or one after the other, and stay.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::Target;
use crate::arrivals::{Arrivals, Speech};
use crate::swarm::Swarm;
use crate::usage::{self, Cores, Memory, Meter};

/// No news for so long: everybody has been told of everybody.
const QUIET: Duration = Duration::from_secs(1);

/// A plan for a crowd.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// How many people.
    pub people: usize,
    /// How many of them are on their way at a time.
    pub at_once: usize,
    /// When it is given up.
    pub limit: Duration,
    /// How long they stay, once it is quiet, before memory is read.
    pub stay: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct CrowdReport {
    /// How many got their `users`.
    pub present: usize,
    /// From the first connection to the last `users`, in seconds; nothing
    /// where it was given up.
    pub seconds: Option<f64>,
    /// From the first connection until everybody had been told of everybody,
    /// in seconds; nothing where it was given up.
    pub settled: Option<f64>,
    /// Of how many people the least informed knows, itself included. A server
    /// may list fewer than there are.
    pub told: usize,
    /// How many connections ended, and why the first of them did.
    pub lost: usize,
    /// See `lost`.
    pub why: Option<String>,
    /// Memory of the server before and after, in KiB.
    pub before: Option<Memory>,
    /// See `before`.
    pub after: Option<Memory>,
    /// What a connection cost the server, in KiB.
    pub per_connection: Option<f64>,
    /// Who was how busy until everybody was told.
    pub cores: Cores,
}

/// Runs the plan.
///
/// # Errors
/// When a sign-in is refused. A lost connection is no error, but counted.
pub fn run(target: Target, plan: Crowd) -> Result<CrowdReport> {
    let before = usage::memory(target.pid);
    let mut swarm = Swarm::new(target.address)?;
    let mut arrivals = Arrivals::default();
    let (meter, start) = (Meter::start(target.pid), swarm.now());
    let complete = arrivals.bring(
        &mut swarm,
        plan.people,
        plan.at_once,
        Speech::Plain,
        plan.limit,
    )?;
    let since = |at: u64| Duration::from_nanos(at.saturating_sub(start));
    let last = arrivals.all.iter().filter_map(|one| one.users_at).max();
    let seconds = last.filter(|_| complete).map(|at| since(at).as_secs_f64());

    let left = plan.limit.saturating_sub(since(swarm.now())).max(QUIET * 3);
    let settled = complete && swarm.settle(QUIET, left, &mut arrivals)?;
    // Without the quiet at the end, in which nobody does anything.
    let cores = meter.read_over(since(swarm.last_heard()));
    let settled = settled.then(|| since(swarm.last_heard()).as_secs_f64());
    let told = arrivals.all.iter().map(|one| one.told).min();
    swarm.settle(plan.stay, plan.stay, &mut arrivals)?;
    let after = usage::memory(target.pid);
    let grown = |before: Memory, after: Memory| after.now as f64 - before.now as f64;
    Ok(CrowdReport {
        present: arrivals.present,
        seconds,
        settled,
        told: told.unwrap_or(0),
        lost: arrivals.lost.len(),
        why: arrivals.lost.first().cloned(),
        before,
        after,
        per_connection: before
            .zip(after)
            .map(|(before, after)| grown(before, after) / plan.people.max(1) as f64),
        cores,
    })
}
