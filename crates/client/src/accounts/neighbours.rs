//! Who is signed in where, so that nobody is signed in twice: two engines of one
//! identity would each take every message, and show it twice.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::AccountKey;
use crate::{ports::Neighbours, view::AccountView};

/// What is known of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seat {
    /// Whether somebody signed in here, or tried to.
    pub(super) used: bool,
    /// Whoever is signed in, or was last.
    pub(super) who: Option<AccountView>,
    /// Whether they are.
    pub(super) signed_in: bool,
    /// Whether that is only what was so at the end of the last run.
    presumed: bool,
    /// The account that already has the identity which was last tried here.
    pub(super) twin: Option<AccountKey>,
}

/// The accounts of a profile, as their engines see each other.
///
/// A mutex, since "is anybody else this?" and "then I am" are one question, asked
/// by threads that must not wait for each other's disks; it is held for the time
/// of a look into a small map.
#[derive(Debug, Default)]
pub(super) struct Table {
    seats: Mutex<BTreeMap<AccountKey, Seat>>,
    changed: Notify,
}

impl Table {
    /// The view that one account's engine has.
    pub(super) fn place(self: &Arc<Self>, key: AccountKey) -> Arc<Place> {
        Arc::new(Place {
            key,
            table: self.clone(),
        })
    }

    /// What is known of an account.
    pub(super) fn seat(&self, key: AccountKey) -> Seat {
        self.lock().get(&key).cloned().unwrap_or_default()
    }

    /// What was known of an account before the start. Until its engine has said so
    /// itself, it is still signed in if it was.
    pub(super) fn remember(&self, key: AccountKey, who: Option<AccountView>, signed_in: bool) {
        let mut seats = self.lock();
        let seat = seats.entry(key).or_default();
        (seat.who, seat.signed_in, seat.presumed) = (who, signed_in, signed_in);
    }

    /// The account's engine has started, or cannot.
    pub(super) fn has_started(&self, key: AccountKey) {
        if let Some(seat) = self.lock().get_mut(&key)
            && std::mem::take(&mut seat.presumed)
        {
            seat.signed_in = false;
        }
        self.changed.notify_one();
    }

    /// The account is gone.
    pub(super) fn forget(&self, key: AccountKey) {
        let mut seats = self.lock();
        seats.remove(&key);
        for seat in seats.values_mut() {
            seat.twin.take_if(|twin| *twin == key);
        }
    }

    /// Until something of it changes; a change that nobody waited for counts.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountKey, Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One account among the others.
#[derive(Debug)]
pub(super) struct Place {
    key: AccountKey,
    table: Arc<Table>,
}

impl Place {
    fn change(&self, change: impl FnOnce(&mut Seat)) {
        change(self.table.lock().entry(self.key).or_default());
        self.table.changed.notify_one();
    }
}

impl Neighbours for Place {
    fn used(&self) {
        self.change(|seat| seat.used = true);
    }

    fn claim(&self, who: &AccountView) -> bool {
        let mut seats = self.table.lock();
        // Without an id there is nothing that could be the same.
        let twin = who.user_id.as_ref().and_then(|user_id| {
            seats.iter().find(|(key, seat)| {
                **key != self.key
                    && seat.signed_in
                    && seat.who.as_ref().is_some_and(|other| {
                        other.server == who.server && other.user_id.as_ref() == Some(user_id)
                    })
            })
        });
        let twin = twin.map(|(key, _)| *key);
        let seat = seats.entry(self.key).or_default();
        seat.twin = twin;
        if twin.is_none() {
            seat.who = Some(who.clone());
            seat.signed_in = true;
            seat.presumed = false;
        }
        drop(seats);
        self.table.changed.notify_one();
        twin.is_none()
    }

    fn release(&self) {
        self.change(|seat| {
            seat.signed_in = false;
            seat.presumed = false;
            seat.twin = None;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(server: &str, user_id: Option<&str>) -> AccountView {
        AccountView {
            server: server.into(),
            username: "Alice".into(),
            user_id: user_id.map(Into::into),
        }
    }

    #[test]
    fn one_identity_is_in_one_account() {
        let table = Arc::new(Table::default());
        let (first, second) = (table.place(AccountKey(1)), table.place(AccountKey(2)));
        assert!(first.claim(&who("https://a", Some("x"))));
        assert!(first.claim(&who("https://a", Some("x"))), "it is its own");
        assert!(!second.claim(&who("https://a", Some("x"))));
        assert_eq!(table.seat(AccountKey(2)).twin, Some(AccountKey(1)));
        assert_eq!(table.seat(AccountKey(2)).who, None);
        assert!(second.claim(&who("https://b", Some("x"))), "another server");
        assert_eq!(table.seat(AccountKey(2)).twin, None);
        assert!(second.claim(&who("https://a", Some("y"))), "another id");

        first.release();
        assert!(second.claim(&who("https://a", Some("x"))));
        assert!(!first.claim(&who("https://a", Some("x"))));
        table.forget(AccountKey(2));
        assert_eq!(table.seat(AccountKey(1)).twin, None);
        assert!(first.claim(&who("https://a", Some("x"))));
    }

    #[test]
    fn at_the_start_who_was_signed_in_comes_before_a_copy() {
        let table = Arc::new(Table::default());
        let alice = who("https://a", Some("x"));
        table.remember(AccountKey(1), Some(alice.clone()), true);
        let (first, copy) = (table.place(AccountKey(1)), table.place(AccountKey(2)));
        assert!(!copy.claim(&alice));
        assert!(first.claim(&alice));
        table.has_started(AccountKey(1));
        assert!(!copy.claim(&alice), "it is indeed");

        // One that cannot be started keeps nobody out.
        let table = Arc::new(Table::default());
        table.remember(AccountKey(1), Some(alice.clone()), true);
        table.has_started(AccountKey(1));
        assert!(table.place(AccountKey(2)).claim(&alice));
    }

    #[test]
    fn a_name_alone_is_no_identity() {
        let table = Arc::new(Table::default());
        assert!(table.place(AccountKey(1)).claim(&who("https://a", None)));
        assert!(table.place(AccountKey(2)).claim(&who("https://a", None)));
    }
}
