use rusqlite::Connection;

use super::super::tests::stage::{Stage, everyone};
use super::*;

fn search(text: &str) -> Query {
    Query::Search {
        text: text.into(),
        user: None,
        before: None,
        limit: 10,
    }
}

/// Asks, and does not wait for the answer.
fn ask(stage: &mut Stage, query: Query) -> oneshot::Receiver<Result<Answer, Refusal>> {
    let (asker, answer) = oneshot::channel();
    stage.engine.answer(query, asker);
    answer
}

fn found(answer: oneshot::Receiver<Result<Answer, Refusal>>) -> usize {
    match answer.blocking_recv().expect("an answer") {
        Ok(Answer::Search(page)) => page.hits.len(),
        other => panic!("nothing was looked for: {other:?}"),
    }
}

fn refused(answer: oneshot::Receiver<Result<Answer, Refusal>>) -> RefusalCode {
    let answer = answer.blocking_recv().expect("an answer");
    answer.expect_err("refused").code
}

#[test]
fn somebody_who_is_signed_in_finds_what_was_said() {
    let mut stage = Stage::new();
    assert_eq!(
        refused(ask(&mut stage, search("one"))),
        RefusalCode::NotSignedIn
    );
    let mut stage = Stage::online(everyone());
    stage.says("bob", "one two");
    stage.says("bob", "two three");
    assert_eq!(found(ask(&mut stage, search("two"))), 2);
    assert_eq!(found(ask(&mut stage, search("one"))), 1);
    assert_eq!(found(ask(&mut stage, search(" "))), 0);
    let long = search(&"x".repeat(20_000));
    assert_eq!(refused(ask(&mut stage, long)), RefusalCode::InvalidQuery);
}

#[test]
fn a_newer_search_makes_the_older_ones_give_up() {
    let mut stage = Stage::online(everyone());
    stage.says("bob", "needle");
    let (searches, gate) = closed(&stage);
    stage.engine.searches = searches;
    let answers: Vec<_> = (0..QUEUE)
        .map(|_| ask(&mut stage, search("needle")))
        .collect();
    drop(gate);
    let mut answers = answers.into_iter().rev();
    assert_eq!(found(answers.next().expect("the newest")), 1);
    for older in answers {
        assert_eq!(refused(older), RefusalCode::Superseded);
    }
}

#[test]
fn searches_that_pile_up_are_refused_and_the_end_waits_for_none() {
    let mut stage = Stage::online(everyone());
    let (searches, gate) = closed(&stage);
    stage.engine.searches = searches;
    let waiting: Vec<_> = (0..QUEUE)
        .map(|_| ask(&mut stage, search("needle")))
        .collect();
    assert_eq!(
        refused(ask(&mut stage, search("needle"))),
        RefusalCode::Busy
    );
    // As the end of the engine does, before the gate opens.
    stage.engine.searches.newest.store(ENDED, Ordering::Relaxed);
    drop(gate);
    drop(stage);
    for answer in waiting {
        assert_eq!(refused(answer), RefusalCode::Closed);
    }
}

#[test]
fn nobody_searches_for_an_asker_who_has_left() {
    let mut stage = Stage::online(everyone());
    let (searches, gate) = closed(&stage);
    stage.engine.searches = searches;
    drop(ask(&mut stage, search("needle")));
    drop(gate);
    assert_eq!(found(ask(&mut stage, search("needle"))), 0);
}

/// Keeps the search thread from beginning, until the gate is open.
fn closed(stage: &Stage) -> (Searches, Gate) {
    let mut searches = Searches::new(stage.folder());
    let (jobs, queue) = sync_channel(QUEUE);
    let (gate, opened) = sync_channel::<()>(1);
    let searcher = Searcher {
        folder: searches.folder.clone(),
        newest: searches.newest.clone(),
        broken: searches.reports.0.clone(),
    };
    let thread = thread::spawn(move || {
        // An error is an open gate, too.
        let _ = opened.recv();
        searcher.run(&queue);
    });
    searches.thread = Some((jobs, thread));
    (searches, gate)
}

type Gate = SyncSender<()>;

#[test]
fn a_broken_index_is_found_by_a_search_and_made_anew() {
    let mut stage = Stage::online(everyone());
    for n in 0..50 {
        stage.says("bob", &format!("needle {n}"));
    }
    let other = Connection::open(stage.folder().join("parlour.db")).expect("open");
    other
        .execute_batch("DELETE FROM search_data WHERE id > 10")
        .expect("broken");
    assert_eq!(
        found(ask(&mut stage, search("needle"))),
        10,
        "scanned instead"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(stage.engine.searches.broken());
    stage.engine.search_broken();
    while stage.engine.searches.deadline().is_some() {
        stage.engine.searches.indexing = Some(stage.engine.clock.now());
        stage.engine.index_if_due();
    }
    assert!(stage.engine.store.search_is_sound());
    assert_eq!(found(ask(&mut stage, search("needle 33"))), 1);
}
