//! Messages: their numbers, their ids, their pages.

use super::world::{ALL, new_message, new_user, on_both, texts};
use crate::{
    limits::CONVERSATIONS,
    storage::{Placed, Refusal, Row, Write, Written},
};

fn texts_of(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| &*row.content).collect()
}

#[test]
fn every_inbox_counts_for_itself_without_gaps() {
    on_both(|world| {
        let (ann, bob, cat) = (world.user("Ann"), world.user("Bob"), world.user("Cat"));
        world.says(ann, bob, "1");
        world.says(ann, cat, "2");
        world.restart();
        let placed = world.says(cat, bob, "3");
        assert_eq!((placed.from_seq, placed.to_seq), (2, 2));
        let note = world.says(bob, bob, "note");
        assert_eq!((note.from_seq, note.to_seq), (3, 3));
        let placed = world.says(bob, ann, "4");
        assert_eq!((placed.from_seq, placed.to_seq), (4, 3));
        let number = |at: u64, text: &str| (at, text.to_owned());
        assert_eq!(
            world.texts(ann),
            [number(1, "1"), number(2, "2"), number(3, "4")]
        );
        assert_eq!(
            world.texts(bob),
            [
                number(1, "1"),
                number(2, "3"),
                number(3, "note"),
                number(4, "4")
            ]
        );
        let rows = world.inbox(bob).rows;
        assert_eq!((rows[0].from, rows[0].to), (ann, bob));
        assert_eq!((rows[2].from, rows[2].to), (bob, bob));
    });
}

#[test]
fn everything_of_a_message_is_kept() {
    on_both(|world| {
        let (ann, bob) = (world.user("Ann"), world.user("Bob"));
        let mut message = new_message(ann, bob, world.next_id(), "zero \0, 👩‍👩‍👧, \u{202e}");
        message.at_ms = -5;
        message.sent_at = Some(i64::MAX);
        message.from_client = false;
        world.write(Write::Message(message.clone()));
        world.restart();
        let row = world.inbox(ann).rows.remove(0);
        let expected = Row {
            seq: 1,
            from: ann,
            to: bob,
            id: message.id,
            content: message.content,
            at_ms: -5,
            sent_at: Some(i64::MAX),
        };
        assert_eq!(row, expected);
    });
}

#[test]
fn a_repeat_gets_the_first_answer() {
    on_both(|world| {
        let (ann, bob, cat) = (world.user("Ann"), world.user("Bob"), world.user("Cat"));
        world.says(cat, bob, "before");
        let id = world.next_id();
        let first = world.sends(ann, bob, id, "hello").expect("stored");
        world.says(cat, bob, "after");
        world.restart();
        let again = world.sends(ann, bob, id, "hello").expect("known");
        assert_eq!(again, Placed { dup: true, ..first });
        assert_eq!(world.sends(ann, bob, id, "other"), Err(Refusal::Conflict));
        assert_eq!(world.sends(ann, cat, id, "hello"), Err(Refusal::Conflict));
        let other = world.sends(bob, ann, id, "hello").expect("another sender");
        assert!(!other.dup);
        assert_eq!(world.inbox(bob).rows.len(), 4);
        assert_eq!(world.inbox(ann).rows.len(), 2);
        // A conflict leaves no empty conversation behind.
        let with_cat = world.storage.summary(ann, cat).expect("summary");
        assert!(with_cat.is_none());
        assert_eq!(
            world.storage.summaries(ann, ALL).expect("summaries").len(),
            1
        );
        assert_eq!(world.storage.recent(ann, 9, ALL).expect("recent").len(), 1);
    });
}

#[test]
fn a_repeat_in_the_same_batch_is_one_too() {
    on_both(|world| {
        let (ann, bob) = (world.user("Ann"), world.user("Bob"));
        let id = world.next_id();
        let batch =
            ["a", "a", "b", "a"].map(|content| Write::Message(new_message(ann, bob, id, content)));
        let written = world.storage.commit(&batch).expect("commit");
        let first = Placed {
            from_seq: 1,
            to_seq: 1,
            at_ms: 5_000,
            dup: false,
        };
        let again = Placed { dup: true, ..first };
        assert_eq!(
            written,
            [
                Written::Message(first),
                Written::Message(again),
                Written::Refused(Refusal::Conflict),
                Written::Message(again),
            ]
        );
        assert_eq!(world.says(ann, bob, "next").from_seq, 2);
    });
}

#[test]
fn ids_that_the_server_made_are_no_ground_for_refusal() {
    on_both(|world| {
        let (ann, bob) = (world.user("Ann"), world.user("Bob"));
        let mut message = new_message(ann, bob, world.next_id(), "hello");
        message.from_client = false;
        for seq in 1..=2 {
            let Written::Message(placed) = world.write(Write::Message(message.clone())) else {
                panic!("refused");
            };
            assert_eq!((placed.from_seq, placed.dup), (seq, false));
        }
        message.from_client = true;
        message.content = "other".into();
        let written = world.write(Write::Message(message));
        assert!(matches!(
            written,
            Written::Message(Placed { dup: false, .. })
        ));
    });
}

#[test]
fn a_batch_goes_on_after_a_refusal() {
    on_both(|world| {
        let (ann, gone) = (world.user("Ann"), world.user("Gone"));
        world.write(Write::DeleteUser { user: gone });
        let batch = [
            Write::Message(new_message(ann, gone, world.next_id(), "1")),
            Write::Message(new_message(ann, ann, world.next_id(), "2")),
            Write::Message(new_message(gone, ann, world.next_id(), "3")),
            Write::NewUser(Box::new(new_user("Bob"))),
        ];
        let written = world.storage.commit(&batch).expect("commit");
        let unknown = Written::Refused(Refusal::UnknownUser);
        assert_eq!((&written[0], &written[2]), (&unknown, &unknown));
        assert!(matches!(written[1], Written::Message(_)));
        assert!(matches!(written[3], Written::User(_)));
        assert_eq!(world.storage.commit(&[]).expect("nothing"), []);
    });
}

#[test]
fn pages_lead_through_the_inbox() {
    on_both(|world| {
        let (ann, bob) = (world.user("Ann"), world.user("Bob"));
        for text in ["1", "2", "3", "4", "5"] {
            world.says(ann, bob, text);
        }
        let (mut since, mut all, mut pages) = (0, Vec::new(), 0);
        loop {
            let page = world.storage.sync(bob, since, 2, ALL).expect("page");
            assert!(page.rows.len() <= 2);
            since = page.rows.last().map_or(since, |row| row.seq);
            all.extend(texts(&page));
            pages += 1;
            if page.complete {
                break;
            }
        }
        assert_eq!(pages, 3);
        assert_eq!(all, world.texts(bob));
        for since in [5, 6, u64::MAX] {
            let page = world.storage.sync(bob, since, 2, ALL).expect("page");
            assert!(page.rows.is_empty() && page.complete);
        }
        let page = world.storage.sync(bob, 3, 2, ALL).expect("page");
        assert!(page.complete, "exactly the limit is left");
    });
}

#[test]
fn a_page_ends_by_its_weight_but_holds_one_message() {
    on_both(|world| {
        let (ann, bob) = (world.user("Ann"), world.user("Bob"));
        let heavy = "x".repeat(10_000);
        for text in ["light", &heavy, "light"] {
            world.says(ann, bob, text);
        }
        let lengths = |page: &crate::storage::Page| -> Vec<u64> {
            page.rows.iter().map(|row| row.seq).collect()
        };
        for (weight, wanted) in [(0, vec![1]), (9_000, vec![1]), (20_000, vec![1, 2, 3])] {
            let page = world.storage.sync(bob, 0, 9, weight).expect("page");
            assert_eq!(lengths(&page), wanted, "{weight}");
            assert_eq!(page.complete, wanted.len() == 3);
        }
        let page = world.storage.sync(bob, 1, 9, 100).expect("page");
        assert_eq!(lengths(&page), [2]);
        let page = world
            .storage
            .history(bob, ann, None, 9, 9_000)
            .expect("page");
        assert_eq!((lengths(&page), page.complete), (vec![3], false));
        let page = world
            .storage
            .history(bob, ann, Some(3), 9, 0)
            .expect("page");
        assert_eq!((lengths(&page), page.complete), (vec![2], false));
    });
}

#[test]
fn a_history_is_of_one_conversation_and_goes_backwards() {
    on_both(|world| {
        let (ann, bob, cat) = (world.user("Ann"), world.user("Bob"), world.user("Cat"));
        for at in 0..5 {
            world.says(ann, bob, &format!("ann {at}"));
            world.says(cat, bob, &format!("cat {at}"));
            world.says(bob, ann, &format!("bob {at}"));
        }
        let mut page = |before, limit| {
            let page = world.storage.history(bob, ann, before, limit, ALL);
            let page = page.expect("page");
            (texts(&page), page.complete)
        };
        let expected = |wanted: &[(u64, &str)]| -> Vec<(u64, String)> {
            let owned = |(seq, text): &(u64, &str)| (*seq, (*text).to_owned());
            wanted.iter().map(owned).collect()
        };
        let last = expected(&[(12, "bob 3"), (13, "ann 4"), (15, "bob 4")]);
        assert_eq!(page(None, 3), (last.clone(), false));
        assert_eq!(page(Some(16), 3), (last.clone(), false));
        assert_eq!(page(Some(u64::MAX), 3), (last, false));
        let before = expected(&[(9, "bob 2"), (10, "ann 3")]);
        assert_eq!(page(Some(12), 2), (before.clone(), false));
        assert_eq!(
            page(Some(11), 2),
            (before, false),
            "a number of another one"
        );
        let first = expected(&[(1, "ann 0")]);
        assert_eq!(page(Some(2), 2), (first.clone(), true));
        assert_eq!(page(Some(3), 1), (first, true));
        assert_eq!(page(Some(1), 2), (Vec::new(), true));
        assert_eq!(page(Some(0), 2), (Vec::new(), true));
        assert!(page(None, 10).1);
        let nobody = world.storage.history(cat, ann, Some(3), 10, ALL);
        let nobody = nobody.expect("page");
        assert!(nobody.rows.is_empty() && nobody.complete);
    });
}

#[test]
fn recent_conversations_come_newest_first_within_their_weight() {
    on_both(|world| {
        let (ann, bob, cat) = (world.user("Ann"), world.user("Bob"), world.user("Cat"));
        for at in 0..4 {
            world.says(ann, bob, &format!("bob {at}"));
            world.says(cat, ann, &format!("cat {at}"));
        }
        world.says(ann, ann, "note");
        let weight = world.inbox(ann).rows[0].weight();
        let mut recent = |per_peer, weight| -> Vec<_> {
            let recent = world.storage.recent(ann, per_peer, weight).expect("recent");
            let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
            recent
                .iter()
                .map(|of| (of.peer, owned(texts_of(&of.rows))))
                .collect()
        };
        let expected = |note: &[&str], of_cat: &[&str], of_bob: &[&str]| -> Vec<_> {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            [(ann, note), (cat, of_cat), (bob, of_bob)]
                .map(|(peer, texts)| (peer, owned(texts)))
                .to_vec() as Vec<(_, Vec<String>)>
        };
        assert_eq!(
            recent(2, ALL),
            expected(&["note"], &["cat 2", "cat 3"], &["bob 2", "bob 3"])
        );
        assert_eq!(
            recent(3, 3 * weight),
            expected(&["note"], &["cat 2", "cat 3"], &[])
        );
        assert_eq!(
            recent(3, 4 * weight - 2),
            expected(&["note"], &["cat 2", "cat 3"], &[]),
            "what follows a message that did not fit does not get its place"
        );
        assert_eq!(recent(0, ALL), expected(&[], &[], &[]));
        assert_eq!(recent(9, 0), expected(&[], &[], &[]));
    });
}

#[test]
fn a_deleted_user_leaves_gaps_and_no_text() {
    on_both(|world| {
        let (ann, bob, cat) = (world.user("Ann"), world.user("Bob"), world.user("Cat"));
        world.says(ann, bob, "kept 1");
        world.says(cat, bob, "deleted");
        world.says(bob, cat, "deleted");
        world.says(cat, cat, "deleted");
        let last = world.says(ann, cat, "deleted");
        assert_eq!(last.from_seq, 2);
        let deleted = world.write(Write::DeleteUser { user: cat });
        assert_eq!(deleted, Written::Count(4));
        world.restart();
        assert_eq!(world.texts(bob), [(1, "kept 1".to_owned())]);
        assert_eq!(world.texts(ann), [(1, "kept 1".to_owned())]);
        assert!(world.inbox(cat).rows.is_empty());
        let users = world.storage.users().expect("users");
        assert_eq!(
            users.iter().map(|user| user.last_seq).collect::<Vec<_>>(),
            [2, 3]
        );
        let next = world.says(ann, bob, "kept 2");
        assert_eq!((next.from_seq, next.to_seq), (3, 4), "never given again");
        assert_eq!(world.texts(bob)[1], (4, "kept 2".to_owned()));
        assert!(world.storage.summary(bob, cat).expect("summary").is_none());
        assert_eq!(world.storage.recent(bob, 9, ALL).expect("recent").len(), 1);
    });
}

#[test]
fn the_first_list_has_so_many_conversations_the_newest_ones() {
    on_both(|world| {
        let bob = world.user("Bob");
        let peers: Vec<_> = (0..CONVERSATIONS + 3)
            .map(|number| world.user(&format!("Peer {number}")))
            .collect();
        for &peer in &peers {
            world.says(peer, bob, "hello");
        }
        let newest: Vec<_> = peers.iter().rev().take(CONVERSATIONS).copied().collect();
        let recent = world.storage.recent(bob, 10, ALL).expect("recent");
        let recent: Vec<_> = recent
            .iter()
            .map(|conversation| conversation.peer)
            .collect();
        assert_eq!(recent, newest);
        let short = world.storage.summaries(bob, ALL).expect("summaries");
        let short: Vec<_> = short.iter().map(|summary| summary.peer).collect();
        assert_eq!(short, newest);
    });
}
