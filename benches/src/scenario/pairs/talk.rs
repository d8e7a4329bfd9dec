//! What the pairs say, what they hear, and how long it took.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};

use super::{Amount, Load, Pairs};
use crate::arrivals::{self, Arrivals, Speech};
use crate::message::{self, Template};
use crate::packet::Packet;
use crate::samples::Samples;
use crate::swarm::{Driver, Swarm};

/// How long the last messages may take to arrive.
const DRAIN: Duration = Duration::from_secs(10);

/// How many messages of one sender may wait for their answer.
const ACKS: usize = 4096;

/// One side of a pair; the other is the neighbour.
struct Talker {
    template: Template,
    sent: u64,
    /// The number of the next message that this one should receive.
    expected: u64,
    /// When the messages that wait for their answer were sent.
    waiting: Vec<(u64, u64)>,
}

/// See the module.
pub(super) struct Talk {
    talkers: Vec<Talker>,
    plan: Pairs,
    sent: u64,
    pub(super) delivered: u64,
    pub(super) acked: u64,
    /// When the plan began, for a rate.
    started: u64,
    planned: u64,
    measured_from: Option<u64>,
    /// From here on nothing new is said.
    measured_until: Option<u64>,
    pub(super) latency: Samples,
    pub(super) ack: Samples,
    pub(super) late: Samples,
}

impl Talk {
    pub(super) fn new(arrivals: &Arrivals, plan: Pairs) -> Result<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let run = u64::try_from(since.as_nanos())?;
        let talkers = (0..plan.pairs * 2).map(|who| {
            let to = &arrivals.identity(partner(who))?.user;
            Ok(Talker {
                template: Template::new(plan.speech, to, who, run),
                sent: 0,
                expected: 0,
                waiting: match plan.speech {
                    Speech::Plain => Vec::new(),
                    Speech::Pm => vec![(u64::MAX, 0); ACKS],
                },
            })
        });
        Ok(Self {
            talkers: talkers.collect::<Result<_>>()?,
            plan,
            sent: 0,
            delivered: 0,
            acked: 0,
            started: 0,
            planned: 0,
            measured_from: None,
            measured_until: None,
            latency: Samples::default(),
            ack: Samples::default(),
            late: Samples::default(),
        })
    }

    pub(super) fn begin(&mut self, swarm: &mut Swarm) -> Result<()> {
        self.started = swarm.now();
        if let Load::Outstanding(count) = self.plan.load {
            let mut frames = Vec::new();
            for who in (0..self.talkers.len()).step_by(2) {
                frames.clear();
                for _ in 0..count {
                    self.say(who, swarm.now(), &mut frames)?;
                }
                swarm.send(who, &frames)?;
            }
        }
        Ok(())
    }

    pub(super) fn until(&mut self, swarm: &mut Swarm, amount: Amount) -> Result<()> {
        let (start, before) = (Instant::now(), self.delivered);
        loop {
            let over = match amount {
                Amount::For(span) => start.elapsed() >= span,
                Amount::Messages(count) => self.delivered - before >= count,
            };
            if over {
                return Ok(());
            }
            self.say_what_is_due(swarm)?;
            let heard = self.delivered;
            swarm.turn(Duration::from_millis(20), self)?;
            self.check_progress(swarm, heard)?;
        }
    }

    /// Nothing arriving for long, with messages on their way, is an error and
    /// not a wait without end.
    fn check_progress(&self, swarm: &Swarm, heard: u64) -> Result<()> {
        let quiet = swarm
            .now()
            .saturating_sub(swarm.last_heard().max(self.started));
        if heard == self.delivered && Duration::from_nanos(quiet) > DRAIN {
            bail!("nothing arrives: {}", self.missing());
        }
        Ok(())
    }

    fn say_what_is_due(&mut self, swarm: &mut Swarm) -> Result<()> {
        let Load::Rate(rate) = self.plan.load else {
            return Ok(());
        };
        loop {
            let due = self.started + (self.planned as f64 * 1e9 / rate.max(1.0)) as u64;
            let now = swarm.now();
            if now < due {
                return Ok(());
            }
            let who = usize::try_from(self.planned)? % self.talkers.len();
            self.planned += 1;
            if self.measured_from.is_some() {
                self.late.add(now - due);
            }
            let mut frame = Vec::with_capacity(256);
            self.say(who, now, &mut frame)?;
            swarm.send(who, &frame)?;
        }
    }

    /// From now on times count.
    pub(super) fn measure(&mut self, swarm: &Swarm) {
        self.measured_from = Some(swarm.now());
    }

    /// Says nothing more, and waits for all that was said.
    pub(super) fn drain(&mut self, swarm: &mut Swarm) -> Result<()> {
        self.measured_until = Some(swarm.now());
        let start = Instant::now();
        while self.delivered < self.sent || (self.awaits_acks() && self.acked < self.sent) {
            if start.elapsed() > DRAIN {
                bail!("{}", self.missing());
            }
            swarm.turn(Duration::from_millis(20), self)?;
        }
        Ok(())
    }

    fn awaits_acks(&self) -> bool {
        self.plan.speech == Speech::Pm
    }

    fn missing(&self) -> String {
        let (delivered, sent) = (self.delivered, self.sent);
        let acked = if self.awaits_acks() {
            format!(", {} answered", self.acked)
        } else {
            String::new()
        };
        format!("{delivered} of {sent} messages arrived{acked}")
    }

    fn say(&mut self, who: usize, now: u64, out: &mut Vec<u8>) -> Result<()> {
        let talker = self.talkers.get_mut(who).context("no such talker")?;
        let count = talker.sent;
        talker.sent += 1;
        self.sent += 1;
        let index = slot(count);
        if let Some(slot) = talker.waiting.get_mut(index) {
            *slot = (count, now);
        }
        out.extend_from_slice(talker.template.stamped(now, count));
        Ok(())
    }

    /// Whether a message that was sent then belongs to the measure.
    fn counts(&self, sent: u64) -> bool {
        self.measured_from.is_some_and(|from| sent >= from)
            && self.measured_until.is_none_or(|until| sent < until)
    }
}

fn partner(who: usize) -> usize {
    who ^ 1
}

fn slot(count: u64) -> usize {
    count as usize % ACKS
}

impl Driver for Talk {
    fn hears(&mut self, who: usize, packet: Packet<'_>, now: u64, out: &mut Vec<u8>) -> Result<()> {
        match packet {
            Packet::Message(event) => {
                let (sent, count) = message::read(event)?;
                let talker = self.talkers.get_mut(who).context("no such talker")?;
                if count != talker.expected {
                    let expected = talker.expected;
                    bail!("message {count} of a sender came where {expected} was next");
                }
                talker.expected += 1;
                self.delivered += 1;
                if self.counts(sent) {
                    self.latency.add(now.saturating_sub(sent));
                }
                if matches!(self.plan.load, Load::Outstanding(_)) && self.measured_until.is_none() {
                    self.say(who, now, out)?;
                }
            }
            Packet::Ack(ack) => {
                let count = message::read_ack(ack)?;
                let talker = self.talkers.get(who).context("no such talker")?;
                let waiting = talker.waiting.get(slot(count));
                let Some((_, sent)) = waiting.filter(|(waiting, _)| *waiting == count) else {
                    bail!("an answer to message {count}, which waits for none");
                };
                self.acked += 1;
                if self.counts(*sent) {
                    let span = now.saturating_sub(*sent);
                    self.ack.add(span);
                }
            }
            Packet::Goodbye => bail!("the server said goodbye to {}", arrivals::name(who)),
            _ => {}
        }
        Ok(())
    }

    fn loses(&mut self, who: usize, why: &str) -> Result<()> {
        bail!("client {who} lost its connection: {why}")
    }
}
