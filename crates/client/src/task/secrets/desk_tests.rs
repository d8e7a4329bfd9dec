//! Questions, answers and silence.

use super::*;
use crate::store::Store;

const KEYRING: SecretsBackend = SecretsBackend::Keyring;

fn delete(name: &str) -> Job {
    Job::Delete { name: name.into() }
}

fn save(name: &str) -> Job {
    let store = Store::in_memory();
    let account = store.enter_account("http://s", None, "Alice");
    Job::Save {
        account: account.expect("an account").id,
        name: name.into(),
        session_id: SessionId::new("c0ffee"),
    }
}

fn probe() -> Job {
    Job::Probe {
        name: "probe".into(),
        value: SessionId::new("c0ffee"),
    }
}

fn entry(name: &str) -> SecretEntry {
    SecretEntry {
        backend: KEYRING,
        name: name.into(),
    }
}

fn names(said: &[Said]) -> Vec<(&str, bool)> {
    let shown = |said: &Said| said.result.is_ok();
    said.iter()
        .map(|said| (said.question.job.name(), shown(said)))
        .collect()
}

#[test]
fn one_question_at_a_time_in_their_order() {
    let now = Instant::now();
    let mut desk = Desk::default();
    assert_eq!(desk.ask(KEYRING, save("one")), None);
    assert_eq!(desk.ask(KEYRING, delete("two")), None);
    let first = desk.next(now).expect("a question");
    assert_eq!(desk.next(now), None, "the thread is busy");
    assert!(desk.may_write(&entry("one")) && desk.may_write(&entry("two")));
    assert_eq!(desk.answered(first.ticket + 7, Ok(None)), []);
    assert_eq!(
        names(&desk.answered(first.ticket, Ok(None))),
        [("one", true)]
    );
    assert_eq!(desk.answered(first.ticket, Ok(None)), [], "only once");
    assert!(!desk.may_write(&entry("one")));
    assert_eq!(desk.next(now).expect("a question").job, delete("two"));
    assert_eq!(desk.deadline(), Some(now + LIMIT));
}

#[test]
fn silence_fails_what_waited_for_the_same_place_and_is_broken_late() {
    let now = Instant::now();
    let mut desk = Desk::default();
    desk.ask(KEYRING, probe());
    desk.ask(KEYRING, save("one"));
    desk.ask(SecretsBackend::File, delete("elsewhere"));
    let stuck = desk.next(now).expect("a question");
    assert_eq!(desk.overdue(now + LIMIT / 2), []);
    let said = desk.overdue(now + LIMIT);
    assert_eq!(names(&said), [("probe", false), ("one", false)]);
    assert!(
        said.iter()
            .all(|s| s.result == Err(SecretError::TimedOut) && !s.late)
    );
    assert_eq!(
        desk.next(now).expect("another place").job,
        delete("elsewhere")
    );
    let late = desk.answered(stuck.ticket, Ok(None));
    assert!(matches!(&late[..], [Said { late: true, .. }]));
    assert_eq!(desk.answered(stuck.ticket, Ok(None)), []);
}

#[test]
fn a_save_that_hangs_may_still_write() {
    let now = Instant::now();
    let mut desk = Desk::default();
    desk.ask(KEYRING, save("one"));
    let stuck = desk.next(now).expect("a question");
    desk.overdue(now + LIMIT);
    assert!(desk.is_idle() && !desk.is_writing(), "nobody waits for it");
    assert!(desk.may_write(&entry("one")));
    desk.drop_saves();
    assert!(desk.may_write(&entry("one")), "it is out of our hands");
    desk.answered(stuck.ticket, Err(SecretError::Locked));
    assert!(!desk.may_write(&entry("one")));
}

#[test]
fn threads_are_left_behind_a_bounded_number_of_times() {
    let mut now = Instant::now();
    let mut desk = Desk::default();
    let mut stuck = Vec::new();
    for _ in 0..ABANDONED {
        assert_eq!(desk.ask(KEYRING, save("one")), None);
        stuck.push(desk.next(now).expect("a question").ticket);
        now += LIMIT;
        assert_eq!(desk.overdue(now).len(), 1);
    }
    let said = desk.ask(KEYRING, save("one")).expect("it fails at once");
    assert_eq!(said.result, Err(SecretError::TimedOut));
    assert_eq!(desk.next(now), None);
    assert_eq!(desk.ask(SecretsBackend::File, save("one")), None);
    // One of them is answered at last.
    desk.answered(stuck[0], Ok(None));
    assert_eq!(desk.ask(KEYRING, save("one")), None);
}

#[test]
fn what_does_not_work_is_not_tried() {
    let now = Instant::now();
    let mut desk = Desk::default();
    desk.ask(KEYRING, probe());
    desk.ask(KEYRING, save("one"));
    desk.ask(KEYRING, delete("two"));
    let ticket = desk.next(now).expect("a question").ticket;
    let said = desk.answered(ticket, Err(SecretError::Missing));
    assert_eq!(names(&said), [("probe", false), ("one", false)]);
    assert_eq!(desk.next(now).expect("a question").job, delete("two"));
}

#[test]
fn more_than_a_person_can_ask_is_refused() {
    let mut desk = Desk::default();
    let refused = (0..100)
        .filter_map(|_| desk.ask(KEYRING, delete("x")))
        .count();
    assert_eq!(refused, 100 - WAITING);
}

#[test]
fn no_secret_is_printed() {
    let mut desk = Desk::default();
    desk.ask(KEYRING, save("one"));
    assert!(!format!("{desk:?}").contains("c0ffee"));
}
