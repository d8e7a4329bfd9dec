//! The task that owns an open connection: one loop, one `select!`.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use tokio::{
    sync::{Notify, oneshot},
    time::sleep_until,
};

use crate::{
    ack::AckTable,
    clock,
    command::{Command, Expect},
    connection::Connection,
    early::Early,
    error::CloseReason,
    event::{Ending, SocketEvent},
    fence::{self, FenceAnswer, FenceTable},
    join::JoinError,
    liveness::{Gap, Watch},
    machine::{Effect, Input, Machine},
    membership::Membership,
    moment,
    queue::{self, Gone, Slot},
    socket::Socket,
    transport::{Heard, Wire},
};

mod farewell;
mod seat;
mod seats;

use farewell::push;
use seat::Seat;

/// How many bytes are handed to the writer in one go, so that they share a write.
const WRITE_AHEAD: usize = 256 << 10;
/// How long the timer sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// The owner of an open connection.
pub(crate) struct Task {
    wire: Wire,
    machine: Machine,
    commands: queue::Receiver<Command>,
    /// The namespaces. While one of them is blocked, nothing is read.
    seats: Vec<Seat>,
    acks: AckTable,
    fences: FenceTable,
    connection: Arc<Connection>,
    attention: Arc<Notify>,
    /// Counts the turns of the loop, so that no blocked reader waits for another.
    turn: usize,
    /// What the meter showed when reading last came to a halt.
    read_before: u64,
    watch: Watch,
    /// A gap that was noticed while nothing was read.
    gap: Option<Gap>,
    settings: Settings,
}

/// The task's share of the options.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) write_timeout: Duration,
    pub(crate) close_timeout: Duration,
}

/// The ends of the task's queues.
pub(crate) struct Queues {
    pub(crate) commands: queue::Receiver<Command>,
    pub(crate) events: queue::Sender<SocketEvent>,
    pub(crate) ending: oneshot::Sender<Ending>,
}

/// The namespace that a connection begins with.
pub(crate) struct First {
    pub(crate) socket: Socket,
    pub(crate) membership: Arc<Membership>,
    /// What arrived until we were let in.
    pub(crate) early: Early,
}

impl Task {
    /// For a machine that has been let in.
    pub(crate) fn new(
        wire: Wire,
        machine: Machine,
        queues: Queues,
        first: First,
        settings: Settings,
    ) -> Self {
        let connection = Arc::clone(first.socket.connection());
        let mut seat = Seat::first(first.socket, first.membership, queues.events, queues.ending);
        for incoming in first.early {
            seat.deliver(incoming);
        }
        Self {
            read_before: wire.bytes_read(),
            wire,
            machine,
            commands: queues.commands,
            seats: vec![seat],
            acks: AckTable::new(connection.limits.acks),
            fences: FenceTable::new(),
            attention: Arc::clone(&connection.attention),
            connection,
            turn: 0,
            watch: Watch::new(moment::now()),
            gap: None,
            settings,
        }
    }

    /// Runs to the end of the connection.
    pub(crate) async fn run(mut self) {
        let reason = self.serve().await;
        tracing::debug!(%reason, "connection ended");
        self.finish(reason).await;
    }

    async fn serve(&mut self) -> CloseReason {
        let mut timer = pin!(sleep_until(tokio::time::Instant::now()));
        loop {
            let due = self.due();
            if due < timer.deadline().into_std() {
                timer.as_mut().reset(due.into());
            }
            let blocked = self.blocked();
            let reading = blocked.is_none();
            let ended = tokio::select! {
                heard = poll_fn(|cx| self.wire.poll(cx, reading)) => self.hear(heard),
                Some(command) = self.commands.recv(), if self.wire.ready() => {
                    self.write(command);
                    None
                }
                (at, slot) = room(&self.seats, blocked), if !reading => self.fill(at, slot),
                () = self.attention.notified() => self.look_who_left(),
                () = timer.as_mut() => {
                    // Never earlier than now: `due` brings it forward again.
                    timer.as_mut().reset(tokio::time::Instant::now() + IDLE);
                    self.tick()
                }
            };
            if let Some(reason) = ended {
                return reason;
            }
            // One read may bring many thousands of tiny packets, and others want to
            // run in between.
            tokio::task::consume_budget().await;
        }
    }

    /// When the timer has something to do.
    fn due(&mut self) -> Instant {
        let now = clock::now();
        let limit = self.settings.write_timeout;
        let stall = self.wire.stall_deadline(limit, now);
        // While we do not read, we cannot know whether the server speaks.
        let silence = self.machine.deadline().filter(|_| self.blocked().is_none());
        [stall, silence]
            .into_iter()
            .flatten()
            .fold(self.watch.deadline(), Instant::min)
    }

    fn tick(&mut self) -> Option<CloseReason> {
        let moment = moment::now();
        let gap = self.watch.look(moment);
        if let Some(gap) = gap {
            tracing::debug!(?gap, "woke up");
            self.gap = Some(gap);
        }
        let limit = self.settings.write_timeout;
        // If we did not run then neither did the writer: it has until the next look.
        if self.wire.stalled(limit, moment.monotonic) && gap.is_none() {
            return Some(CloseReason::WriteTimeout);
        }
        if self.blocked().is_some() {
            return None;
        }
        if let Some(gap) = self.gap.take() {
            self.step(Input::Woke(gap));
        }
        if !self.wire.ready() {
            let moves = self.wire.moves();
            self.step(Input::HeldUp { moves });
        }
        // What lies in the socket's buffer is a sign of life, however late we look
        // (the process may have slept for an hour), so look before deciding.
        if let Some(heard) = self.wire.next().now_or_never() {
            return self.hear(heard);
        }
        let read = self.wire.bytes_read();
        if read != std::mem::replace(&mut self.read_before, read) {
            return self.step(Input::Progress);
        }
        self.step(Input::Tick)
    }

    fn hear(&mut self, heard: Heard) -> Option<CloseReason> {
        let ended = match heard {
            Heard::Text(text) => self.step(Input::Text(&text)),
            Heard::Binary(part) => self.step(Input::Binary(part)),
            Heard::Probed(number) => self.step(Input::Answered(number)),
            Heard::Control => self.step(Input::Control),
            Heard::Ended(reason) => self.step(Input::Ended(reason)),
            Heard::Written => return None,
        };
        self.read_before = self.wire.bytes_read();
        ended
    }

    /// One of the seats whose readers have to make room, each in its turn.
    fn blocked(&self) -> Option<usize> {
        let count = self.seats.len();
        (0..count)
            .map(|step| (self.turn + step) % count)
            .find(|at| self.seats[*at].is_blocked())
    }

    fn fill(&mut self, at: usize, slot: Result<Slot<SocketEvent>, Gone>) -> Option<CloseReason> {
        self.turn = self.turn.wrapping_add(1);
        if let (Some(seat), Ok(slot)) = (self.seats.get_mut(at), slot) {
            seat.fill(slot);
            return match self.blocked() {
                Some(_) => None,
                None => self.step(Input::Resumed),
            };
        }
        self.look_who_left()
    }

    fn step(&mut self, input: Input<'_>) -> Option<CloseReason> {
        let mut ended = None;
        for effect in self.machine.step(input, clock::now()) {
            match effect {
                Effect::Send(text) => self.wire.text(text),
                Effect::Pong => self.wire.pong(),
                Effect::Probe(number) => self.wire.probe(number),
                Effect::Deliver(space, incoming) => {
                    self.deliver(space, incoming);
                    ended = ended.or_else(|| self.deserted());
                }
                Effect::Answered { space, id, answer } => {
                    self.acks.answer(space, id, answer);
                }
                Effect::FenceAnswered { number, answer } => self.fence_answered(number, answer),
                Effect::Joined(space, welcome) => self.joined(space, welcome),
                Effect::Refused {
                    space,
                    message,
                    data,
                } => {
                    if let Some(seat) = self.vacate(space) {
                        seat.fail(JoinError::Refused { message, data });
                    }
                    ended = ended.or_else(|| self.deserted());
                }
                Effect::Dismissed(space) => {
                    if let Some(seat) = self.vacate(space) {
                        seat.end(CloseReason::ServerDisconnect);
                    }
                }
                Effect::Close(reason) => ended = Some(reason),
            }
        }
        ended
    }

    fn fence_answered(&mut self, number: u64, answer: FenceAnswer) {
        let Some(pending) = self.fences.remove(&number) else {
            return;
        };
        if answer == FenceAnswer::Accepted {
            self.wire.text(fence::leave(number));
        }
        drop(pending.permit);
        // Who no longer waits for it does not need it.
        let _ = pending.caller.send(answer);
    }

    /// Hands a command to the writer, and those behind it up to a good measure.
    fn write(&mut self, command: Command) {
        let mut next = Some(command);
        let mut bytes = 0;
        while let Some(command) = next {
            bytes += command.bytes();
            self.put(command);
            next = if bytes < WRITE_AHEAD {
                self.commands.try_recv()
            } else {
                None
            };
        }
    }

    /// Hands one command to the writer, unless there is no sense in it any more.
    fn put(&mut self, command: Command) {
        let space = command.space;
        match command.expect {
            Expect::Welcome(joiner) => {
                if !self.takes_seat(space, *joiner) {
                    return;
                }
            }
            // It raced with the end of its namespace. A server may end the whole
            // connection for a packet from where one is not any more.
            _ if !self.seats.iter().any(|seat| seat.space == space) => return,
            Expect::Nothing => {}
            Expect::Answer { id, caller } => self.acks.insert(space, id, caller),
            Expect::Fence { number, pending } => {
                self.fences.insert(number, pending);
            }
        }
        push(&mut self.wire, command.text, command.attachments);
    }
}

/// Waits for room for a seat that is blocked.
async fn room(seats: &[Seat], at: Option<usize>) -> (usize, Result<Slot<SocketEvent>, Gone>) {
    match at.and_then(|at| Some((at, seats.get(at)?))) {
        Some((at, seat)) => (at, seat.room().await),
        None => std::future::pending().await,
    }
}
