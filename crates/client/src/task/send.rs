//! From the queue to the connection.

use parlour_protocol::{OutgoingMessage, UserId, pm::Code};

use super::Engine;
use crate::{
    dialect::Dialect,
    outbox::{Sendable, WINDOW},
    ports::SendError,
    roster::Roster,
    store::{Evidence, Pending, StoreError},
    view::{Delivery, FailureCode, ItemId},
};

impl Engine {
    /// Sends what can be sent now. Each message is marked in the store before
    /// it is written to the connection.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        self.tend_witness();
        if !self.session.is_online() || !self.may_write() {
            return Ok(());
        }
        let Some(link) = &self.link else {
            return Ok(());
        };
        let Some(dialect) = link.dialect else {
            return Ok(());
        };
        let window = link.pm.as_ref().map_or(WINDOW, |pm| pm.window());
        let doubted = self.doubted();
        let window = if doubted.alone { 1 } else { window };
        let roster = &self.roster;
        let mut batch = self
            .outbox
            .take(window, |peer| match doubted.waiting.contains(peer) {
                true => Sendable::Later,
                false => sendable(dialect, roster, peer),
            });
        if batch.send.is_empty() && batch.hold.is_empty() {
            return Ok(());
        }
        for message in &mut batch.send {
            message.uid = match dialect {
                Dialect::Pm => Some(message.uid.unwrap_or_else(|| self.new_uid())),
                Dialect::A | Dialect::B | Dialect::C | Dialect::D => None,
            };
        }
        let marked = self.store.atomically(|store| {
            for message in &batch.hold {
                store.set_delivery(message.id, Delivery::Held, Evidence::None)?;
            }
            batch
                .send
                .iter()
                .try_for_each(|message| store.set_sending(message.id, message.uid))
        });
        if let Err(error) = marked {
            self.outbox.put_back(batch.send);
            return Err(error);
        }
        for message in batch.hold.iter().chain(&batch.send) {
            self.message_changed(message.id)?;
        }
        match dialect {
            _ if batch.send.is_empty() => Ok(()),
            Dialect::Pm => self.ask_to_take(batch.send),
            Dialect::A | Dialect::B | Dialect::C | Dialect::D => self.write(batch.send),
        }
    }

    fn write(&mut self, messages: Vec<Pending>) -> Result<(), StoreError> {
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        let mut written = Vec::new();
        let mut too_large = Vec::new();
        let mut unwritten = messages.into_iter();
        let mut stalled = None;
        for message in unwritten.by_ref() {
            let packet = OutgoingMessage::plain(message.content.clone(), message.peer.clone());
            match link.sender.send(&packet) {
                Ok(()) => {
                    if self.roster.me() == Some(&message.peer) {
                        link.wrote_note(message.content.clone());
                    }
                    written.push(message);
                }
                Err(SendError::TooLarge) => too_large.push(message.id),
                Err(SendError::Full) => {
                    stalled = Some(message);
                    break;
                }
            }
        }
        let unwritten: Vec<Pending> = stalled.into_iter().chain(unwritten).collect();
        // Nothing written says nothing about what was written before.
        if !written.is_empty() {
            self.prove(written);
        }
        for id in too_large {
            self.store.set_refused(id, Code::TooLarge)?;
            self.message_changed(id)?;
        }
        self.unwritten(unwritten)
    }

    /// A stalled connection tells of room, or of its end, by an event.
    pub(super) fn unwritten(&mut self, unwritten: Vec<Pending>) -> Result<(), StoreError> {
        let ids: Vec<ItemId> = unwritten.iter().map(|message| message.id).collect();
        self.outbox.put_back(unwritten);
        self.store
            .atomically(|store| ids.iter().try_for_each(|id| store.set_unsent(*id)))?;
        ids.iter().try_for_each(|id| self.message_changed(*id))
    }

    /// Doubts that time has resolved.
    pub(super) fn patience_over(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let link = self.link.as_ref();
        let tells_nothing = link.is_some_and(|link| link.dialect == Some(Dialect::D));
        if tells_nothing && self.outbox.must_look_again(now) {
            // What arrived meanwhile did not come back: a new list says.
            return self.break_off(FailureCode::LinkLost);
        }
        let over = self.outbox.patience_over(now);
        if over.is_empty() {
            return Ok(());
        }
        let over: Vec<(ItemId, Delivery)> = over
            .into_iter()
            .map(|id| match self.outbox.was_condemned(id) {
                true => (id, Delivery::Failed),
                false => (id, Delivery::Queued),
            })
            .collect();
        self.store.atomically(|store| {
            over.iter()
                .try_for_each(|(id, next)| store.set_delivery(*id, *next, Evidence::None))
        })?;
        over.iter()
            .try_for_each(|(id, _)| self.message_changed(*id))?;
        self.reload_outbox()
    }

    pub(super) fn sent(&mut self, ids: &[ItemId], evidence: Evidence) -> Result<(), StoreError> {
        self.store.atomically(|store| {
            ids.iter()
                .try_for_each(|id| store.set_delivery(*id, Delivery::Sent, evidence))
        })?;
        ids.iter().try_for_each(|id| self.message_changed(*id))
    }

    pub(super) fn set_delivery(
        &mut self,
        id: ItemId,
        delivery: Delivery,
        evidence: Evidence,
    ) -> Result<(), StoreError> {
        self.store.set_delivery(id, delivery, evidence)?;
        self.message_changed(id)
    }

    /// Notes that a message is to be published in its present state.
    pub(super) fn message_changed(&mut self, id: ItemId) -> Result<(), StoreError> {
        let Some(account) = &self.account else {
            return Ok(());
        };
        if let Some(message) = self.store.message(account.id, id)? {
            self.changes.message(message);
        }
        Ok(())
    }

    /// Whether a message to this user would wait, be sent, or be held.
    pub(super) fn knows(&self, user: &UserId) -> bool {
        self.roster.knows(user)
    }
}

/// On a server that keeps messages, anyone it lists can be written to. On
/// others, what is sent to somebody who is away is lost without a word: it
/// waits here until they are back, if their id can come back.
pub(super) fn sendable(dialect: Dialect, roster: &Roster, peer: &UserId) -> Sendable {
    if dialect == Dialect::Pm {
        // Its list is cut where it is long; it says itself whom it does not know.
        return Sendable::Now;
    }
    let is_me = roster.me() == Some(peer);
    let arrives = dialect.keeps_messages_with(is_me) || roster.is_connected(peer);
    match (roster.is_listed(peer), arrives) {
        (false, _) => Sendable::Never,
        (true, true) => Sendable::Now,
        (true, false) if dialect.keeps_identities() => Sendable::Later,
        (true, false) => Sendable::Never,
    }
}
