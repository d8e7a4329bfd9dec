use std::time::Duration;

use super::*;
use crate::{store::Evidence, view::Delivery};

fn message(n: i64, peer: &str) -> Pending {
    Pending {
        id: ItemId(n),
        peer: peer.into(),
        content: format!("message {n}"),
        attempts: 0,
        strikes: 0,
        delivery: Delivery::Queued,
        uid: None,
        at: None,
    }
}

fn ids(messages: &[Pending]) -> Vec<i64> {
    messages.iter().map(|message| message.id.0).collect()
}

fn outbox(messages: impl IntoIterator<Item = Pending>) -> Outbox {
    let mut outbox = Outbox::default();
    outbox.reload(messages.into_iter().collect());
    outbox
}

fn flight(n: i64, peer: &str, fence: u64, since: Instant) -> Flight {
    Flight {
        id: ItemId(n),
        peer: peer.into(),
        content: format!("message {n}"),
        fence,
        since,
        witness: None,
    }
}

fn write(outbox: &mut Outbox, messages: &[Pending], fence: u64, now: Instant) {
    outbox.written(
        messages
            .iter()
            .map(|m| flight(m.id.0, m.peer.as_str(), fence, now)),
    );
}

fn anyone(_: &UserId) -> Sendable {
    Sendable::Now
}

#[test]
fn no_more_is_in_doubt_than_the_window_holds() {
    let mut outbox = outbox((1..=20).map(|n| message(n, "b")));
    let now = Instant::now();
    let batch = outbox.take(WINDOW, anyone);
    assert_eq!(ids(&batch.send), (1..=16).collect::<Vec<_>>());
    let fence = outbox.next_fence();
    write(&mut outbox, &batch.send, fence, now);
    assert!(outbox.take(WINDOW, anyone).send.is_empty());
    assert_eq!(outbox.fence_passed(fence).len(), 16);
    assert_eq!(ids(&outbox.take(WINDOW, anyone).send), [17, 18, 19, 20]);
}

#[test]
fn one_conversation_waits_without_stopping_another() {
    let mut outbox = outbox([
        message(1, "away"),
        message(2, "b"),
        message(3, "away"),
        message(4, "dead"),
    ]);
    let batch = outbox.take(WINDOW, |peer| match peer.as_str() {
        "away" => Sendable::Later,
        "dead" => Sendable::Never,
        _ => Sendable::Now,
    });
    assert_eq!((ids(&batch.send), ids(&batch.hold)), (vec![2], vec![4]));
    assert_eq!(
        ids(&outbox.take(WINDOW, anyone).send),
        [1, 3],
        "and keeps its order"
    );
}

#[test]
fn a_fence_proves_what_is_before_it_only() {
    let mut outbox = outbox([message(1, "b"), message(2, "b")]);
    let now = Instant::now();
    outbox.take(WINDOW, anyone);
    outbox.written([flight(1, "b", 1, now), flight(2, "b", 2, now)].into_iter());
    assert_eq!(outbox.fence_passed(1), [ItemId(1)]);
    assert_eq!(outbox.fence_passed(1), []);
    assert!(outbox.is_unproven());
    assert_eq!(outbox.fence_passed(2), [ItemId(2)]);
    assert!(!outbox.is_unproven());
}

#[test]
fn what_has_no_proof_in_time_makes_room_and_takes_a_late_one() {
    let mut outbox = outbox((1..=20).map(|n| message(n, "b")));
    let now = Instant::now();
    let batch = outbox.take(WINDOW, anyone);
    write(&mut outbox, &batch.send, 1, now);
    assert_eq!(outbox.deadline(), Some(now + fences::LIMIT));
    assert_eq!(outbox.overdue(now), []);
    let overdue = outbox.overdue(now + fences::LIMIT);
    assert_eq!(overdue.len(), 16);
    assert_eq!(outbox.overdue(now + fences::LIMIT), [], "said once");
    assert_eq!(outbox.deadline(), None);
    assert_eq!(ids(&outbox.take(WINDOW, anyone).send), [17, 18, 19, 20]);
    // A person decided about the first: the proof of the others is not for it.
    outbox.forget(ItemId(1));
    let late: Vec<i64> = outbox.fence_passed(1).iter().map(|id| id.0).collect();
    assert_eq!(late, (2..=16).collect::<Vec<_>>());
}

#[test]
fn no_proof_is_overdue_that_nobody_could_have_seen() {
    let mut outbox = Outbox::default();
    let now = Instant::now();
    outbox.written([flight(1, "b", 1, now)].into_iter());
    let woke = now + 30 * fences::LIMIT;
    outbox.slept(woke);
    assert_eq!(outbox.overdue(woke), []);
    assert_eq!(outbox.overdue(woke + fences::LIMIT).len(), 1);
}

#[test]
fn an_echo_proves_the_first_of_its_text_and_what_was_written_before_the_witness() {
    let now = Instant::now();
    let text = |n, content: &str, witness| Flight {
        content: content.into(),
        witness,
        ..flight(n, "b", 0, now)
    };
    let mut outbox = Outbox::default();
    outbox.written(
        [
            text(1, "ok", None),
            text(2, "well", Some(1)),
            text(3, "ok", Some(2)),
            text(4, "lost", Some(2)),
            text(5, "fine", Some(2)),
        ]
        .into_iter(),
    );
    let b = UserId::from("b");
    assert_eq!(outbox.witnessed(&"c".into(), "ok", 2), []);
    assert_eq!(outbox.witnessed(&b, "nothing of ours", 2), []);
    assert_eq!(outbox.witnessed(&b, "ok", 2), [(ItemId(1), Evidence::Echo)]);
    assert_eq!(
        outbox.witnessed(&b, "fine", 2),
        [(ItemId(2), Evidence::Fence), (ItemId(5), Evidence::Echo)],
        "this witness should have heard the third and the fourth"
    );
    assert_eq!(outbox.overdue(now + fences::LIMIT).len(), 2);
    assert_eq!(
        outbox.witnessed(&b, "lost", 3),
        [(ItemId(3), Evidence::Fence), (ItemId(4), Evidence::Echo)],
        "late, by another witness"
    );
}

#[test]
fn what_is_overdue_is_in_doubt_too_when_the_connection_breaks() {
    let mut outbox = Outbox::default();
    let now = Instant::now();
    outbox.written([flight(1, "b", 1, now)].into_iter());
    outbox.overdue(now + fences::LIMIT);
    let until = now + Duration::from_secs(70);
    outbox.link_lost(until);
    outbox.hold_back(
        &"b".into(),
        vec![(ItemId(1), "message 1".into())],
        now,
        now,
        now,
    );
    assert_eq!(outbox.deadline(), Some(until));
    assert_eq!(
        outbox.fence_passed(1),
        [],
        "proofs die with their connection"
    );
}

#[test]
fn a_conversation_in_doubt_is_held_back_until_patience_is_over() {
    let mut outbox = outbox([message(1, "b")]);
    let now = Instant::now();
    let batch = outbox.take(WINDOW, anyone);
    write(&mut outbox, &batch.send, 1, now);
    let until = now + Duration::from_secs(45);
    outbox.link_lost(until);
    outbox.hold_back(
        &"b".into(),
        vec![(ItemId(1), "message 1".into())],
        now,
        now,
        now,
    );
    outbox.push(message(2, "b"));
    assert!(
        outbox.take(WINDOW, anyone).send.is_empty(),
        "order in the conversation is kept"
    );
    assert_eq!(outbox.deadline(), Some(until));
    assert_eq!(outbox.patience_over(until - Duration::from_millis(1)), []);
    assert_eq!(outbox.patience_over(until), [ItemId(1)]);
    assert_eq!(ids(&outbox.take(WINDOW, anyone).send), [2]);
}

#[test]
fn an_echo_ends_the_doubt() {
    let mut outbox = Outbox::default();
    let now = Instant::now();
    outbox.hold_back(
        &"b".into(),
        vec![(ItemId(1), "x".into()), (ItemId(2), "y".into())],
        now,
        now,
        now,
    );
    assert_eq!(
        outbox.echoed(&"b".into(), "y"),
        None,
        "only the head can be next"
    );
    assert_eq!(outbox.echoed(&"b".into(), "x"), Some(ItemId(1)));
    assert_eq!(outbox.echoed(&"b".into(), "y"), Some(ItemId(2)));
    assert_eq!(outbox.deadline(), None);
}

#[test]
fn a_second_break_does_not_lengthen_the_patience() {
    let mut outbox = Outbox::default();
    let now = Instant::now();
    outbox.written([flight(1, "b", 1, now)].into_iter());
    outbox.link_lost(now + Duration::from_secs(5));
    outbox.hold_back(&"b".into(), vec![(ItemId(1), "x".into())], now, now, now);
    outbox.link_lost(now + Duration::from_secs(50));
    outbox.hold_back(&"b".into(), vec![(ItemId(1), "x".into())], now, now, now);
    assert_eq!(outbox.deadline(), Some(now + Duration::from_secs(5)));
}

#[test]
fn what_could_not_be_written_keeps_its_place() {
    let mut outbox = outbox([message(1, "b"), message(2, "b")]);
    let batch = outbox.take(WINDOW, anyone);
    outbox.push(message(3, "b"));
    outbox.put_back(batch.send);
    assert_eq!(ids(&outbox.take(WINDOW, anyone).send), [1, 2, 3]);
}

#[test]
fn a_refusal_for_now_stops_everything_until_its_time() {
    let mut outbox = outbox((1..=20).map(|n| message(n, "b")));
    let now = Instant::now();
    let batch = outbox.take(WINDOW, anyone);
    for (number, message) in (1..).zip(&batch.send) {
        outbox.asked(message, number, Instant::now());
    }
    assert_eq!(outbox.take(WINDOW, anyone), Batch::default());
    assert_eq!(outbox.answered(2), Some(ItemId(2)));
    assert_eq!(outbox.answered(2), None);
    let until = now + Duration::from_secs(1);
    outbox.pause(until);
    outbox.pause(now);
    assert_eq!(
        outbox.take(WINDOW, anyone),
        Batch::default(),
        "there is room, but no leave"
    );
    assert_eq!(outbox.deadline(), Some(until));
    outbox.patience_over(until);
    assert_eq!(ids(&outbox.take(WINDOW, anyone).send), [17]);
    outbox.link_lost(until);
    assert_eq!(
        outbox.answered(1),
        None,
        "answers die with their connection"
    );
}
