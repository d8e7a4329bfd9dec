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

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use parlour_protocol::{UserId, pm};

use super::{
    Announcer, Command, ConnectionId,
    command::{Ask, Join, Stop},
    connections::Connections,
    frames,
    leave::Why,
    listing::Listing,
    message::Sent,
    people::{Index, People},
    receipts::Reached,
    sign_in::Entering,
};
use crate::{
    admission::Rate,
    config::{Config, Limits},
    limits::SEEN_INTERVAL_MS,
    metrics::Metrics,
    storage::{ServerIdentity, Storage, StorageError, UserKey, Write, Written},
};
use tokio::sync::oneshot;

/// What the hub is told once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Connections at once of one user. The newest beyond it is refused:
    /// whoever is here stays, since two programs that each throw the other out
    /// would come back for ever.
    pub(crate) connections_per_user: u32,
    /// How long a session lives without a connection.
    pub(crate) session_idle: Duration,
    /// The pace of one user's messages.
    pub(crate) messages: Rate,
    /// Nobody is slowed down.
    pub(crate) unlimited: bool,
    /// The pace of messages, as clients are told it.
    pub(crate) told: pm::Rate,
}

impl Policy {
    /// That of a server run like this.
    pub(crate) fn of(config: &Config) -> Self {
        let Limits {
            connections_per_user,
            messages_per_second,
            message_burst,
            ..
        } = config.limits;
        Self {
            connections_per_user,
            session_idle: config.session_idle,
            messages: config.limits.messages(),
            unlimited: messages_per_second == u32::MAX,
            told: pm::Rate {
                per_second: messages_per_second,
                burst: message_burst,
            },
        }
    }
}

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
    /// Came or went since that was last stored.
    pub(super) seen: HashSet<UserKey>,
    pub(super) stored_seen_ms: i64,
    pub(super) swept_ms: i64,
    pub(super) draining: bool,
}

/// What is to be committed together, and what is done once it is.
#[derive(Default)]
pub(super) struct Pending {
    kind: Option<Kind>,
    writes: Vec<Write>,
    steps: Vec<Step>,
    joins: Vec<Join>,
}

/// What may be pending together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Messages and receipts: they write to inboxes.
    Chat,
    /// Those who come, and what is read for them.
    Reading,
}

/// What is done after the commit. The first ones have a write each.
pub(super) enum Step {
    Sent(Sent),
    Reached(Reached),
    Entering(Box<Entering>),
    /// A write of which nobody has to hear.
    Stored,
    Fence {
        connection: ConnectionId,
        answer: oneshot::Sender<()>,
    },
    Ask(Box<Ask>),
    Leave(ConnectionId),
}

/// Why something was not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotStored;

impl Step {
    fn has_write(&self) -> bool {
        matches!(
            self,
            Self::Sent(_) | Self::Reached(_) | Self::Entering(_) | Self::Stored
        )
    }
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
            seen: HashSet::new(),
            stored_seen_ms: now_ms(),
            swept_ms: 0,
            draining: false,
        })
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
            Command::Leave { connection } => self.pending.steps.push(Step::Leave(connection)),
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

    /// One transaction for all; if it fails, one for each.
    fn commit(&mut self, writes: &[Write], steps: &[Step]) -> Vec<Result<Written, NotStored>> {
        if writes.is_empty() {
            return Vec::new();
        }
        let begun = Instant::now();
        match self.storage.commit(writes) {
            Ok(written) => {
                let messages = written
                    .iter()
                    .filter(|written| matches!(written, Written::Message(placed) if !placed.dup));
                self.metrics.commit(messages.count(), begun.elapsed());
                written.into_iter().map(Ok).collect()
            }
            Err(error) => {
                self.storage_failed(&error);
                self.commit_each(writes, steps, error.is_full())
            }
        }
    }

    /// After a failed commit each write stands alone, so that one that cannot
    /// be stored costs only its sender. What that connection said behind it is
    /// not stored either: of each connection a prefix is. Without room on the disk
    /// no message is tried again, but the small things that end something are.
    fn commit_each(
        &mut self,
        writes: &[Write],
        steps: &[Step],
        is_full: bool,
    ) -> Vec<Result<Written, NotStored>> {
        let mut failed = HashSet::new();
        let steps = steps.iter().filter(|step| step.has_write());
        let each = writes.iter().zip(steps).map(|(write, step)| {
            let sender = match step {
                Step::Sent(sent) => Some(sent.connection),
                _ => None,
            };
            let is_lost = sender.is_some_and(|sender| is_full || failed.contains(&sender));
            if is_lost || writes.len() == 1 {
                return Err(NotStored);
            }
            match self.storage.commit(std::slice::from_ref(write)) {
                Ok(mut written) => written.pop().ok_or(NotStored),
                Err(error) => {
                    failed.extend(sender);
                    self.metrics.storage_failure();
                    tracing::debug!(%error, "a write failed by itself too");
                    Err(NotStored)
                }
            }
        });
        each.collect()
    }

    /// Stores something that stands by itself, behind all that is pending.
    pub(super) fn store_now(&mut self, writes: &[Write]) -> Result<Vec<Written>, StorageError> {
        let begun = Instant::now();
        let written = self
            .storage
            .commit(writes)
            .inspect_err(|error| self.storage_failed(error))?;
        self.metrics.commit(0, begun.elapsed());
        Ok(written)
    }

    /// How many commands wait, for whoever looks at that.
    pub(crate) fn waiting(&self, commands: usize) {
        self.metrics.queue(commands);
    }

    /// The last call: everything in one file.
    pub(crate) fn close(&mut self) {
        self.store_seen();
        if let Err(error) = self.storage.close() {
            tracing::error!(%error, "the database could not be checkpointed");
        }
    }

    /// What is due from time to time.
    fn tick(&mut self) {
        let now = (self.now_ms)();
        if now - self.stored_seen_ms >= SEEN_INTERVAL_MS {
            self.stored_seen_ms = now;
            self.settle();
            self.store_seen();
            self.renew_sessions(now);
            self.sweep_sessions(now);
        }
    }

    /// Stores who was last seen when: for the order of `users` after a restart,
    /// and not worth a commit of its own each time.
    fn store_seen(&mut self) {
        let at_ms = (self.now_ms)();
        let writes: Vec<_> = self
            .seen
            .drain()
            .map(|user| Write::Seen { user, at_ms })
            .collect();
        if !writes.is_empty() {
            // Whatever is wrong is in the log, and nothing hangs on this.
            let _ = self.store_now(&writes);
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
    pub(super) fn tell_pm(
        &mut self,
        person: Index,
        but: Option<ConnectionId>,
        frame: &parlour_socketio::server::Frame,
    ) {
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

    pub(super) fn storage_failed(&self, error: &StorageError) {
        self.metrics.storage_failure();
        tracing::error!(%error, "the storage failed");
    }
}
