use super::*;
use crate::view::Delivery;

fn message(n: i64, peer: &str) -> Pending {
    Pending {
        id: ItemId(n),
        peer: peer.into(),
        content: format!("message {n}"),
        attempts: 0,
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
    outbox.written(batch.send.iter().map(|m| m.id), fence, now);
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
    outbox.written([ItemId(1)].into_iter(), 1, now);
    outbox.written([ItemId(2)].into_iter(), 2, now);
    assert_eq!(outbox.fence_passed(1), [ItemId(1)]);
    assert_eq!(outbox.fence_passed(1), []);
    assert_eq!(outbox.unfenced(now), []);
    assert_eq!(outbox.unfenced(now + FENCE_LIMIT), [ItemId(2)]);
}

#[test]
fn a_conversation_in_doubt_is_held_back_until_patience_is_over() {
    let mut outbox = outbox([message(1, "b")]);
    let now = Instant::now();
    let batch = outbox.take(WINDOW, anyone);
    outbox.written(batch.send.iter().map(|m| m.id), 1, now);
    let until = now + Duration::from_secs(45);
    outbox.link_lost(until);
    outbox.hold_back(&"b".into(), vec![(ItemId(1), "message 1".into())], now);
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
    outbox.written([ItemId(1)].into_iter(), 1, now);
    outbox.link_lost(now + Duration::from_secs(5));
    outbox.hold_back(&"b".into(), vec![(ItemId(1), "x".into())], now);
    outbox.link_lost(now + Duration::from_secs(50));
    outbox.hold_back(&"b".into(), vec![(ItemId(1), "x".into())], now);
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
        outbox.asked(message.id, number);
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
