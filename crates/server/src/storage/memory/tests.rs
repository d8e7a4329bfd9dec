//! What is particular to memory: it is bounded.

use super::{Bounds, Memory};
use crate::storage::{
    Storage, Written,
    tests::world::{ALL, id, new_message, new_user},
    write::Write,
};

fn with_two(bounds: Bounds) -> (Memory, [crate::storage::UserKey; 2]) {
    let mut memory = Memory::bounded(bounds);
    let users = ["Ann", "Bob"].map(|name| {
        let write = Write::NewUser(Box::new(new_user(name)));
        match memory.commit(&[write]).expect("commit")[..] {
            [Written::User(key)] => key,
            _ => panic!("no user"),
        }
    });
    (memory, users)
}

#[test]
fn the_oldest_messages_go_when_there_are_too_many() {
    let (mut memory, [ann, bob]) = with_two(Bounds {
        messages: 3,
        text: ALL,
    });
    let say = |memory: &mut Memory, number, to| {
        let write = Write::Message(new_message(ann, to, id(number), "x"));
        memory.commit(&[write]).expect("commit").remove(0)
    };
    say(&mut memory, 1, ann);
    for number in 2..=5 {
        say(&mut memory, number, bob);
    }
    let page = memory.sync(ann, 0, 9, ALL).expect("page");
    let seqs: Vec<_> = page.rows.iter().map(|row| row.seq).collect();
    assert_eq!(seqs, [3, 4, 5]);
    assert!(memory.summary(ann, ann).expect("summary").is_none());
    let history = memory.history(bob, ann, Some(4), 9, ALL).expect("page");
    let seqs: Vec<_> = history.rows.iter().map(|row| row.seq).collect();
    assert_eq!((seqs, history.complete), (vec![2, 3], true));
    let read = Write::Read {
        user: bob,
        peer: ann,
        up_to: 3,
    };
    memory.commit(&[read]).expect("commit");
    let summary = memory.summary(bob, ann).expect("summary").expect("there");
    assert_eq!(summary.unread, 1);
    // An id lives as long as its message.
    assert!(matches!(
        say(&mut memory, 2, bob),
        Written::Message(placed) if !placed.dup && placed.from_seq == 6
    ));
    assert_eq!(memory.log.len(), 3);
    assert_eq!(memory.ids.len(), 3);
    assert_eq!(memory.users[&ann].inbox.len(), 3);
}

#[test]
fn the_oldest_messages_go_when_they_are_too_long() {
    let (mut memory, [ann, bob]) = with_two(Bounds {
        messages: 100,
        text: 25,
    });
    for number in 1..=4 {
        let write = Write::Message(new_message(ann, bob, id(number), "0123456789"));
        memory.commit(&[write]).expect("commit");
    }
    let page = memory.sync(bob, 0, 9, ALL).expect("page");
    let seqs: Vec<_> = page.rows.iter().map(|row| row.seq).collect();
    assert_eq!(seqs, [3, 4]);
    assert_eq!(memory.held.text, 20);
}

#[test]
fn deleted_messages_do_not_count() {
    let (mut memory, [ann, bob]) = with_two(Bounds {
        messages: 4,
        text: ALL,
    });
    for number in 1..=3 {
        let write = Write::Message(new_message(ann, bob, id(number), "x"));
        memory.commit(&[write]).expect("commit");
    }
    memory
        .commit(&[Write::DeleteUser { user: bob }])
        .expect("commit");
    assert_eq!((memory.held.messages, memory.held.text), (0, 0));
    for number in 4..=8 {
        let write = Write::Message(new_message(ann, ann, id(number), "x"));
        memory.commit(&[write]).expect("commit");
    }
    let page = memory.sync(ann, 0, 9, ALL).expect("page");
    let seqs: Vec<_> = page.rows.iter().map(|row| row.seq).collect();
    assert_eq!(seqs, [5, 6, 7, 8]);
    assert_eq!(memory.log.len(), 4);
}
