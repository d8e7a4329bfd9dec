//! How commands become facts: stored first, told afterwards.
//!
//! ```text
//!  command ─► checked ─► Pending { writes, steps } ──settle──► one commit
//!                                                                │
//!                       steps, in the order of the commands ◄────┘
//! ```
//! What reads the storage must see exactly what was said before it. So chat
//! (which writes to inboxes) and what reads them are never pending together:
//! when the [kind](Kind) changes, what is pending is settled first.

use std::{collections::HashSet, sync::Arc};

use parlour_protocol::UserId;
use parlour_socketio::server::Frame;

use super::{
    Announcer, Command, ConnectionId, Policy,
    command::Stop,
    connections::Connections,
    frames,
    leave::Why,
    listing::Listing,
    pending::{Finished, Kind, NotStored, Pending, Step},
    people::{Index, People},
};
use crate::{
    metrics::Metrics,
    storage::{ServerIdentity, Storage, StorageError, UserKey, Write, Written},
};

/// The state of the chat. It does nothing by itself: [`Hub::apply`] is all.
pub(crate) struct Hub {
    pub(super) storage: Box<dyn Storage>,
    pub(super) identity: ServerIdentity,
    pub(super) announcer: Box<dyn Announcer>,
    pub(super) policy: Policy,
    pub(super) metrics: Arc<Metrics>,
    pub(super) now_ms: fn() -> i64,
    pub(super) people: People,
    pub(super) online: usize,
    pub(super) connections: Connections,
    pub(super) listing: Listing,
    pub(super) pending: Pending,
    /// To be told once everything is written out.
    pub(super) finished: Vec<Finished>,
    /// Came or went since that was last stored.
    pub(super) seen: HashSet<UserKey>,
    /// How often time has passed.
    pub(super) ticks: u32,
    pub(super) sweep_is_due: bool,
    pub(super) draining: bool,
}

impl Hub {
    pub(crate) fn new(
        mut storage: Box<dyn Storage>,
        announcer: Box<dyn Announcer>,
        policy: Policy,
        metrics: Arc<Metrics>,
        now_ms: fn() -> i64,
    ) -> Result<Self, StorageError> {
        let people = People::new(storage.users()?);
        metrics.users(people.len(), 0);
        Ok(Self {
            identity: storage.identity()?,
            people,
            storage,
            announcer,
            policy,
            metrics,
            now_ms,
            online: 0,
            connections: Connections::default(),
            listing: Listing::default(),
            pending: Pending::default(),
            finished: Vec::new(),
            seen: HashSet::new(),
            ticks: 0,
            sweep_is_due: false,
            draining: false,
        })
    }

    /// How many commands wait, for whoever looks at that.
    pub(crate) fn waiting(&self, commands: usize) {
        self.metrics.queue(commands);
    }

    /// Does all of `batch`, in order, and empties it. After a
    /// [`Command::Stop`] the rest is dropped.
    pub(crate) fn apply(&mut self, batch: &mut Vec<Command>) -> Option<Stop> {
        let mut stop = None;
        for command in batch.drain(..) {
            stop = self.take(command);
            if stop.is_some() {
                break;
            }
        }
        self.settle();
        stop
    }

    fn take(&mut self, command: Command) -> Option<Stop> {
        match command {
            Command::Message(message) => self.message(message),
            Command::Fence { connection, answer } => {
                self.pending.steps.push(Step::Fence { connection, answer });
            }
            Command::Ask(ask) => self.ask(ask),
            Command::Typing { connection, to } => self.typing(connection, &to),
            Command::Look { skeleton, answer } => {
                // Nobody waits any more: then nothing came of it. So in all answers.
                let _ = answer.send(self.look(&skeleton));
            }
            Command::SignIn(sign_in) => self.sign_in(*sign_in),
            Command::Join(join) => {
                self.begin(Kind::Reading);
                self.pending.joins.push(*join);
            }
            Command::Leave { connection } => {
                self.pending.leaves = true;
                self.then(Step::Leave(connection));
            }
            Command::Admin { command, answer } => {
                self.settle();
                let _ = answer.send(self.administer(&command));
            }
            Command::Probe { answer } => {
                let _ = answer.send(self.storage.probe());
            }
            Command::Tick => self.tick(),
            Command::Drain { answer } => {
                self.settle();
                self.drain();
                let _ = answer.send(());
            }
            Command::Stop(stop) => return Some(stop),
        }
        None
    }

    /// What is pending is of this kind from here on.
    pub(super) fn begin(&mut self, kind: Kind) {
        if self.pending.kind.is_some_and(|pending| pending != kind) {
            self.settle();
        }
        self.pending.kind = Some(kind);
    }

    /// Those who have left before count no more.
    pub(super) fn let_go(&mut self) {
        if self.pending.leaves {
            self.settle();
        }
    }

    /// Something to be stored, and what is done then.
    pub(super) fn store(&mut self, write: Write, step: Step) {
        debug_assert!(step.has_write(), "a step without a write");
        self.pending.writes.push(write);
        self.pending.steps.push(step);
    }

    /// Something to be done in its turn.
    pub(super) fn then(&mut self, step: Step) {
        debug_assert!(!step.has_write(), "a step without its write");
        self.pending.steps.push(step);
    }

    /// Commits what is pending, tells it, and writes out what that gave.
    pub(super) fn settle(&mut self) {
        let Pending {
            writes,
            steps,
            joins,
            ..
        } = std::mem::take(&mut self.pending);
        let mut outcomes = self.commit(&writes, &steps).into_iter();
        let mut writes = writes.into_iter();
        for step in steps {
            if step.has_write() {
                if let (Some(write), Some(outcome)) = (writes.next(), outcomes.next()) {
                    self.stored(step, write, outcome);
                }
            } else {
                self.proceed(step);
            }
        }
        self.join(joins);
        self.cut_full();
        self.connections.flush();
        for finished in self.finished.drain(..) {
            // Nobody waits any more: then the connection has ended.
            match finished {
                Finished::Joined(answer) => drop(answer.send(())),
                Finished::Asked(answer, sessions) => drop(answer.send(sessions)),
            }
        }
    }

    fn stored(&mut self, step: Step, write: Write, outcome: Result<Written, NotStored>) {
        match (step, write) {
            (Step::Sent(sent), Write::Message(message)) => self.sent(&sent, &message, outcome),
            (Step::Reached(reached), _) => self.reached(&reached, outcome),
            (Step::Entering(entering), _) => self.entered(*entering, outcome),
            _ => {}
        }
    }

    fn proceed(&mut self, step: Step) {
        match step {
            Step::Fence { connection, answer } => {
                // No answer for a connection that was cut: what it waits for may be lost.
                if self.connections.get(connection).is_some() {
                    let _ = answer.send(());
                }
            }
            Step::Ask(ask) => self.answer(*ask),
            Step::Leave(connection) => self.forget(connection),
            Step::Sent(_) | Step::Reached(_) | Step::Entering(_) | Step::Stored => {}
        }
    }

    fn typing(&mut self, connection: ConnectionId, to: &UserId) {
        let from = self.connections.person(connection);
        let (Some(from), Some(to)) = (from, self.people.by_id(to)) else {
            return;
        };
        let from = &self.people.get(from).id;
        if let Some(frame) = frames::typing(from) {
            self.tell_pm(to, Some(connection), &frame);
        }
        // What is pending is flushed with the batch, and so is this.
    }

    /// Somebody's connections that speak pm are told something, but for one.
    pub(super) fn tell_pm(&mut self, person: Index, but: Option<ConnectionId>, frame: &Frame) {
        for &id in &self.people.get(person).here {
            if Some(id) != but && self.connections.speaks_pm(id) {
                self.connections.send(id, frame);
            }
        }
    }

    pub(super) fn cut_full(&mut self) {
        while let Some(connection) = self.connections.next_full() {
            self.cut(connection, Why::Slow);
        }
    }
}
