//! The task that owns an open connection: one loop, one `select!`.

use std::{
    collections::VecDeque,
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
    error::CloseReason,
    event::{AckReply, Ending, Event, SocketEvent, Undecodable},
    fence::{self, FenceAnswer, FenceTable},
    liveness::{Gap, Watch},
    machine::{Effect, Incoming, Input, Machine},
    moment,
    queue::{self, Refused},
    socket::Socket,
    transport::{Heard, Wire},
};

mod farewell;

use farewell::push;

/// How many bytes are handed to the writer in one go, so that they share a write.
const WRITE_AHEAD: usize = 256 << 10;
/// How long the timer sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// The owner of an open connection.
pub(crate) struct Task {
    wire: Wire,
    machine: Machine,
    commands: queue::Receiver<Command>,
    events: queue::Sender<SocketEvent>,
    /// Events there was no room for. While there are any, nothing is read.
    waiting: VecDeque<SocketEvent>,
    acks: AckTable,
    fences: FenceTable,
    socket: Socket,
    close: Arc<Notify>,
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
    pub(crate) acks: usize,
}

/// The ends of the task's queues.
pub(crate) struct Queues {
    pub(crate) commands: queue::Receiver<Command>,
    pub(crate) events: queue::Sender<SocketEvent>,
    pub(crate) close: Arc<Notify>,
}

impl Task {
    /// For a machine that has been let in, with what arrived until then.
    pub(crate) fn new(
        wire: Wire,
        machine: Machine,
        queues: Queues,
        socket: Socket,
        settings: Settings,
        early: Vec<Incoming>,
    ) -> Self {
        let mut task = Self {
            read_before: wire.bytes_read(),
            wire,
            machine,
            commands: queues.commands,
            events: queues.events,
            waiting: VecDeque::new(),
            acks: AckTable::new(settings.acks),
            fences: FenceTable::new(),
            socket,
            close: queues.close,
            watch: Watch::new(moment::now()),
            gap: None,
            settings,
        };
        early
            .into_iter()
            .for_each(|incoming| task.deliver(incoming));
        task
    }

    /// Runs to the end of the connection.
    pub(crate) async fn run(mut self, ending: oneshot::Sender<Ending>) {
        let reason = self.serve().await;
        tracing::debug!(%reason, "connection ended");
        self.finish(reason, ending).await;
    }

    async fn serve(&mut self) -> CloseReason {
        let mut timer = pin!(sleep_until(tokio::time::Instant::now()));
        loop {
            let due = self.due();
            if due < timer.deadline().into_std() {
                timer.as_mut().reset(due.into());
            }
            let room = self.waiting.front().map_or(0, SocketEvent::weight);
            let reading = self.waiting.is_empty();
            let ended = tokio::select! {
                heard = poll_fn(|cx| self.wire.poll(cx, reading)) => self.hear(heard),
                Some(command) = self.commands.recv(), if self.wire.ready() => {
                    self.write(command);
                    None
                }
                slot = self.events.reserve(room), if !self.waiting.is_empty() => match slot {
                    Ok(slot) => {
                        match self.waiting.pop_front() {
                            Some(event) => slot.put(event),
                            None => drop(slot),
                        }
                        self.resume_if_clear()
                    }
                    Err(queue::Gone) => Some(CloseReason::Local),
                },
                () = self.events.closed() => Some(CloseReason::Local),
                () = self.close.notified() => Some(CloseReason::Local),
                () = timer.as_mut() => {
                    // Never earlier than now: `due` brings it forward again.
                    timer.as_mut().reset(tokio::time::Instant::now() + IDLE);
                    self.tick()
                }
            };
            if let Some(reason) = ended {
                return reason;
            }
        }
    }

    /// When the timer has something to do.
    fn due(&mut self) -> Instant {
        let now = clock::now();
        let limit = self.settings.write_timeout;
        let stall = self.wire.stall_deadline(limit, now);
        // While we do not read, we cannot know whether the server speaks.
        let silence = self.machine.deadline().filter(|_| self.waiting.is_empty());
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
        if !self.waiting.is_empty() {
            return None;
        }
        if let Some(gap) = self.gap.take() {
            self.step(Input::Woke(gap));
        }
        if !self.wire.ready() {
            self.step(Input::HeldUp);
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

    fn resume_if_clear(&mut self) -> Option<CloseReason> {
        if self.waiting.is_empty() {
            self.step(Input::Resumed)
        } else {
            None
        }
    }

    fn step(&mut self, input: Input<'_>) -> Option<CloseReason> {
        let mut ended = None;
        for effect in self.machine.step(input, clock::now()) {
            match effect {
                Effect::Send(text) => self.wire.text(text),
                Effect::Pong => self.wire.pong(),
                Effect::Probe(number) => self.wire.probe(number),
                Effect::Deliver(incoming) => self.deliver(incoming),
                Effect::Answered { id, answer } => {
                    self.acks.answer(id, answer);
                }
                Effect::FenceAnswered { number, answer } => self.fence_answered(number, answer),
                Effect::Close(reason) => ended = Some(reason),
                // Of the time before this task.
                Effect::Joined { .. } | Effect::Refused { .. } => {}
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

    fn deliver(&mut self, incoming: Incoming) {
        let event = match incoming {
            Incoming::Event {
                name,
                args,
                attachments,
                ack,
            } => SocketEvent::Event(Event {
                name,
                args,
                attachments,
                ack: ack.map(|id| AckReply {
                    socket: self.socket.clone(),
                    id,
                }),
            }),
            Incoming::Undecodable { error, bytes } => {
                tracing::debug!(%error, bytes, "undecodable packet");
                SocketEvent::Undecodable(Undecodable { error, bytes })
            }
        };
        if !self.waiting.is_empty() {
            self.waiting.push_back(event);
            return;
        }
        let bytes = event.weight();
        // A reader that is gone shows at the next turn of the loop.
        if let Err(Refused::Full(event)) = self.events.try_send(event, bytes) {
            self.waiting.push_back(event);
        }
    }

    /// Hands a command to the writer, and those behind it up to a good measure.
    fn write(&mut self, command: Command) {
        let mut next = Some(command);
        let mut bytes = 0;
        while let Some(command) = next {
            bytes += command.bytes();
            match command.expect {
                Expect::Nothing => {}
                Expect::Answer { id, caller } => self.acks.insert(id, caller),
                Expect::Fence { number, pending } => {
                    self.fences.insert(number, pending);
                }
            }
            push(&mut self.wire, command.text, command.attachments);
            next = if bytes < WRITE_AHEAD {
                self.commands.try_recv()
            } else {
                None
            };
        }
    }
}
