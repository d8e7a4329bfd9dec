//! Messages that come live: from others, and our own from another connection.

use parlour_protocol::{LiveMessage, UserId};

use super::Engine;
use crate::{
    dialect::Dialect,
    store::{Evidence, NewMessage, StoreError},
    view::{Delivery, ItemId},
};

impl Engine {
    pub(super) fn message_arrived(&mut self, message: LiveMessage) -> Result<(), StoreError> {
        let Some(me) = self.roster.me().cloned() else {
            return Ok(());
        };
        if self.speaks_pm() {
            return self.stamped_arrived(message);
        }
        if message.from == me {
            let peer = message.to.unwrap_or_else(|| me.clone());
            return self.own_message_arrived(&peer, &message.content);
        }
        if message.to.as_ref().is_some_and(|to| *to != me) {
            // Told by its number, and once by name: a server may do it all day.
            if self.learned.between_others == 0 {
                tracing::warn!("the server sends messages between others; they are dropped");
            }
            self.learned.between_others += 1;
            return Ok(());
        }
        self.introduce(&message.from)?;
        self.is_there(&message.from);
        self.append(&message.from, false, &message.content, None)
    }

    /// Another connection of ours sent something.
    fn own_message_arrived(&mut self, peer: &UserId, content: &str) -> Result<(), StoreError> {
        if self.is_note_of_this_link(peer, content) {
            let proven = self.outbox.came_back(peer, content);
            return self.sent(proven.as_slice(), Evidence::Echo);
        }
        if let Some(link) = &mut self.link {
            link.echoes.link_heard(peer, content, self.clock.now());
        }
        self.learned.echoes = true;
        let in_doubt = match self.outbox.echoed(peer, content) {
            None => self.first_in_doubt(peer, content)?,
            known => known,
        };
        let now = self.clock.now();
        let in_doubt = in_doubt.or_else(|| self.outbox.doubt_resolved(peer, content, now));
        if let Some(id) = in_doubt {
            return self.set_delivery(id, Delivery::Sent, Evidence::Echo);
        }
        self.introduce(peer)?;
        self.append(peer, true, content, Some(Delivery::Sent))
    }

    /// On dialect D somebody counts as gone when any socket of theirs is: what
    /// they write shows that they are there.
    fn is_there(&mut self, id: &UserId) {
        let link = self.link.as_ref();
        if link.is_some_and(|link| link.dialect == Some(Dialect::D))
            && self.roster.set_connected(id)
        {
            self.changes.user(id);
        }
    }

    fn is_note_of_this_link(&mut self, peer: &UserId, content: &str) -> bool {
        let notes = self.link.as_mut().and_then(|link| link.notes.as_mut());
        self.roster.me() == Some(peer)
            && notes.is_some_and(|notes| notes.pop_front_if(|note| note == content).is_some())
    }

    /// Until the list is there, what broke with the last connection is looked
    /// for in the store: an echo of it may overtake the list.
    fn first_in_doubt(&self, peer: &UserId, content: &str) -> Result<Option<ItemId>, StoreError> {
        let listed = self
            .link
            .as_ref()
            .is_some_and(|link| link.dialect.is_some());
        let Some(account) = self.account.as_ref().filter(|_| !listed) else {
            return Ok(None);
        };
        Ok(self
            .store
            .pending(account.id)?
            .into_iter()
            .find(|message| message.delivery == Delivery::Sending && message.peer == *peer)
            .filter(|message| message.content == content)
            .map(|message| message.id))
    }

    fn append(
        &mut self,
        peer: &UserId,
        mine: bool,
        content: &str,
        delivery: Option<Delivery>,
    ) -> Result<(), StoreError> {
        let Some(account) = &self.account else {
            return Ok(());
        };
        let evidence = if mine {
            Evidence::Echo
        } else {
            Evidence::History
        };
        let message = NewMessage {
            peer,
            mine,
            content,
            at: Some(self.clock.now_ms()),
            delivery,
            evidence,
            uid: None,
            seq: None,
        };
        let message = self.store.append(account.id, &message)?;
        self.changes.message(message);
        Ok(())
    }
}
