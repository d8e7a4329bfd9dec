//! How far people got: the others with our messages, we with theirs on any device.

use parlour_protocol::{
    UserId, Users,
    pm::{Receipt, Summary},
};

use crate::{
    store::{AccountId, Reached, StoreError},
    task::Engine,
};

impl Engine {
    /// How far somebody got. What another device of ours has read is read here, too.
    pub(in crate::task) fn receipt(&mut self, receipt: &Receipt) -> Result<(), StoreError> {
        let Some(account) = self.account.as_ref().map(|account| account.id) else {
            return Ok(());
        };
        if !self.speaks_pm() {
            return Ok(());
        }
        if !receipt.own {
            let reached = Reached {
                received: receipt.received.unwrap_or(0),
                read: receipt.read.unwrap_or(0),
            };
            return self.reached(account, &receipt.peer, reached);
        }
        match receipt.read {
            Some(read) => self.read_elsewhere(account, &receipt.peer, read),
            None => Ok(()),
        }
    }

    /// What the list says of how far everybody got.
    pub(super) fn heed_summaries(&mut self, users: &Users) -> Result<(), StoreError> {
        let Some(account) = self.account.as_ref().map(|account| account.id) else {
            return Ok(());
        };
        self.store.begin()?;
        let heeded = users.entries.iter().try_for_each(|user| {
            let reached = user.summary.as_ref().map(Reached::from);
            match reached.filter(|reached| *reached != Reached::default()) {
                Some(reached) => self.reached(account, &user.user_id, reached),
                None => Ok(()),
            }
        });
        self.store.end(heeded)
    }

    fn reached(
        &mut self,
        account: AccountId,
        peer: &UserId,
        reached: Reached,
    ) -> Result<(), StoreError> {
        if self.store.set_reached(account, peer, reached)? {
            self.changes.user(peer);
        }
        Ok(())
    }

    fn read_elsewhere(
        &mut self,
        account: AccountId,
        peer: &UserId,
        up_to: u64,
    ) -> Result<(), StoreError> {
        if self.store.mark_read_up_to(account, peer, up_to)? {
            self.changes.user(peer);
        }
        if let Some(pm) = self.link.as_mut().and_then(|link| link.pm.as_mut()) {
            pm.receipts.known(peer, up_to);
        }
        Ok(())
    }

    /// At the end of the first catch-up: what was read on any of our devices is
    /// read on all. `last_seq` is the last number that the summaries can count.
    pub(super) fn agree_on_unread(
        &mut self,
        account: AccountId,
        said: &[(UserId, Summary)],
        last_seq: u64,
    ) -> Result<(), StoreError> {
        self.store.begin()?;
        let agreed = said.iter().try_for_each(|(peer, summary)| {
            let here = self.store.unread(account, peer)?;
            if here > summary.unread {
                let read = self
                    .store
                    .last_read_from(account, peer, last_seq, summary.unread)?;
                return read.map_or(Ok(()), |seq| self.read_elsewhere(account, peer, seq));
            }
            match here == 0 && summary.unread > 0 {
                true => self.tell_read(account, peer),
                false => Ok(()),
            }
        });
        self.store.end(agreed)
    }
}
