//! Who is there: from lists, from news, from messages of people on no list.

use std::collections::HashSet;

use parlour_protocol::{UserEntry, UserId, Users};

use super::Engine;
use crate::{
    dialect::Dialect,
    store::{AccountId, Evidence, StoreError},
    view::Delivery,
};

impl Engine {
    pub(super) fn user_connected(&mut self, user: &UserEntry) -> Result<(), StoreError> {
        let Some(account) = &self.account else {
            return Ok(());
        };
        if let Some(link) = &mut self.link
            && link.dialect == Some(Dialect::B)
            && user.messages.is_some()
        {
            // Only now there was somebody to tell it by.
            let dialect = Dialect::keeping(link.lists_me);
            link.dialect = Some(dialect);
            self.learned.dialect = Some(dialect);
        }
        if let Some(paging) = &mut self.paging {
            paging.met(&user.user_id);
        }
        if !self.roster.has_room_for(&user.user_id) {
            tracing::debug!("the server lists too many users; one was left out");
            self.learned.left_out += 1;
            return Ok(());
        }
        if self
            .roster
            .list(&user.user_id, &user.username, user.connected)
        {
            self.store
                .put_user(account.id, &user.user_id, &user.username)?;
        }
        self.changes.user(&user.user_id);
        Ok(())
    }

    /// Somebody left. Where their id ends with that, nothing tells any more whether
    /// what is on its way to it came in time: a fence proves only that the server had it.
    pub(super) fn user_disconnected(&mut self, user: &UserId) -> Result<(), StoreError> {
        if self.roster.set_disconnected(user) {
            self.changes.user(user);
        }
        let dialect = self.link.as_ref().and_then(|link| link.dialect);
        if dialect == Some(Dialect::A) {
            for id in self.outbox.peer_ended(user) {
                self.set_delivery(id, Delivery::Unsure, Evidence::None)?;
            }
        }
        Ok(())
    }

    /// Another `users` on the same connection tells who is there, no more: what
    /// was said since the first came by itself, and what is in flight has a fence.
    pub(super) fn list_again(&mut self, users: &Users) -> Result<(), StoreError> {
        let (Some(account), Some(me)) = (self.account.clone(), self.roster.me().cloned()) else {
            return Ok(());
        };
        self.changes.everyone();
        self.store.begin()?;
        let listed = self.list_users(account.id, users, &me);
        self.store.end(listed)
    }

    /// Whom the server lists is there, whom it does not is gone.
    pub(super) fn list_users(
        &mut self,
        account: AccountId,
        users: &Users,
        me: &UserId,
    ) -> Result<(), StoreError> {
        self.list_these(account, users, me)?;
        let listed: HashSet<&UserId> = users
            .entries
            .iter()
            .map(|user| &user.user_id)
            .chain([me])
            .collect();
        let ids = self.roster.ids();
        let others = ids.iter().filter(|id| !listed.contains(id));
        others
            .into_iter()
            .try_for_each(|id| self.is_gone(account, id))
    }

    /// Those of a list that may not have all.
    pub(super) fn list_these(
        &mut self,
        account: AccountId,
        users: &Users,
        me: &UserId,
    ) -> Result<(), StoreError> {
        let mut left_out: u64 = 0;
        for user in &users.entries {
            if !self.roster.has_room_for(&user.user_id) {
                left_out += 1;
            } else if self
                .roster
                .list(&user.user_id, &user.username, user.connected)
            {
                self.store
                    .put_user(account, &user.user_id, &user.username)?;
            }
        }
        self.learned.left_out = left_out;
        if left_out > 0 {
            tracing::warn!(left_out, "the server lists too many users");
        }
        if !users.entries.iter().any(|user| user.user_id == *me)
            && let Some(identity) = self.session.identity()
        {
            let username = identity.username.clone();
            if self.roster.list(me, &username, true) {
                // Else what we noted for ourselves would be nobody's at the next start, and
                // nobody could write to oneself before the first list.
                self.store.put_user(account, me, &username)?;
                self.changes.user(me);
            }
        }
        Ok(())
    }

    /// The server does not list somebody any more.
    pub(super) fn is_gone(&mut self, account: AccountId, id: &UserId) -> Result<(), StoreError> {
        // Asked of the store: a message of this turn is in no summary yet.
        if self.store.has_messages(account, id)? || self.store.draft(account, id)?.is_some() {
            self.roster.unlist(id);
            self.changes.user(id);
        } else {
            self.roster.remove(id);
            self.store.remove_user(account, id)?;
            self.changes.everything();
        }
        Ok(())
    }

    /// Somebody whom the server never listed takes part all the same.
    pub(super) fn introduce(&mut self, id: &UserId) -> Result<(), StoreError> {
        let Some(account) = &self.account else {
            return Ok(());
        };
        if !self.roster.knows(id) {
            self.roster.list(id, id.as_str(), true);
            self.store.put_user(account.id, id, id.as_str())?;
        }
        Ok(())
    }
}
