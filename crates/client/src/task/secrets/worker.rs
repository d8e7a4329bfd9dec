//! The thread that asks the secret store, one question after the other.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use parlour_protocol::SessionId;
use tokio::sync::mpsc;

use super::desk::{Job, Question};
use crate::ports::{SecretError, SecretStore, place};

/// What the store said to the question of this number: to a load the session, to
/// anything else nothing.
pub(in crate::task) struct Answer {
    pub(super) ticket: u64,
    pub(super) result: Result<Option<SessionId>, SecretError>,
}

/// Such a thread. One that is let go ends after the call that it is in.
pub(super) struct Worker(SyncSender<Question>);

impl Worker {
    pub(super) fn start(
        store: Arc<dyn SecretStore>,
        answers: mpsc::Sender<Answer>,
    ) -> io::Result<Self> {
        let (questions, inbox) = sync_channel::<Question>(1);
        thread::Builder::new()
            .name("parlour-secrets".into())
            .spawn(move || {
                for question in inbox {
                    let result = match place(store.as_ref(), question.backend) {
                        Some(place) => ask(place, &question.job),
                        None => Err(SecretError::Missing),
                    };
                    let ticket = question.ticket;
                    if answers.blocking_send(Answer { ticket, result }).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self(questions))
    }

    /// Gives it the next question; `false` if the thread is gone.
    pub(super) fn ask(&self, question: Question) -> bool {
        self.0.try_send(question).is_ok()
    }
}

fn ask(place: &dyn SecretStore, job: &Job) -> Result<Option<SessionId>, SecretError> {
    match job {
        Job::Probe { name, value } => place.probe(name, value).map(|()| None),
        Job::Load { name, .. } => place.load(name),
        Job::Save {
            name, session_id, ..
        } => place.keep(name, session_id).map(|()| None),
        Job::Delete { name } => place.delete(name).map(|()| None),
    }
}
