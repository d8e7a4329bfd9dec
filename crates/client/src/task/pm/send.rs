//! Messages to a server that speaks pm, and its answers to them.

use std::time::Duration;

use parlour_protocol::{
    OutgoingMessage,
    pm::{Accepted, Code, MessageId, Refused, Reply},
};
use rand::RngExt;

use super::apply::LONGEST_WAIT;
use crate::{
    backoff,
    dialect::tame::SEQ_MAX,
    ports::{Question, SendError},
    store::{Evidence, Pending, StoreError},
    task::Engine,
    view::{Delivery, FailureCode, ItemId},
};

impl Engine {
    /// An id for a message that is being written.
    pub(in crate::task) fn new_uid(&mut self) -> MessageId {
        let now = u64::try_from(self.clock.now_ms()).unwrap_or(0);
        MessageId::new(now, &self.random.random())
    }

    /// Sends messages that the store has as "sending", each under its id.
    pub(in crate::task) fn ask_to_take(
        &mut self,
        messages: Vec<Pending>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Some(link) = &self.link else {
            return Ok(());
        };
        let mut too_large = Vec::new();
        let mut unwritten = messages.into_iter();
        let mut stalled = None;
        for message in unwritten.by_ref() {
            let question = Question::Message(OutgoingMessage {
                content: message.content.clone(),
                to: message.peer.clone(),
                id: message.uid,
                sent_at: message.at,
            });
            let number = self.outbox.next_fence();
            match link.sender.ask(number, &question) {
                Ok(()) => self.outbox.asked(&message, number, now),
                Err(SendError::TooLarge) => too_large.push(message.id),
                Err(SendError::Full) => {
                    stalled = Some(message);
                    break;
                }
            }
        }
        let unwritten = stalled.into_iter().chain(unwritten).collect();
        for id in too_large {
            self.refused_for_good(id, Code::TooLarge)?;
        }
        self.unwritten(unwritten)
    }

    /// The server's word on a message; `None` if it cannot be read or does not come.
    pub(super) fn message_answered(
        &mut self,
        number: u64,
        reply: Option<Reply<Accepted>>,
    ) -> Result<(), StoreError> {
        let Some(id) = self.outbox.answered(number) else {
            return Ok(());
        };
        match reply {
            Some(Reply::Yes(accepted)) => self.taken(id, &accepted),
            Some(Reply::No(refused)) if refused.code.is_temporary() => {
                self.refused_for_now(id, Some(&refused))
            }
            // The next connection will say so, and what waits is then held.
            Some(Reply::No(refused)) if refused.code == Code::SessionExpired => {
                self.refused_for_now(id, Some(&refused))?;
                self.break_off(FailureCode::ClosedByServer)
            }
            Some(Reply::No(refused)) => self.refused_for_good(id, refused.code),
            None => self.refused_for_now(id, None),
        }
    }

    /// It is committed there, now or before.
    fn taken(&mut self, id: ItemId, accepted: &Accepted) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.outbox.taken();
        let Some(account) = self.account.as_ref().map(|account| account.id) else {
            return Ok(());
        };
        let Some(message) = self.store.message(account, id)? else {
            return Ok(());
        };
        let seq = accepted.seq.filter(|seq| (1..=SEQ_MAX).contains(seq));
        let (Some(seq), Some(ts)) = (seq, accepted.ts) else {
            self.set_delivery(id, Delivery::Sent, Evidence::History)?;
            if let Some(pm) = self.link.as_mut().and_then(|link| link.pm.as_mut()) {
                pm.inbox.nudge(now);
            }
            return Ok(());
        };
        self.store.begin()?;
        let stored = self.store.set_taken(id, seq, ts).and_then(|()| {
            let moved = self.store.put_right(account, &message.peer, id, seq)?;
            self.all_changed(&moved)?;
            self.message_changed(id)?;
            let pm = self.link.as_mut().and_then(|link| link.pm.as_mut());
            let ready = pm.map_or_else(Vec::new, |pm| pm.inbox.acknowledged(seq, now));
            self.store_ready(ready)
        });
        self.store.end(stored)
    }

    /// Not now: it and all that follows waits, under the same ids.
    fn refused_for_now(&mut self, id: ItemId, refused: Option<&Refused>) -> Result<(), StoreError> {
        self.store.set_unsent(id)?;
        self.message_changed(id)?;
        let refusals = self.outbox.refused();
        let wait = refused.and_then(|refused| refused.retry_after_ms);
        let wait = Duration::from_millis(wait.unwrap_or(0)).min(LONGEST_WAIT);
        let wait = wait + backoff::delay(refusals, self.random.random());
        self.outbox.pause(self.clock.now() + wait);
        self.reload_outbox()
    }

    fn refused_for_good(&mut self, id: ItemId, code: Code) -> Result<(), StoreError> {
        tracing::warn!(code = code.as_str(), "a message was refused");
        self.store.set_refused(id, code)?;
        self.message_changed(id)
    }
}
