//! One person connecting to a server that knows many others.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::Target;
use crate::arrivals::{Arrivals, Identity, Speech, name};
use crate::samples::{Samples, Summary};
use crate::swarm::Swarm;
use crate::usage::{Cores, Meter};

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectReport {
    /// From the start of the TCP connection to the last byte of `users`.
    pub latency: Option<Summary>,
    /// The size of the last `users`, in bytes.
    pub bytes: usize,
    /// How many people it named.
    pub users: usize,
    /// Who was how busy.
    pub cores: Cores,
}

/// Somebody the server knows connects and leaves, `times` times.
///
/// # Errors
/// When a sign-in does not succeed.
pub fn run(target: Target, times: usize) -> Result<ConnectReport> {
    let mut visitor = Visitor::arrive(target, &name(0))?;
    // Once more than is counted: the first visit also warms the server up.
    visitor.visit()?;
    visitor.visits(times)
}

/// Somebody who comes again and again.
pub(crate) struct Visitor {
    target: Target,
    identity: Identity,
}

impl Visitor {
    /// Signs up, and leaves.
    pub(crate) fn arrive(target: Target, name: &str) -> Result<Self> {
        let (mut swarm, mut arrivals) = (Swarm::new(target.address)?, Arrivals::default());
        let who = arrivals.dial(&mut swarm, &Speech::Plain.newcomer(name))?;
        wait(&mut swarm, &mut arrivals)?;
        let identity = arrivals.identity(who)?.clone();
        arrivals.part(&mut swarm, who)?;
        Ok(Self { target, identity })
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn visits(&mut self, times: usize) -> Result<ConnectReport> {
        let (mut samples, meter) = (Samples::default(), Meter::start(self.target.pid));
        let (mut bytes, mut users) = (0, 0);
        for _ in 0..times {
            let nanos;
            (nanos, bytes, users) = self.visit()?;
            samples.add(nanos);
        }
        Ok(ConnectReport {
            latency: samples.summary(),
            bytes,
            users,
            cores: meter.read(),
        })
    }

    /// How long it took, how large `users` was, and how many it named.
    fn visit(&mut self) -> Result<(u64, usize, usize)> {
        let (mut swarm, mut arrivals) = (Swarm::new(self.target.address)?, Arrivals::default());
        let who = arrivals.dial(&mut swarm, &Speech::Plain.returning(&self.identity))?;
        wait(&mut swarm, &mut arrivals)?;
        let arrival = arrivals.all.get(who).context("no such client")?;
        let at = arrival.users_at.context("`users` did not come")?;
        let seen = (at - arrival.dialled, arrival.users_size, arrival.told);
        arrivals.part(&mut swarm, who)?;
        Ok(seen)
    }
}

fn wait(swarm: &mut Swarm, arrivals: &mut Arrivals) -> Result<()> {
    let limit = swarm.now() + 60_000_000_000;
    while arrivals.present < arrivals.all.len() {
        anyhow::ensure!(arrivals.lost.is_empty(), "not let in: {:?}", arrivals.lost);
        anyhow::ensure!(swarm.now() < limit, "`users` did not come within a minute");
        swarm.turn(Duration::from_millis(100), arrivals)?;
    }
    Ok(())
}
