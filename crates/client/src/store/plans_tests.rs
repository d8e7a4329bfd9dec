//! What SQLite does for each question that is asked while people wait: never a
//! walk through all messages, nor a sort.

use std::sync::{Arc, Mutex};

use parlour_protocol::UserId;
use rusqlite::{
    Connection,
    trace::{TraceEvent, TraceEventCodes},
};

use super::*;
use crate::view::ItemId;

fn opened() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("open");
    (folder, store)
}

/// The steps of a statement.
fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .expect(sql);
    let steps = statement
        .raw_query()
        .mapped(|row| row.get(3))
        .collect::<rusqlite::Result<_>>();
    steps.expect("a plan")
}

/// Whether it walks through all messages, or sorts what it finds.
fn is_slow(steps: &[String]) -> bool {
    // A name for what one message was taken from.
    let is_small = |name: &str| {
        let made = [format!("MATERIALIZE {name}"), format!("CO-ROUTINE {name}")];
        steps.iter().any(|step| made.contains(step))
    };
    let walks = |step: &String| {
        let table = step.split_whitespace().nth(1).unwrap_or_default();
        step.starts_with("SCAN") && ["messages", "m", "n"].contains(&table) && !is_small(table)
    };
    // All of an account, or all of one side's, are as good as all there are.
    let hardly_chooses = |step: &String| {
        let partial = ["messages_pending", "messages_on_their_way"];
        step.starts_with("SEARCH")
            && step.ends_with("(account=?)")
            && !partial.iter().any(|index| step.contains(index))
            && ["messages", "m", "n"].contains(&step.split_whitespace().nth(1).unwrap_or_default())
    };
    steps.iter().any(|step| {
        walks(step) || hardly_chooses(step) || step.contains("USE TEMP B-TREE FOR ORDER BY")
    })
}

/// Every question about messages that is asked while something is done.
fn asked(work: impl FnOnce(&Store, AccountId)) -> Vec<String> {
    let (_folder, mut store) = opened();
    let account = store
        .enter_account("http://s", Some(&"a".into()), "Alice")
        .expect("an account")
        .id;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = asked.clone();
    let note = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            notes
                .lock()
                .expect("notes")
                .push(statement.sql().to_string());
        }
    };
    store
        .connection
        .trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note))
        .expect("traced");
    work(&store, account);
    let mut asked = std::mem::take(&mut *asked.lock().expect("notes"));
    asked.retain(|sql: &String| sql.contains("messages") && !sql.starts_with("--"));
    asked.sort();
    asked.dedup();
    asked
}

fn new<'a>(peer: &'a UserId, content: &'a str, mine: bool) -> NewMessage<'a> {
    NewMessage {
        peer,
        mine,
        content,
        at: Some(1),
        delivery: mine.then_some(crate::view::Delivery::Queued),
        evidence: Evidence::None,
        uid: None,
        seq: (!mine).then_some(7),
    }
}

/// What is done at the start, for each message, and for each look at a conversation.
fn everyday(store: &Store, account: AccountId) -> Result<()> {
    let bob = UserId::from("b");
    store.put_user(account, &bob, "Bob")?;
    let theirs = store.append(account, &new(&bob, "hello there", false))?;
    let mine = store.append(account, &new(&bob, "hello to you", true))?;
    let message = mine.id;
    store.users(account)?;
    store.summaries(account)?;
    store.summary(account, &bob)?;
    store.pending(account)?;
    store.message(account, message)?;
    for place in [Place::End, Place::Before(9), Place::After(0)] {
        store.page(account, &bob, place, 50)?;
    }
    store.has_messages(account, &bob)?;
    store.mark_read(account, &bob)?;
    store.mark_read_up_to(account, &bob, 7)?;
    store.last_seq_from(account, &bob)?;
    store.struck_out(account, 3)?;
    store.marks(account, &bob)?;
    store.all_marks(account)?;
    store.unread(account, &bob)?;
    store.last_read_from(account, &bob, 7, 1)?;
    store.set_sending(message, None)?;
    store.set_unsent(message)?;
    store.queue_again(account)?;
    store.set_delivery(message, crate::view::Delivery::Sent, Evidence::Fence)?;
    store.set_taken(message, 8, 1)?;
    store.put_right(account, &bob, message, 8)?;
    store.open_place(account, &bob, 9)?;
    store.message_by_uid(
        account,
        &bob,
        true,
        &parlour_protocol::pm::MessageId::new(1, &[0; 10]),
    )?;
    store.requeue(message)?;
    store.remove(theirs.id)?;
    store.index_more()?;
    Ok(())
}

#[test]
fn nothing_that_people_wait_for_grows_with_what_was_said() {
    let asked = asked(|store, account| everyday(store, account).expect("an ordinary day"));
    assert!(asked.len() > 25, "{asked:#?}");
    let (_folder, store) = opened();
    for sql in asked {
        let steps = plan(&store.connection, &sql);
        assert!(!is_slow(&steps), "{sql}\n{steps:#?}");
    }
}

#[test]
fn a_search_asks_the_index_and_goes_by_the_newest() {
    let (_folder, store) = opened();
    for sql in [search::FIND, search::SCAN] {
        let steps = plan(&store.connection, sql);
        assert!(
            !steps.iter().any(|step| step.contains("TEMP B-TREE")),
            "{steps:#?}"
        );
    }
    let steps = plan(&store.connection, search::FIND);
    assert!(!is_slow(&steps), "{steps:#?}");
}

#[test]
fn a_slow_question_would_be_noticed() {
    let (_folder, store) = opened();
    for slow in [
        "SELECT COUNT(*) FROM messages WHERE content = 'x'",
        "SELECT id FROM messages WHERE account = 1 AND peer = 'b' ORDER BY at",
        "SELECT m.id FROM messages m WHERE m.at > 7",
        "SELECT id FROM messages WHERE account = 1 AND delivery = 2",
    ] {
        let steps = plan(&store.connection, slow);
        assert!(is_slow(&steps), "{slow}\n{steps:#?}");
    }
}

#[test]
fn summaries_of_all_are_those_of_each() {
    let (_folder, store) = opened();
    let account = store
        .enter_account("http://s", Some(&"a".into()), "Alice")
        .expect("an account")
        .id;
    let work = store.atomically(|store| {
        for n in 0..20 {
            let peer = UserId::new(format!("user{n}"));
            store.put_user(account, &peer, "Somebody")?;
            for said in 0..n {
                store.append(account, &new(&peer, "something", said % 3 == 0))?;
            }
            if n % 4 == 0 {
                store.mark_read(account, &peer)?;
            }
        }
        let last: Vec<ItemId> = store
            .page(account, &"user9".into(), Place::End, 2)?
            .messages
            .iter()
            .map(|message| message.id)
            .collect();
        store.set_position(last[0], 900)
    });
    work.expect("stored");
    let all = store.summaries(account).expect("summaries");
    assert_eq!(all.len(), 19, "one has said nothing");
    for (peer, summary) in all {
        assert_eq!(summary, store.summary(account, &peer).expect("a summary"));
    }
}
