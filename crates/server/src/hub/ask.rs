//! Questions in pm: which is answered when.

use super::{
    Hub,
    command::{Ask, Request},
    pending::{Finished, Kind, Step},
};
use crate::{limits::BUSY_RETRY_MS, storage::StorageError};
use parlour_protocol::pm::{Code, Refused};

impl Hub {
    /// Takes a question in its turn.
    pub(super) fn ask(&mut self, ask: Box<Ask>) {
        let Ask {
            connection, ack, ..
        } = *ask;
        match &ask.request {
            Request::Received(received) => {
                self.received(connection, ack, *received);
                self.finished.push(Finished::Asked(ask.done, 0));
            }
            Request::Read(read) => {
                self.read(connection, ack, read);
                self.finished.push(Finished::Asked(ask.done, 0));
            }
            Request::Sync(_) | Request::History(_) | Request::Users(_) => {
                self.begin(Kind::Reading);
                self.then(Step::Ask(ask));
            }
            Request::Logout(logout) => {
                self.settle();
                let ended = self.log_out(connection, ack, logout.all);
                self.finished.push(Finished::Asked(ask.done, ended));
            }
        }
    }

    /// Answers what is read from the storage.
    pub(super) fn answer(&mut self, ask: Ask) {
        let Ask {
            connection,
            ack,
            request,
            done,
        } = ask;
        if let (Some(person), Some(ack)) = (self.connections.person(connection), ack) {
            let frame = match &request {
                Request::Sync(request) => self.sync(person, ack, *request),
                Request::History(request) => self.history(person, ack, request),
                Request::Users(request) => self.page_of_users(person, ack, request),
                Request::Received(_) | Request::Read(_) | Request::Logout(_) => Ok(None),
            };
            match frame {
                Ok(Some(frame)) => self.connections.send(connection, &frame),
                Ok(None) => {}
                Err(refused) => self.reply(connection, ack, &refused),
            }
        }
        self.finished.push(Finished::Asked(done, 0));
    }

    /// What to say when the storage cannot be read.
    pub(super) fn unreadable(&self, error: &StorageError) -> Refused {
        self.storage_failed(error);
        Refused::for_now(Code::ServerBusy, BUSY_RETRY_MS)
    }
}
