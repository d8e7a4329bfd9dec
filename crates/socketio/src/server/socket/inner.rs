//! What the rest of the server does with a socket.

use std::sync::{Arc, Weak};

use super::{Inner, Socket};
use crate::{
    Answer,
    server::{
        Frame, Full,
        feed::{Chunk, Follow, Log},
        rooms::Space,
    },
};

/// For its connection.
impl Socket {
    /// It has joined: the answer, and what was sent to it before. `false`: the
    /// application has disconnected it before it was there.
    pub(in crate::server) fn open(&self, answer: &Frame) -> bool {
        let opened = self.line().open(answer, &self.inner.out);
        self.checked(opened).unwrap_or(true)
    }

    /// Queues what its log has had until now. `false`: there is no room for it.
    pub(in crate::server) fn catch_up(&self) -> bool {
        let caught_up = self.line().catch_up(&self.inner.out);
        self.checked(caught_up).is_ok()
    }

    /// It has left, and so have all its rooms; whoever waits for an answer hears it.
    pub(in crate::server) fn end(&self) {
        self.line().end();
        self.inner.space.remove(self.number());
    }

    /// Whether the application has disconnected it.
    pub(in crate::server) fn has_left(&self) -> bool {
        self.line().has_gone()
    }

    pub(in crate::server) fn answered(&self, id: u64, answer: Answer) {
        if let Some(acks) = self.line().acks() {
            acks.answer(id, answer);
        }
    }
}

/// For its rooms.
impl Socket {
    pub(in crate::server) fn space(&self) -> &Arc<Space> {
        &self.inner.space
    }
}

/// For its log.
impl Socket {
    /// `false`: it follows that log already, or nothing any more.
    pub(in crate::server) fn follow(&self, follow: Follow) -> bool {
        let followed = self.line().follow(follow, &self.inner.out);
        self.checked(followed).unwrap_or(false)
    }

    pub(in crate::server) fn unfollow(&self, log: &Arc<Log>) {
        let unfollowed = self.line().unfollow(log, &self.inner.out);
        // A full queue has ended the connection, which nobody has to be told twice.
        let _ = self.checked(unfollowed);
    }

    /// Whether it still follows under this ticket.
    pub(in crate::server) fn follows(&self, ticket: u64) -> bool {
        self.line().has_ticket(ticket)
    }

    /// Brings it to the end of the chunk. `false`: it does not follow under this
    /// ticket any more.
    pub(in crate::server) fn bring(&self, chunk: &Chunk, ticket: u64) -> bool {
        let brought = {
            let mut line = self.line();
            if !line.has_ticket(ticket) {
                return false;
            }
            line.catch_up_by(chunk, &self.inner.out)
        };
        match self.checked(brought) {
            Ok(true) => self.flush(),
            Ok(false) => {}
            Err(Full) => return false,
        }
        true
    }

    pub(in crate::server) fn downgrade(&self) -> WeakSocket {
        WeakSocket(Arc::downgrade(&self.inner))
    }
}

/// A handle that does not even keep what is known of the client.
pub(in crate::server) struct WeakSocket(Weak<Inner>);

impl WeakSocket {
    pub(in crate::server) fn upgrade(&self) -> Option<Socket> {
        self.0.upgrade().map(|inner| Socket { inner })
    }
}
