//! Receipts through epochs, and drafts.

use uuid::Uuid;

use super::*;
use crate::{
    store::{Evidence, NewMessage},
    view::Delivery,
};

fn account(store: &Store, user_id: &str) -> AccountId {
    let account = store
        .enter_account("http://s", Some(&user_id.into()), "Alice")
        .expect("an account")
        .id;
    store
        .put_user(account, &"bob".into(), "Bob")
        .expect("a user");
    account
}

/// Our messages to Bob with these numbers.
fn sent(store: &Store, account: AccountId, seqs: &[u64]) {
    for seq in seqs {
        let message = NewMessage {
            peer: &"bob".into(),
            mine: true,
            content: "ok",
            at: None,
            delivery: Some(Delivery::Sent),
            evidence: Evidence::History,
            uid: None,
            seq: Some(*seq),
        };
        store.append(account, &message).expect("a message");
    }
}

fn marks(store: &Store, account: AccountId) -> (Option<i64>, Option<i64>) {
    let marks = store.marks(account, &"bob".into()).expect("marks");
    let all = store.all_marks(account).expect("all");
    let in_all = all.into_iter().find(|(id, _)| *id == "bob".into());
    let in_all = in_all.map(|(_, marks)| marks).unwrap_or_default();
    assert_eq!(marks, in_all, "one by one and all at once");
    (marks.received_up_to, marks.read_up_to)
}

fn reached(store: &Store, account: AccountId, received: u64, read: u64) -> bool {
    let reached = Reached { received, read };
    store
        .set_reached(account, &"bob".into(), reached)
        .expect("stored")
}

#[test]
fn the_highest_number_counts_and_reading_is_receiving() {
    let store = Store::in_memory();
    let account = account(&store, "a");
    sent(&store, account, &[2, 5, 9]);
    assert_eq!(marks(&store, account), (None, None));
    assert!(!reached(&store, account, 0, 0));
    assert!(reached(&store, account, 5, 0));
    assert_eq!(marks(&store, account), (Some(2), None));
    assert!(!reached(&store, account, 3, 0), "nobody goes back");
    assert!(reached(&store, account, 0, 7));
    assert_eq!(marks(&store, account), (Some(2), Some(2)));
    assert!(reached(&store, account, u64::MAX, 0));
    assert_eq!(marks(&store, account), (Some(3), Some(2)));
}

#[test]
fn a_receipt_may_be_ahead_of_our_copy() {
    let store = Store::in_memory();
    let account = account(&store, "a");
    sent(&store, account, &[2]);
    reached(&store, account, 8, 8);
    assert_eq!(marks(&store, account), (Some(1), Some(1)));
    sent(&store, account, &[8]);
    assert_eq!(marks(&store, account), (Some(2), Some(2)));
}

#[test]
fn what_was_read_stays_read_in_another_epoch() {
    let store = Store::in_memory();
    let account = account(&store, "a");
    sent(&store, account, &[2, 5, 9]);
    reached(&store, account, 9, 5);
    for epoch in 1..3 {
        store
            .begin_epoch(account, Uuid::from_u128(epoch))
            .expect("begun");
        assert_eq!(marks(&store, account), (Some(3), Some(2)), "{epoch}");
    }
    // The restored server knows less, and counts from the beginning.
    store
        .connection
        .execute("UPDATE messages SET seq = position", [])
        .expect("numbered anew");
    reached(&store, account, 1, 1);
    assert_eq!(marks(&store, account), (Some(3), Some(2)));
    reached(&store, account, 3, 3);
    assert_eq!(marks(&store, account), (Some(3), Some(3)));
    store
        .begin_epoch(account, Uuid::from_u128(3))
        .expect("begun");
    assert_eq!(marks(&store, account), (Some(3), Some(3)));
}

#[test]
fn drafts_belong_to_an_account_and_a_user() {
    let store = Store::in_memory();
    let (one, two) = (account(&store, "1"), account(&store, "2"));
    let (bob, eve) = ("bob".into(), "eve".into());
    assert!(store.set_draft(one, &bob, "for Bob").expect("stored"));
    assert!(!store.set_draft(one, &bob, "for Bob").expect("no news"));
    let draft = |account, peer| store.draft(account, peer).expect("read");
    assert_eq!(draft(one, &bob).as_deref(), Some("for Bob"));
    assert_eq!((draft(one, &eve), draft(two, &bob)), (None, None));
    assert_eq!(
        store.marks(one, &bob).expect("marks").draft.as_deref(),
        Some("for Bob")
    );
    marks(&store, one);
    assert!(store.set_draft(one, &bob, "").expect("gone"));
    assert!(!store.set_draft(one, &bob, "").expect("no news"));
    assert_eq!(draft(one, &bob), None);
}

#[test]
fn the_drafts_of_a_forgotten_identity_come_along() {
    let store = Store::in_memory();
    let old = account(&store, "old");
    let (bob, eve) = (UserId::from("bob"), UserId::from("eve"));
    store.put_user(old, &eve, "Eve").expect("a user");
    store.set_draft(old, &bob, "for Bob").expect("stored");
    store.hold_queue(old).expect("forgotten");
    let new = account(&store, "new");
    assert_eq!(
        store.draft(new, &bob).expect("read").as_deref(),
        Some("for Bob")
    );
    assert_eq!(store.draft(new, &eve).expect("read"), None);
    assert_eq!(store.draft(old, &bob).expect("read"), None);
}

#[test]
fn the_unread_are_counted_from_the_end() {
    let store = Store::in_memory();
    let account = account(&store, "a");
    let bob = UserId::from("bob");
    for (seq, mine) in [(1, false), (2, true), (3, false), (4, false), (7, false)] {
        let message = NewMessage {
            peer: &bob,
            mine,
            content: "ok",
            at: None,
            delivery: mine.then_some(Delivery::Sent),
            evidence: Evidence::History,
            uid: None,
            seq: Some(seq),
        };
        store.append(account, &message).expect("a message");
    }
    let last_read = |up_to, unread| {
        store
            .last_read_from(account, &bob, up_to, unread)
            .expect("a number")
    };
    assert_eq!(last_read(7, 0), Some(7));
    assert_eq!(last_read(6, 0), Some(4));
    assert_eq!(last_read(6, 2), Some(1));
    assert_eq!(last_read(6, 3), None);
}
