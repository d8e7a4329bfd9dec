//! Pairs of people who write to each other.
//!
//! ```text
//! arrive → warm up → measure → drain: every message that was sent is awaited
//! ```

mod talk;

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::Target;
use crate::arrivals::{Arrivals, Speech};
use crate::samples::Summary;
use crate::swarm::Swarm;
use crate::usage::{Cores, Meter};
use talk::Talk;

/// How much is said.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// Each pair has so many messages on their way, and each that arrives is
    /// answered at once: as fast as the server can.
    Outstanding(usize),
    /// So many messages a second, evenly, whatever the server does.
    Rate(f64),
}

/// How long it is measured.
#[derive(Clone, Copy, Debug)]
pub enum Amount {
    /// So long.
    For(Duration),
    /// Until so many messages have arrived.
    Messages(u64),
}

/// A plan for pairs of people.
#[derive(Clone, Copy, Debug)]
pub struct Pairs {
    /// How many pairs.
    pub pairs: usize,
    /// How much they say.
    pub load: Load,
    /// What they speak.
    pub speech: Speech,
    /// How long before the measure begins.
    pub warm_up: Duration,
    /// How long the measure is.
    pub amount: Amount,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct PairsReport {
    /// Messages that arrived during the measure.
    pub messages: u64,
    /// Messages that arrived in all, each exactly once and in order.
    pub delivered: u64,
    /// Answers of the server "it is kept", in all; 0 in plain speech.
    pub acked: u64,
    /// How long the measure was.
    pub seconds: f64,
    /// Messages a second.
    pub per_second: f64,
    /// From the write to the other's read, of those sent during the measure.
    pub latency: Option<Summary>,
    /// From the write to the server's answer.
    pub ack: Option<Summary>,
    /// How much later than planned messages were sent, where there is a plan.
    pub late: Option<Summary>,
    /// Who was how busy.
    pub cores: Cores,
}

/// Runs the plan.
///
/// # Errors
/// When a client cannot sign in or loses its connection, when a message is
/// lost, doubled, out of order, or refused.
pub fn run(target: Target, plan: Pairs) -> Result<PairsReport> {
    let mut swarm = Swarm::new(target.address)?;
    let mut arrivals = Arrivals::default();
    arrivals.bring_all(&mut swarm, plan.pairs * 2, 16, plan.speech)?;
    swarm.settle(
        Duration::from_millis(200),
        Duration::from_secs(10),
        &mut arrivals,
    )?;
    let mut talk = Talk::new(&arrivals, plan)?;
    if let Load::Rate(rate) = plan.load {
        swarm.tick_every(Duration::from_secs_f64(1.0 / rate.max(1.0)))?;
    }

    talk.begin(&mut swarm)?;
    talk.until(&mut swarm, Amount::For(plan.warm_up))?;
    let (meter, start) = (Meter::start(target.pid), Instant::now());
    let before = talk.delivered;
    talk.measure(&swarm);
    talk.until(&mut swarm, plan.amount)?;
    let (cores, seconds) = (meter.read(), start.elapsed().as_secs_f64());
    let messages = talk.delivered - before;
    talk.drain(&mut swarm)?;

    Ok(PairsReport {
        messages,
        delivered: talk.delivered,
        acked: talk.acked,
        seconds,
        per_second: messages as f64 / seconds.max(f64::EPSILON),
        latency: talk.latency.summary(),
        ack: talk.ack.summary(),
        late: talk.late.summary(),
        cores,
    })
}
