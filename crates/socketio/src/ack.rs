//! Who waits for which answer.

use std::collections::{HashMap, hash_map::Entry};

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::machine::SpaceId;

/// The server's answer to an event.
#[derive(Clone)]
pub struct Answer {
    /// What it answered.
    pub args: Vec<Box<RawValue>>,
    /// What the [`Placeholder`](crate::Placeholder)s among them stand for.
    pub attachments: Vec<Bytes>,
}

impl std::fmt::Debug for Answer {
    /// Shows how much there is, not what: an answer may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("args", &self.args.len())
            .field("attachments", &self.attachments.len())
            .finish()
    }
}

/// A question on its way. Dropping it gives the answer up.
#[derive(Debug)]
pub struct Asked {
    pub(crate) answer: oneshot::Receiver<Answer>,
    pub(crate) turn: OwnedSemaphorePermit,
}

impl Asked {
    /// The answer; `None` if the connection closes first. It has no time-out.
    pub async fn answer(self) -> Option<Answer> {
        let answer = self.answer.await.ok();
        drop(self.turn);
        answer
    }
}

/// Who asked, and where.
#[derive(Debug)]
struct Caller {
    space: SpaceId,
    caller: oneshot::Sender<Answer>,
}

/// Callers by the number of their question.
///
/// Callers come and go by themselves: each has a time-out of its own and drops
/// its receiver when it fires. The table clears those away before it grows
/// beyond twice the number of callers that may wait at once, so it is bounded
/// although no one tells it.
#[derive(Debug)]
pub(crate) struct AckTable {
    waiting: HashMap<u64, Caller>,
    limit: usize,
}

impl AckTable {
    /// For at most `callers` at a time.
    pub(crate) fn new(callers: usize) -> Self {
        Self {
            waiting: HashMap::new(),
            limit: callers.saturating_mul(2),
        }
    }

    pub(crate) fn insert(&mut self, space: SpaceId, id: u64, caller: oneshot::Sender<Answer>) {
        if self.waiting.len() >= self.limit {
            self.waiting.retain(|_, known| !known.caller.is_closed());
        }
        self.waiting.insert(id, Caller { space, caller });
    }

    /// Hands an answer to whom it belongs; `false` if no one waits for it (any
    /// more), or it comes from a namespace that was not asked.
    pub(crate) fn answer(&mut self, space: SpaceId, id: u64, answer: Answer) -> bool {
        match self.waiting.entry(id) {
            Entry::Occupied(known) if known.get().space == space => {
                known.remove().caller.send(answer).is_ok()
            }
            Entry::Occupied(_) | Entry::Vacant(_) => false,
        }
    }

    /// There will be no more answers from this namespace.
    pub(crate) fn forget(&mut self, space: SpaceId) {
        self.waiting.retain(|_, known| known.space != space);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Answer {
        Answer {
            args: vec![RawValue::from_string(text.to_owned()).unwrap()],
            attachments: vec![],
        }
    }

    #[test]
    fn each_caller_gets_its_own_answer_once() {
        let mut table = AckTable::new(4);
        let (first, mut one) = oneshot::channel();
        let (second, mut two) = oneshot::channel();
        table.insert(0, 1, first);
        table.insert(0, 2, second);
        assert!(table.answer(0, 2, answer("22")));
        assert!(!table.answer(0, 2, answer("23")));
        assert!(!table.answer(0, 9, answer("99")));
        assert!(table.answer(0, 1, answer("11")));
        assert_eq!(one.try_recv().unwrap().args[0].get(), "11");
        assert_eq!(two.try_recv().unwrap().args[0].get(), "22");
    }

    #[test]
    fn those_who_gave_up_are_cleared_away() {
        let mut table = AckTable::new(4);
        let (patient, mut still_waiting) = oneshot::channel();
        table.insert(0, 0, patient);
        for id in 1..1_000 {
            table.insert(0, id, oneshot::channel().0);
            assert!(table.waiting.len() <= 8);
        }
        assert!(!table.answer(0, 999, answer("999")));
        assert!(table.answer(0, 0, answer("0")));
        assert!(still_waiting.try_recv().is_ok());
    }

    #[test]
    fn each_namespace_answers_for_itself() {
        let mut table = AckTable::new(4);
        let (here, mut one) = oneshot::channel();
        let (there, mut two) = oneshot::channel();
        table.insert(1, 7, here);
        table.insert(2, 8, there);
        assert!(!table.answer(2, 7, answer("7")), "from elsewhere");
        table.forget(2);
        assert!(!table.answer(2, 8, answer("8")));
        assert!(two.try_recv().is_err());
        assert!(table.answer(1, 7, answer("7")));
        assert!(one.try_recv().is_ok());
    }
}
