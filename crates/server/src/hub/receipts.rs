//! How far somebody got with what others wrote.

use parlour_protocol::pm::{self, Accepted, Code, Read, Receipt, Received, Refused};
use parlour_socketio::server::AckId;

use super::{
    ConnectionId, Hub, frames,
    leave::Why,
    pending::{Kind, NotStored, Step},
    people::Index,
};
use crate::{
    limits::BUSY_RETRY_MS,
    storage::{Told, Write, Written},
};

/// A receipt that waits for its commit.
pub(super) struct Reached {
    connection: ConnectionId,
    ack: Option<AckId>,
    person: Index,
    /// With whom, and up to where, in one's own numbers; `None`: it has only arrived.
    read: Option<(Index, u64)>,
}

impl Hub {
    /// `pm:received`.
    pub(super) fn received(
        &mut self,
        connection: ConnectionId,
        ack: Option<AckId>,
        received: Received,
    ) {
        let Some(person) = self.connections.person(connection) else {
            return;
        };
        self.begin(Kind::Chat);
        let write = Write::Received {
            user: self.people.get(person).key,
            up_to: received.up_to,
        };
        let reached = Reached {
            connection,
            ack,
            person,
            read: None,
        };
        self.store(write, Step::Reached(reached));
    }

    /// `pm:read`.
    pub(super) fn read(&mut self, connection: ConnectionId, ack: Option<AckId>, read: &Read) {
        let Some(person) = self.connections.person(connection) else {
            return;
        };
        let Some(peer) = self.people.by_id(&read.peer) else {
            if let Some(ack) = ack {
                self.reply(connection, ack, &Refused::new(Code::UnknownRecipient));
            }
            return;
        };
        self.begin(Kind::Chat);
        let write = Write::Read {
            user: self.people.get(person).key,
            peer: self.people.get(peer).key,
            up_to: read.up_to,
        };
        let reached = Reached {
            connection,
            ack,
            person,
            read: Some((peer, read.up_to)),
        };
        self.store(write, Step::Reached(reached));
    }

    /// It is stored: those who wrote hear it, and one's own other devices.
    pub(super) fn reached(&mut self, reached: &Reached, outcome: Result<Written, NotStored>) {
        let Reached {
            connection,
            ack,
            person,
            read,
        } = *reached;
        let told = match outcome {
            Ok(Written::Receipts(told)) => told,
            Ok(_) => Vec::new(),
            Err(NotStored) => {
                match ack {
                    Some(ack) => {
                        let busy = Refused::for_now(Code::ServerBusy, BUSY_RETRY_MS);
                        self.reply(connection, ack, &busy);
                    }
                    None => self.cut(connection, Why::NotStored),
                }
                return;
            }
        };
        let is_news = !told.is_empty();
        for Told { writer, seq } in told {
            if let Some(writer) = self.people.by_key(writer)
                && writer != person
            {
                self.tell_writer(writer, person, seq, read.is_some());
            }
        }
        if let Some((peer, up_to)) = read
            && is_news
        {
            // Only ever onwards: a device that is behind must not set back the others.
            self.tell_own(connection, person, peer, up_to);
        }
        if let Some(ack) = ack {
            self.reply(connection, ack, &Accepted::done());
        }
    }

    fn tell_writer(&mut self, writer: Index, reader: Index, seq: u64, is_read: bool) {
        let receipt = Receipt {
            peer: self.people.get(reader).id.clone(),
            received: (!is_read).then_some(seq),
            read: is_read.then_some(seq),
            own: false,
        };
        if let Some(frame) = frames::event(pm::names::RECEIPT, &(receipt,)) {
            self.tell_pm(writer, None, &frame);
        }
    }

    fn tell_own(&mut self, connection: ConnectionId, person: Index, peer: Index, up_to: u64) {
        let known = self.people.get(person).last_seq;
        let receipt = Receipt {
            peer: self.people.get(peer).id.clone(),
            received: None,
            // Nobody has read what is not there yet.
            read: Some(up_to.min(known)),
            own: true,
        };
        if let Some(frame) = frames::event(pm::names::RECEIPT, &(receipt,)) {
            self.tell_pm(person, Some(connection), &frame);
        }
    }
}
