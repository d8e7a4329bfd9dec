//! What a server that speaks pm has for us, into the store: pages, live messages,
//! and at the end of the first catch-up the order of everything.

use std::time::Duration;

use parlour_protocol::{
    LiveMessage, UserId,
    pm::{Refused, Reply, StampedMessage, SyncPage},
};
use rand::RngExt;

use super::{Pm, poison::CALM};
use crate::{
    backoff,
    dialect::{order, tame::tame_stored},
    session::Input,
    store::{AccountId, Claims, Evidence, NewMessage, StoreError},
    task::Engine,
    view::{Delivery, FailureCode, ItemId},
};

/// How often a sync may come to nothing before the connection counts as useless.
const FAILURES: u32 = 3;

/// The longest that a server may make us wait for another try.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(300);

impl Engine {
    /// A live message: stored if it is the next one, else it says that there is more.
    pub(in crate::task) fn stamped_arrived(
        &mut self,
        message: LiveMessage,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Some(pm) = self.link.as_mut().and_then(|link| link.pm.as_mut()) else {
            return Ok(());
        };
        let (Some(stamp), Some(to)) = (message.stamp, message.to) else {
            tracing::warn!("a live message has no place; it is asked for");
            pm.inbox.nudge(now);
            return Ok(());
        };
        let message = StampedMessage {
            content: message.content,
            from: message.from,
            to,
            stamp,
        };
        let ready = pm.inbox.arrived(message, now);
        self.store_ready(ready)
    }

    /// Stores what follows the cursor, and the cursor.
    pub(super) fn store_ready(&mut self, ready: Vec<StampedMessage>) -> Result<(), StoreError> {
        let (Some(account), Some(me)) = (&self.account, self.roster.me().cloned()) else {
            return Ok(());
        };
        let account = account.id;
        let Some(mut pm) = self.link.as_mut().and_then(|link| link.pm.take()) else {
            return Ok(());
        };
        self.store.begin()?;
        let stored = self.take_all(account, &me, &mut pm.claims, ready);
        let stored = stored.and_then(|()| self.store.set_cursor(account, pm.inbox.cursor()));
        self.give_back(pm);
        self.store.end(stored)
    }

    pub(super) fn sync_answered(
        &mut self,
        reply: Option<Reply<SyncPage>>,
    ) -> Result<(), StoreError> {
        match reply {
            Some(Reply::Yes(page)) => self.page_came(page),
            Some(Reply::No(refused)) if refused.code.is_temporary() => {
                self.sync_again(Some(&refused))
            }
            Some(Reply::No(refused)) => {
                tracing::warn!(code = refused.code.as_str(), "a sync was refused");
                self.sync_again(None)
            }
            None => self.sync_again(None),
        }
    }

    /// Not now, or not at all: later, and where that does not help, on another connection.
    fn sync_again(&mut self, for_now: Option<&Refused>) -> Result<(), StoreError> {
        let jitter = self.random.random();
        let Some(pm) = self.link.as_mut().and_then(|link| link.pm.as_mut()) else {
            return Ok(());
        };
        let failures = pm.inbox.failed();
        let wait = match for_now {
            Some(refused) => Duration::from_millis(refused.retry_after_ms.unwrap_or(0)),
            None if failures >= FAILURES => return self.break_off(FailureCode::TimedOut),
            None => Duration::ZERO,
        };
        let wait = wait.min(LONGEST_WAIT) + backoff::delay(failures, jitter);
        pm.inbox.put_off(wait, self.clock.now());
        if for_now.is_some() && !pm.inbox.is_caught_up() {
            // The server lives; it is no fault that it takes its time.
            return self.step(Input::Progress);
        }
        Ok(())
    }

    fn page_came(&mut self, page: SyncPage) -> Result<(), StoreError> {
        let (Some(account), Some(me)) = (&self.account, self.roster.me().cloned()) else {
            return Ok(());
        };
        let account = account.id;
        let Some(mut pm) = self.link.as_mut().and_then(|link| link.pm.take()) else {
            return Ok(());
        };
        let was_caught_up = pm.inbox.is_caught_up();
        let known = pm.inbox.cursor();
        let ready = (page.epoch == pm.epoch)
            .then(|| pm.inbox.page(page.next, page.complete, self.clock.now()));
        let Some(Ok(ready)) = ready else {
            tracing::warn!("the server sent a page that cannot be");
            return self.break_off(FailureCode::ProtocolError);
        };
        let mut messages: Vec<StampedMessage> = page
            .messages
            .into_iter()
            .filter_map(tame_stored)
            .filter(|message| message.stamp.seq > known)
            .collect();
        messages.sort_by_key(|message| message.stamp.seq);
        messages.extend(ready);
        let is_first_end = pm.inbox.is_caught_up() && !was_caught_up;
        if is_first_end {
            pm.calm_from = Some(self.clock.now() + CALM);
        }
        self.store.begin()?;
        let stored = self.take_all(account, &me, &mut pm.claims, messages);
        let stored = stored.and_then(|()| {
            self.store.set_cursor(account, pm.inbox.cursor())?;
            if is_first_end {
                self.end_catch_up(account, pm.claims.take())?;
            }
            Ok(())
        });
        let said = match is_first_end {
            true => std::mem::take(&mut pm.said),
            false => Vec::new(),
        };
        let last_seq = pm.last_seq;
        self.give_back(pm);
        self.store.end(stored)?;
        match (was_caught_up, is_first_end) {
            (true, _) => return Ok(()),
            (false, false) => return self.step(Input::Progress),
            (false, true) => {}
        }
        self.agree_on_unread(account, &said, last_seq)?;
        self.changes.everyone();
        self.step(Input::UsersGiven)?;
        self.reload_outbox()
    }

    fn give_back(&mut self, pm: Box<Pm>) {
        if let Some(link) = &mut self.link {
            link.pm = Some(pm);
        }
    }

    fn take_all(
        &mut self,
        account: AccountId,
        me: &UserId,
        claims: &mut Option<Claims>,
        messages: Vec<StampedMessage>,
    ) -> Result<(), StoreError> {
        messages
            .iter()
            .try_for_each(|message| self.take(account, me, claims, message))
    }

    /// One message of the server: known by its id, or what was there before
    /// under none, or new.
    fn take(
        &mut self,
        account: AccountId,
        me: &UserId,
        claims: &mut Option<Claims>,
        message: &StampedMessage,
    ) -> Result<(), StoreError> {
        let mine = message.from == *me;
        let peer = if mine { &message.to } else { &message.from };
        if !mine && message.to != *me {
            tracing::warn!("the server sent a message between others; it was dropped");
            return Ok(());
        }
        self.introduce(peer)?;
        let stamp = &message.stamp;
        let known = match self.store.message_by_uid(account, peer, mine, &stamp.id)? {
            Some(known) => Some(known.id),
            None => self.claim(account, claims, peer, mine, &message.content)?,
        };
        if let Some(id) = known {
            self.store.set_stamp(id, stamp)?;
            self.outbox.remove(id);
            // While claiming, all is put in order at the end.
            if claims.is_none() {
                let moved = self.store.put_right(account, peer, id, stamp.seq)?;
                self.all_changed(&moved)?;
            }
            return self.message_changed(id);
        }
        let new = NewMessage {
            peer,
            mine,
            content: &message.content,
            at: Some(stamp.ts),
            delivery: mine.then_some(Delivery::Sent),
            evidence: Evidence::History,
            uid: Some(stamp.id),
            seq: Some(stamp.seq),
        };
        let stored = if claims.is_some() {
            self.store.append(account, &new)?
        } else {
            let (position, moved) = self.store.open_place(account, peer, stamp.seq)?;
            let stored = self.store.insert_at(account, &new, position)?;
            self.all_changed(&moved)?;
            stored
        };
        self.changes.message(stored);
        Ok(())
    }

    /// A row from before that this message stands for, if it is still there.
    fn claim(
        &self,
        account: AccountId,
        claims: &mut Option<Claims>,
        peer: &UserId,
        mine: bool,
        content: &str,
    ) -> Result<Option<ItemId>, StoreError> {
        let Some(claims) = claims else {
            return Ok(None);
        };
        while let Some(id) = claims.take(peer, mine, content) {
            // A person may have deleted it since.
            if self.store.message(account, id)?.is_some() {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// All that there was has come. What was in flight and is not there did not
    /// arrive, or is about to: it is sent again under its id.
    fn end_catch_up(
        &mut self,
        account: AccountId,
        claims: Option<Claims>,
    ) -> Result<(), StoreError> {
        self.give_up_poison(account)?;
        let again = self.store.queue_again(account)?;
        self.all_changed(&again)?;
        if claims.is_none() {
            return Ok(());
        }
        for peer in self.store.conversations(account)? {
            for (id, position) in order::by_seq(&self.store.places(account, &peer)?) {
                self.store.set_position(id, position)?;
                self.message_changed(id)?;
            }
        }
        self.store.end_claiming(account)
    }

    pub(super) fn all_changed(&mut self, ids: &[ItemId]) -> Result<(), StoreError> {
        ids.iter().try_for_each(|id| self.message_changed(*id))
    }
}
