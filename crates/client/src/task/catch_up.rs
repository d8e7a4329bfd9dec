//! The first `users` of a connection: who is there, what we missed, and what
//! became of the messages that were in flight.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::{Duration, Instant},
};

use parlour_protocol::{HistoryEntry, UserEntry, UserId, Users};

use super::Engine;
use crate::{
    dialect::{
        Dialect,
        beginning::Beginning,
        reconcile::{Slot, reconcile},
    },
    session::Input,
    store::{AccountId, Evidence, NewMessage, Pending, StoreError, StoredMessage},
    view::{Delivery, ItemId},
};

/// A message that was the first of its connection three times when that broke
/// is what breaks it: it is not tried again by itself.
const MAX_ATTEMPTS: u32 = 3;

/// How far behind the list an echo may be that the server sent right after it: what
/// the list lacks is held back at least so long, however long ago it was sent.
const ECHO_BEHIND: Duration = Duration::from_secs(2);

/// What the histories of one `users` say.
#[derive(Default)]
struct Fitted {
    /// The conversations of which there was a history.
    seen: HashSet<UserId>,
    /// What was in flight and is not in the history, by conversation, in order.
    missing: Vec<(UserId, Vec<(ItemId, String)>)>,
}

impl Engine {
    pub(super) fn catch_up(&mut self, users: Users) -> Result<(), StoreError> {
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        if users.unreadable > 0 {
            tracing::warn!(
                count = users.unreadable,
                "parts of the user list cannot be read"
            );
            let unreadable = u64::try_from(users.unreadable).unwrap_or(u64::MAX);
            self.learned.unreadable_entries =
                self.learned.unreadable_entries.saturating_add(unreadable);
        }
        let me = self.roster.me().cloned();
        let lists_me = users
            .entries
            .iter()
            .any(|user| Some(&user.user_id) == me.as_ref());
        let dialect = Dialect::of(link.has_session, lists_me, &users);
        if let Some(known) = link.dialect {
            if known == Dialect::B {
                link.dialect = Some(dialect);
                self.learned.dialect = Some(dialect);
            }
            return self.list_again(&users);
        }
        if link.pm.is_some() {
            self.learned.met(Dialect::Pm, lists_me);
            return self.begin_catch_up(&users);
        }
        link.dialect = Some(dialect);
        link.lists_me = lists_me;
        self.learned.met(dialect, lists_me);
        let socket_id = UserId::new(link.socket_id.clone());
        let unknown = self.clock.now() + link.server_patience;
        let opened = link.opened;
        if dialect == Dialect::A {
            self.claim_identity(None);
            self.enter_account(None)?;
            if self.roster.me() != Some(&socket_id) {
                // Whatever we wrote is by another id from now on.
                self.roster.set_me(socket_id);
                self.changes.everything();
            }
        }
        let (Some(account), Some(me)) = (self.account.clone(), self.roster.me().cloned()) else {
            return Ok(());
        };

        if let Some(link) = &mut self.link
            && dialect.keeps_identities()
            && !lists_me
        {
            link.notes = Some(VecDeque::new());
        }
        self.step(Input::UsersGiven)?;
        self.begin_proving()?;
        self.changes.everyone();
        self.store.begin()?;
        let fitted = self.fit(account.id, &me, dialect, &users, unknown);
        let fitted = self.store.end(fitted)?;
        for peer in &fitted.seen {
            self.outbox.history_told(peer);
        }
        let least = self.clock.now() + ECHO_BEHIND;
        for (peer, items) in fitted.missing {
            self.outbox.hold_back(&peer, items, unknown, least, opened);
        }
        self.outbox.settle();
        self.reload_outbox()
    }

    /// Fits the whole of `users` to what we have; what was in flight and is
    /// missing comes back.
    fn fit(
        &mut self,
        account: AccountId,
        me: &UserId,
        dialect: Dialect,
        users: &Users,
        unknown: Instant,
    ) -> Result<Fitted, StoreError> {
        self.list_users(account, users, me)?;
        let mut fitted = Fitted::default();
        if dialect.sends_histories() {
            for user in &users.entries {
                // Where there is none, even a message that arrived is in none.
                let Some(messages) = user.messages.as_deref() else {
                    continue;
                };
                let history = conversation_with(&user.user_id, me, messages);
                self.learned.saw_history(messages.len(), history.len());
                if !self.roster.knows(&user.user_id) {
                    continue;
                }
                fitted.seen.insert(user.user_id.clone());
                self.fit_history(account, me, user, &history, &mut fitted)?;
            }
        }
        self.settle_in_flight(account, &fitted, unknown)?;
        Ok(fitted)
    }

    /// Fits the server's history of one conversation to ours.
    fn fit_history(
        &mut self,
        account: AccountId,
        me: &UserId,
        user: &UserEntry,
        history: &[&HistoryEntry],
        fitted: &mut Fitted,
    ) -> Result<(), StoreError> {
        let peer = &user.user_id;
        if history.is_empty() && !self.roster.has_messages(peer) {
            return Ok(());
        }
        // Mostly it is what we have, with something new at the end.
        let mut beginning = Beginning::of(history, me);
        let behind = self
            .store
            .conversation_behind(account, peer, &mut beginning)?;
        let (local, (known, last)) = match beginning.apart_from(&behind) {
            Some(apart) => (behind, apart),
            None => (self.store.conversation(account, peer)?, (0, i64::MIN)),
        };
        let history = &history[known..];
        let outcome = reconcile(&local, history, me);
        for id in &outcome.found {
            self.set_delivery(*id, Delivery::Sent, Evidence::History)?;
        }
        for id in &outcome.unsure {
            self.set_delivery(*id, Delivery::Unsure, Evidence::None)?;
        }
        let past: HashSet<ItemId> = outcome.past.into_iter().collect();
        for message in local.iter().filter(|message| past.contains(&message.id)) {
            if let Some(delivery) = message.delivery {
                self.store
                    .set_delivery(message.id, delivery, Evidence::Past)?;
            } else {
                self.store.set_past(message.id)?;
            }
        }
        self.put_in_order(account, user, me, (&local, last), &outcome.order, history)?;
        let lacking: HashSet<ItemId> = outcome.missing.iter().copied().collect();
        let mut texts: HashMap<ItemId, String> = local
            .iter()
            .filter(|message| lacking.contains(&message.id))
            .map(|message| (message.id, message.content.clone()))
            .collect();
        let items: Vec<(ItemId, String)> = outcome
            .missing
            .iter()
            .filter_map(|id| texts.remove_entry(id))
            .collect();
        if !items.is_empty() {
            for (id, _) in &items {
                // It may have been shown as sent without proof.
                self.set_delivery(*id, Delivery::Sending, Evidence::None)?;
            }
            fitted.missing.push((peer.clone(), items));
        }
        Ok(())
    }

    /// `local` stands behind the position that comes with it.
    fn put_in_order(
        &mut self,
        account: AccountId,
        user: &UserEntry,
        me: &UserId,
        (local, mut last): (&[StoredMessage], i64),
        order: &[Slot],
        history: &[&HistoryEntry],
    ) -> Result<(), StoreError> {
        let positions: HashMap<ItemId, i64> = local
            .iter()
            .map(|message| (message.id, message.position))
            .collect();
        for slot in order {
            let kept = match slot {
                Slot::Known(id) => positions.get(id).copied(),
                Slot::New(_) => None,
            };
            // Positions only have to rise: what stands right stays untouched.
            let position = kept
                .filter(|position| *position > last)
                .unwrap_or(last.max(0) + 1);
            last = position;
            match slot {
                Slot::Known(id) if kept != Some(position) => {
                    self.store.set_position(*id, position)?;
                    self.message_changed(*id)?;
                }
                Slot::Known(_) => {}
                Slot::New(index) => {
                    let entry = &history[*index];
                    let mine = entry.from == *me;
                    let message = NewMessage {
                        peer: &user.user_id,
                        mine,
                        content: &entry.content,
                        at: None,
                        delivery: mine.then_some(Delivery::Sent),
                        evidence: Evidence::History,
                        uid: None,
                        seq: None,
                    };
                    let message = self.store.insert_at(account, &message, position)?;
                    self.changes.message(message);
                }
            }
        }
        Ok(())
    }

    /// What was in flight and is in no history, and what waits for somebody
    /// who is not there any more.
    fn settle_in_flight(
        &mut self,
        account: AccountId,
        fitted: &Fitted,
        unknown: Instant,
    ) -> Result<(), StoreError> {
        let in_doubt: HashSet<ItemId> = fitted
            .missing
            .iter()
            .flat_map(|(_, items)| items.iter().map(|(id, _)| *id))
            .collect();
        // The first that did not arrive may be what broke the connection. What was
        // behind it was no attempt: the connection handled nothing of it.
        let mut suspect = true;
        for message in self.store.pending(account)? {
            let Pending {
                id,
                peer,
                content,
                attempts,
                delivery,
                ..
            } = message;
            match delivery {
                Delivery::Sending if !fitted.seen.contains(&peer) => {
                    self.set_delivery(id, Delivery::Unsure, Evidence::None)?;
                    self.outbox.doubt(id, peer, content, unknown);
                }
                Delivery::Sending if in_doubt.contains(&id) => {
                    if !std::mem::take(&mut suspect) {
                        self.store.uncount_attempt(id)?;
                    } else if attempts >= MAX_ATTEMPTS {
                        tracing::warn!("a message was the first of a broken connection too often");
                        // It may arrive through a lost connection until that is dead.
                        self.outbox.condemn(id);
                    }
                }
                Delivery::Queued if !self.roster.is_listed(&peer) => {
                    self.set_delivery(id, Delivery::Held, Evidence::None)?
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The entries that belong to the conversation of `me` and `peer`: some
/// servers mix in others.
fn conversation_with<'a>(
    peer: &UserId,
    me: &UserId,
    messages: &'a [HistoryEntry],
) -> Vec<&'a HistoryEntry> {
    let belongs = |entry: &&HistoryEntry| {
        (entry.from == *me && entry.to == *peer) || (entry.from == *peer && entry.to == *me)
    };
    messages.iter().filter(belongs).collect()
}
