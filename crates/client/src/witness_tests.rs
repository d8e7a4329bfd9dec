use super::*;

const S: Duration = Duration::from_secs(1);

fn watching(now: Instant) -> Witness {
    let mut witness = Witness::default();
    assert!(witness.is_worth_waiting_for());
    assert_eq!(witness.need(true, now, 0.0), Some(Act::Open));
    assert_eq!(witness.number(), None);
    witness.stands(now);
    assert_eq!(witness.number(), Some(1));
    assert!(!witness.is_worth_waiting_for(), "it is there");
    witness
}

#[test]
fn it_comes_when_needed_and_goes_some_seconds_after() {
    let now = Instant::now();
    assert_eq!(Witness::default().need(false, now, 0.0), None);
    let mut witness = watching(now);
    assert_eq!(witness.need(true, now + 60 * S, 0.0), None);
    assert_eq!(witness.need(false, now + 60 * S, 0.0), None);
    assert_eq!(witness.deadline(), Some(now + 70 * S));
    assert_eq!(witness.need(false, now + 69 * S, 0.0), None);
    // Something more to prove: it stays.
    assert_eq!(witness.need(true, now + 69 * S, 0.0), None);
    assert_eq!(witness.deadline(), None);
    assert_eq!(witness.need(false, now + 70 * S, 0.0), None);
    assert_eq!(witness.need(false, now + 80 * S, 0.0), Some(Act::Close));
    assert_eq!((witness.number(), witness.deadline()), (None, None));
    assert_eq!(witness.need(true, now + 81 * S, 0.0), Some(Act::Open));
    witness.stands(now + 81 * S);
    assert_eq!(witness.number(), Some(2), "another one");
}

#[test]
fn failures_are_backed_off_and_end() {
    let mut now = Instant::now();
    let start = now;
    let mut witness = Witness::default();
    let mut tries = 0;
    while now < start + 599 * S {
        match witness.need(true, now, 0.0) {
            Some(Act::Open) => {
                tries += 1;
                witness.failed(false, now, 0.0);
                assert_eq!(
                    witness.is_worth_waiting_for(),
                    tries < 2,
                    "messages wait for the second try, no longer"
                );
            }
            other => assert_eq!(other, None),
        }
        now += S / 10;
    }
    assert_eq!(tries, TRIES);
    now += 20 * S;
    assert_eq!(
        witness.need(true, now, 0.0),
        Some(Act::Open),
        "after a rest"
    );
}

#[test]
fn a_refusal_is_not_asked_again_soon() {
    let now = Instant::now();
    let mut witness = Witness::default();
    witness.need(true, now, 0.0);
    witness.failed(true, now, 0.0);
    assert!(!witness.is_worth_waiting_for());
    assert_eq!(witness.need(true, now + 599 * S, 0.0), None);
    // Neither on another connection.
    witness.link_lost(now + 599 * S);
    assert_eq!(witness.need(true, now + 599 * S, 0.0), None);
}

#[test]
fn one_that_does_not_come_is_given_up() {
    let now = Instant::now();
    let mut witness = Witness::default();
    witness.need(true, now, 0.0);
    assert_eq!(witness.deadline(), Some(now + OPENING));
    assert_eq!(witness.need(true, now + OPENING, 0.0), Some(Act::Close));
    witness.stands(now + OPENING);
    assert_eq!(witness.number(), None, "too late");
}

#[test]
fn a_server_that_ends_the_older_connection_gets_no_third_witness() {
    let mut now = Instant::now();
    let mut witness = Witness::default();
    for _ in 0..HARMS {
        assert_eq!(witness.need(true, now, 0.0), Some(Act::Open));
        witness.stands(now);
        witness.link_lost(now + S);
        now += 10 * S;
    }
    assert_eq!(witness.need(true, now, 0.0), None);
    assert!(!witness.is_worth_waiting_for());
    // A bad line may have done it: later there is another try.
    assert_eq!(witness.need(true, now + REST, 0.0), Some(Act::Open));
    assert!(!witness.is_worth_waiting_for());
}

#[test]
fn breaks_that_it_did_not_cause_do_not_count() {
    let mut now = Instant::now();
    let mut witness = Witness::default();
    for _ in 0..10 {
        assert_eq!(witness.need(true, now, 0.0), Some(Act::Open));
        witness.stands(now);
        now += HARM;
        witness.link_lost(now);
    }
    for _ in 0..10 {
        assert_eq!(witness.need(true, now, 0.0), Some(Act::Open));
        witness.stands(now);
        witness.proved();
        witness.link_lost(now + S);
        if witness.need(true, now, 0.0) == Some(Act::Open) {
            witness.stands(now);
            witness.proved();
        }
        witness.link_left();
        now += S;
    }
}

#[test]
fn one_that_falls_at_once_again_and_again_has_failed() {
    let mut now = Instant::now();
    let start = now;
    let mut witness = Witness::default();
    let mut came = 0;
    while now < start + 300 * S {
        if witness.need(true, now, 0.0) == Some(Act::Open) {
            came += 1;
            witness.stands(now);
            witness.failed(false, now + S, 0.0);
        }
        now += S;
    }
    assert_eq!(came, TRIES);
}
