//! What was received and read, and what is not.

use super::world::{ALL, World, on_both};
use crate::storage::{Told, UserKey};

fn told(writer: UserKey, seq: u64) -> Told {
    Told { writer, seq }
}

/// `(unread, received, read)` of a conversation.
fn marks(world: &mut World, user: UserKey, peer: UserKey) -> (u32, u64, u64) {
    let summary = world.storage.summary(user, peer).expect("summary");
    let summary = summary.expect("a conversation");
    let all = world.storage.summaries(user, ALL).expect("summaries");
    assert!(all.contains(&summary), "{all:?} without {summary:?}");
    (summary.unread, summary.received, summary.read)
}

#[test]
fn what_has_arrived_is_told_to_its_writers_in_their_numbers() {
    on_both(|world| {
        let (ann, bob, cat) = (world.user("Ann"), world.user("Bob"), world.user("Cat"));
        world.says(cat, cat, "note");
        world.says(ann, bob, "1");
        world.says(cat, bob, "2");
        world.says(bob, cat, "3");
        world.says(cat, bob, "4");
        assert_eq!(world.receives(bob, 2), [told(ann, 1), told(cat, 2)]);
        assert_eq!(world.receives(bob, 2), []);
        assert_eq!(world.receives(bob, 1), []);
        assert_eq!(marks(world, cat, bob), (1, 2, 0));
        world.restart();
        assert_eq!(world.receives(bob, u64::MAX), [told(cat, 4)]);
        assert_eq!(marks(world, cat, bob), (1, 4, 0));
        assert_eq!(marks(world, ann, bob), (0, 1, 0));
        assert_eq!(marks(world, bob, cat), (2, 0, 0));
        // Only what was there: the next one is news again.
        world.says(ann, bob, "5");
        assert_eq!(world.receives(bob, u64::MAX), [told(ann, 2)]);
    });
}

#[test]
fn what_was_read_is_not_unread_and_has_been_received() {
    on_both(|world| {
        let (ann, bob, cat) = (world.user("Ann"), world.user("Bob"), world.user("Cat"));
        for text in ["1", "2", "3"] {
            world.says(ann, bob, text);
        }
        world.says(bob, ann, "4");
        world.says(cat, bob, "5");
        assert_eq!(marks(world, bob, ann), (3, 0, 0));
        assert_eq!(world.reads(bob, ann, 2), [told(ann, 2)]);
        assert_eq!(marks(world, bob, ann), (1, 0, 0));
        assert_eq!(marks(world, ann, bob), (1, 2, 2));
        assert_eq!(world.reads(bob, ann, 1), []);
        world.restart();
        assert_eq!(
            world.reads(bob, ann, 5),
            [told(ann, 3)],
            "a number of another conversation says the same"
        );
        assert_eq!(marks(world, bob, ann), (0, 0, 0));
        assert_eq!(marks(world, bob, cat), (1, 0, 0), "each for itself");
        assert_eq!(world.receives(bob, 3), [], "told already");
        assert_eq!(world.receives(bob, 5), [told(cat, 1)]);
        assert_eq!(world.reads(bob, ann, u64::MAX), []);
    });
}

#[test]
fn the_last_one_is_found_behind_ones_own() {
    on_both(|world| {
        let (ann, bob) = (world.user("Ann"), world.user("Bob"));
        world.says(bob, ann, "of bob");
        assert_eq!(world.reads(bob, ann, u64::MAX), [], "nothing of hers");
        let hers = world.says(ann, bob, "of ann");
        for _ in 0..20 {
            world.says(bob, ann, "of bob");
        }
        assert_eq!(world.reads(bob, ann, 1), []);
        assert_eq!(world.reads(bob, ann, u64::MAX), [told(ann, hers.from_seq)]);
        assert_eq!(marks(world, ann, bob), (21, 2, 2));
    });
}

#[test]
fn notes_to_oneself_are_never_unread() {
    on_both(|world| {
        let ann = world.user("Ann");
        world.says(ann, ann, "note");
        assert_eq!(world.receives(ann, 1), []);
        assert_eq!(world.reads(ann, ann, 1), []);
        assert_eq!(marks(world, ann, ann), (0, 0, 0));
    });
}

#[test]
fn unread_is_counted_to_a_thousand() {
    on_both(|world| {
        let (ann, bob) = (world.user("Ann"), world.user("Bob"));
        let batch: Vec<_> = (0..1_002)
            .map(|_| {
                let id = world.next_id();
                crate::storage::Write::Message(super::world::new_message(ann, bob, id, "x"))
            })
            .collect();
        world.storage.commit(&batch).expect("commit");
        assert_eq!(marks(world, bob, ann), (1_000, 0, 0));
        world.reads(bob, ann, 3);
        assert_eq!(marks(world, bob, ann).0, 999);
    });
}

#[test]
fn summaries_hold_their_last_messages_within_the_weight() {
    on_both(|world| {
        let (ann, bob, cat) = (world.user("Ann"), world.user("Bob"), world.user("Cat"));
        world.says(bob, ann, "old");
        world.says(cat, ann, "new");
        let mut lasts = |weight| -> Vec<_> {
            let all = world.storage.summaries(ann, weight).expect("summaries");
            all.iter()
                .map(|of| {
                    let last = of.last.as_ref().map(|row| row.content.to_string());
                    (of.peer, of.last_seq, last)
                })
                .collect()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(lasts(ALL), [(cat, 2, text("new")), (bob, 1, text("old"))]);
        assert_eq!(lasts(300), [(cat, 2, text("new")), (bob, 1, None)]);
        assert_eq!(lasts(0), [(cat, 2, None), (bob, 1, None)]);
    });
}

#[test]
fn what_has_arrived_of_a_long_inbox_is_told_as_that_of_a_short_one() {
    on_both(|world| {
        let (ann, bob, cat) = (world.user("Ann"), world.user("Bob"), world.user("Cat"));
        let dan = world.user("Dan");
        world.says(dan, bob, "first");
        world.says(bob, bob, "note");
        for _ in 0..20 {
            world.says(ann, bob, "from Ann");
            world.says(bob, ann, "to Ann");
            world.says(bob, cat, "to Cat");
        }
        world.says(cat, bob, "from Cat");
        assert_eq!(world.receives(bob, 40), [told(ann, 25), told(dan, 1)]);
        assert_eq!(world.receives(bob, 40), []);
        world.restart();
        assert_eq!(
            world.receives(bob, u64::MAX),
            [told(ann, 39), told(cat, 21)]
        );
        assert_eq!(marks(world, ann, bob), (20, 39, 0));
        assert_eq!(marks(world, dan, bob), (0, 1, 0));
    });
}
