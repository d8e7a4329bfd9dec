//! What the task keeps of each namespace.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::oneshot;

use crate::{
    connection::Connection,
    early::Early,
    error::CloseReason,
    event::{Ending, SocketEvent},
    join::{JoinError, Joiner},
    machine::{FIRST, Incoming, SpaceId, Welcome},
    membership::Membership,
    queue::{self, Refused},
    recovery::Recovery,
    socket::{Place, Socket},
};

/// One namespace that is joined, or being joined.
pub(super) struct Seat {
    pub(super) space: SpaceId,
    pub(super) membership: Arc<Membership>,
    events: queue::Sender<SocketEvent>,
    /// Events there was no room for.
    waiting: VecDeque<SocketEvent>,
    ending: oneshot::Sender<Ending>,
    stage: Stage,
}

enum Stage {
    /// Waits for the answer to CONNECT. Nobody reads yet, so what comes meanwhile
    /// is counted, in bytes.
    Joining(Box<Waiting>),
    Open(Socket),
}

/// Whoever waits to be let in.
struct Waiting {
    namespace: String,
    recovery: Option<Recovery>,
    answer: oneshot::Sender<Result<Socket, JoinError>>,
    early: Early,
}

impl Seat {
    /// The seat of the namespace that the connection began with.
    pub(super) fn first(
        socket: Socket,
        membership: Arc<Membership>,
        events: queue::Sender<SocketEvent>,
        ending: oneshot::Sender<Ending>,
    ) -> Self {
        Self {
            space: FIRST,
            membership,
            events,
            waiting: VecDeque::new(),
            ending,
            stage: Stage::Open(socket),
        }
    }

    pub(super) fn joining(space: SpaceId, joiner: Joiner, most: usize) -> Self {
        Self {
            space,
            membership: joiner.membership,
            events: joiner.events,
            waiting: VecDeque::new(),
            ending: joiner.ending,
            stage: Stage::Joining(Box::new(Waiting {
                namespace: joiner.namespace,
                recovery: joiner.recovery,
                answer: joiner.answer,
                early: Early::new(most),
            })),
        }
    }

    /// Whether its reader has to make room before anything is read.
    pub(super) fn is_blocked(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits for room for the first event that waits.
    pub(super) async fn room(&self) -> Result<queue::Slot<SocketEvent>, queue::Gone> {
        let bytes = self.waiting.front().map_or(0, SocketEvent::weight);
        self.events.reserve(bytes).await
    }

    /// Puts the first event that waits there.
    pub(super) fn fill(&mut self, slot: queue::Slot<SocketEvent>) {
        if let Some(event) = self.waiting.pop_front() {
            slot.put(event);
        }
    }

    /// Takes what arrived. `false`: more came before the answer to CONNECT than may.
    pub(super) fn deliver(&mut self, incoming: Incoming) -> bool {
        match &mut self.stage {
            Stage::Open(socket) => {
                let event = SocketEvent::new(incoming, socket);
                self.queue(event);
                true
            }
            Stage::Joining(waiting) => waiting.early.push(incoming),
        }
    }

    /// The server lets us in. What came early comes first.
    pub(super) fn open(self, welcome: Welcome, connection: &Arc<Connection>) -> Self {
        let Stage::Joining(waiting) = self.stage else {
            return self;
        };
        let place = Place {
            namespace: waiting.namespace,
            space: self.space,
            membership: Arc::clone(&self.membership),
            connection: Arc::clone(connection),
        };
        let socket = Socket::new(place, welcome, waiting.recovery);
        let mut open = Self {
            stage: Stage::Open(socket.clone()),
            ..self
        };
        for incoming in waiting.early {
            open.deliver(incoming);
        }
        // Whoever gave up waiting has left with that.
        let _ = waiting.answer.send(Ok(socket));
        open
    }

    /// The server does not let us in, or it cannot be waited for.
    pub(super) fn fail(self, error: JoinError) {
        if let Stage::Joining(waiting) = self.stage {
            let _ = waiting.answer.send(Err(error));
        }
    }

    /// It is over: the reader gets what it had no room for, and why.
    pub(super) fn end(self, reason: CloseReason) {
        self.membership.end();
        let undelivered = self.waiting;
        // Whoever waits to be let in hears of it by the answer that never comes.
        let _ = self.ending.send(Ending {
            undelivered,
            reason,
        });
    }

    fn queue(&mut self, event: SocketEvent) {
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
}
