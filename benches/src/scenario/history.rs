//! Connecting to a server that has kept many messages.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

use super::connect::{ConnectReport, Visitor};
use crate::Target;
use crate::arrivals::{Arrivals, Speech, name};
use crate::message::{self, Template};
use crate::packet::Packet;
use crate::swarm::{Driver, Swarm};

/// How many of the messages are on their way at a time.
const OUTSTANDING: u64 = 256;

/// No message for so long: the rest will not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryReport {
    /// Before anything was said.
    pub empty: ConnectReport,
    /// For somebody with all those messages in one conversation.
    pub owner: ConnectReport,
    /// For somebody without messages, beside them.
    pub bystander: ConnectReport,
    /// How many messages are kept.
    pub messages: u64,
}

/// Somebody says `messages` to another. How fast do they and a third one
/// connect, before and after?
///
/// # Errors
/// When a sign-in does not succeed or a message is lost.
pub fn run(target: Target, messages: u64, times: usize) -> Result<HistoryReport> {
    let mut bystander = Visitor::arrive(target, &name(1))?;
    let mut owner = Visitor::arrive(target, &name(2))?;
    // Once more than is counted, each time: the server warms up.
    bystander.visits(1)?;
    let empty = bystander.visits(times)?;
    say(target, &owner, messages)?;
    bystander.visits(1)?;
    owner.visits(1)?;
    Ok(HistoryReport {
        empty,
        owner: owner.visits(times)?,
        bystander: bystander.visits(times)?,
        messages,
    })
}

fn say(target: Target, owner: &Visitor, messages: u64) -> Result<()> {
    let (mut swarm, mut arrivals) = (Swarm::new(target.address)?, Arrivals::default());
    arrivals.bring_all(&mut swarm, 1, 1, Speech::Plain)?;
    let from = arrivals.dial(&mut swarm, &Speech::Plain.returning(owner.identity()))?;
    while arrivals.present < 2 {
        if let Some(why) = arrivals.lost.first() {
            bail!("not let in: {why}");
        }
        swarm.turn(Duration::from_millis(20), &mut arrivals)?;
    }
    let mut template = Template::new(Speech::Plain, &arrivals.identity(0)?.user, from, 0);
    let mut told = Told::default();
    let mut sent = 0;
    while told.count < messages {
        let mut frames = Vec::new();
        while sent < messages.min(told.count + OUTSTANDING) {
            frames.extend_from_slice(template.stamped(swarm.now(), sent));
            sent += 1;
        }
        if !frames.is_empty() {
            swarm.send(from, &frames)?;
        }
        swarm.turn(Duration::from_millis(20), &mut told)?;
        let quiet = swarm.now().saturating_sub(swarm.last_heard());
        if Duration::from_nanos(quiet) > PATIENCE {
            bail!("{} of {sent} messages arrived", told.count);
        }
    }
    arrivals.part(&mut swarm, from)?;
    arrivals.part(&mut swarm, 0)
}

/// Counts the messages.
#[derive(Default)]
struct Told {
    count: u64,
}

impl Driver for Told {
    fn hears(&mut self, _: usize, packet: Packet<'_>, _: u64, _: &mut Vec<u8>) -> Result<()> {
        if let Packet::Message(event) = packet {
            let (_, count) = message::read(event).context("a strange message")?;
            anyhow::ensure!(count == self.count, "message {count} is not the next");
            self.count += 1;
        }
        Ok(())
    }

    fn loses(&mut self, _: usize, why: &str) -> Result<()> {
        bail!("a client lost its connection: {why}")
    }
}
