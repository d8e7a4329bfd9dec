//! Who waits for which answer of one client.

use std::collections::HashMap;

use tokio::sync::oneshot;

use crate::Answer;

/// How many answers one client may owe. More is a client that does not answer.
const MOST: usize = 1024;

/// Callers by the number of their question. Each takes its own entry back
/// when it gives up, so only those that wait are here.
#[derive(Debug, Default)]
pub(super) struct Acks {
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
}

impl Acks {
    /// A number for a question, and where its answer will be. `None`: too many
    /// are unanswered.
    pub(super) fn ask(&mut self) -> Option<(u64, oneshot::Receiver<Answer>)> {
        if self.waiting.len() >= MOST {
            return None;
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        let (caller, answer) = oneshot::channel();
        self.waiting.insert(id, caller);
        Some((id, answer))
    }

    /// Hands an answer to who waits for it; one that nobody waits for is ignored.
    pub(super) fn answer(&mut self, id: u64, answer: Answer) {
        if let Some(caller) = self.waiting.remove(&id) {
            // It may have given up this very moment.
            let _ = caller.send(answer);
        }
    }

    /// Nobody waits for this one any more.
    pub(super) fn forget(&mut self, id: u64) {
        self.waiting.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        Answer {
            args: Vec::new(),
            attachments: Vec::new(),
        }
    }

    #[test]
    fn each_caller_gets_its_own_answer_once() {
        let mut acks = Acks::default();
        let (one, mut first) = acks.ask().unwrap();
        let (two, mut second) = acks.ask().unwrap();
        acks.answer(two, answer());
        assert!(second.try_recv().is_ok());
        assert!(first.try_recv().is_err());
        acks.answer(two, answer());
        acks.answer(99, answer());
        acks.answer(one, answer());
        assert!(first.try_recv().is_ok());
    }

    #[test]
    fn a_client_that_never_answers_costs_no_more_than_the_limit() {
        let mut acks = Acks::default();
        let first = acks.ask().unwrap();
        let rest: Vec<_> = std::iter::from_fn(|| acks.ask()).collect();
        assert_eq!(rest.len(), MOST - 1);
        acks.forget(first.0);
        assert!(acks.ask().is_some());
    }
}
