//! Messages on their way: accepted, committed together, told.

use parlour_protocol::{LiveMessage, OutgoingMessage};
use tokio::sync::oneshot;

use super::{ConnectionId, Frame, Hub};
use crate::storage::{StorageError, StoredMessage};

/// Messages and fences that follow each other: they change nothing in memory,
/// so they can share a commit.
#[derive(Default)]
pub(super) struct Run {
    pub(super) messages: Vec<(ConnectionId, StoredMessage)>,
    pub(super) fences: Vec<(ConnectionId, oneshot::Sender<()>)>,
}

impl Hub {
    /// The message to store, unless it goes nowhere. One from a connection
    /// that was cut is ignored: its client finds out from the history.
    pub(super) fn accept(
        &self,
        connection: ConnectionId,
        message: OutgoingMessage,
    ) -> Option<StoredMessage> {
        let from = self.roster.user_of(connection)?.clone();
        if !self.roster.knows(&message.to) {
            self.counters.unknown_recipient();
            return None;
        }
        Some(StoredMessage {
            from,
            to: message.to,
            content: message.content,
            at_ms: (self.now_ms)(),
        })
    }

    /// Commits a run, tells it, answers its fences.
    pub(super) fn flush(&mut self, run: Run) {
        let (connections, messages): (Vec<_>, Vec<_>) = run.messages.into_iter().unzip();
        match self.append(&messages) {
            Ok(()) => {
                for (connection, message) in connections.into_iter().zip(messages) {
                    self.tell(connection, message);
                }
            }
            Err(_) if messages.len() > 1 => {
                for (connection, message) in connections.into_iter().zip(messages) {
                    self.store_one(connection, message);
                }
            }
            Err(_) => connections
                .into_iter()
                .for_each(|connection| self.cut_unstored(connection)),
        }
        for (connection, answer) in run.fences {
            // No answer for a connection that was cut: what it waits for may be lost.
            if self.roster.user_of(connection).is_some() {
                let _ = answer.send(());
            }
        }
    }

    /// After a failed commit each message stands alone, so that one that
    /// cannot be stored costs only its sender. What that sender said later is
    /// not stored either: a connection's messages are kept as a prefix.
    fn store_one(&mut self, connection: ConnectionId, message: StoredMessage) {
        if self.roster.user_of(connection).is_none() {
            return;
        }
        match self.append(std::slice::from_ref(&message)) {
            Ok(()) => self.tell(connection, message),
            Err(_) => self.cut_unstored(connection),
        }
    }

    fn append(&mut self, messages: &[StoredMessage]) -> Result<(), StorageError> {
        if messages.is_empty() {
            return Ok(());
        }
        self.storage
            .append(messages)
            .inspect_err(|error| self.storage_failed(error))
    }

    fn tell(&mut self, sending: ConnectionId, message: StoredMessage) {
        let audience = self.roster.audience(&message.from, &message.to, sending);
        let frame = Frame::private_message(&LiveMessage {
            content: message.content,
            from: message.from,
            to: Some(message.to),
            stamp: None,
        });
        self.deliver(&audience, frame.as_ref());
    }

    fn cut_unstored(&mut self, connection: ConnectionId) {
        let why = "cut a connection whose message could not be stored";
        let full = self.cut(connection, why);
        self.cut_full(full);
    }
}
