use parlour_protocol::pm::{MessageId, Stamp};

use super::*;

fn message(seq: u64) -> StampedMessage {
    StampedMessage {
        content: format!("message {seq}"),
        from: "bob".into(),
        to: "me".into(),
        stamp: Stamp {
            id: MessageId::new(seq, &[0; 10]),
            seq,
            ts: 0,
            sent_at: None,
        },
    }
}

fn seqs(messages: &[StampedMessage]) -> Vec<u64> {
    messages.iter().map(|message| message.stamp.seq).collect()
}

/// Everything up to 10 is here, and the server has said so.
fn idle(now: Instant) -> Inbox {
    let mut inbox = Inbox::new(10, now);
    assert_eq!(inbox.request(now).map(|request| request.since), Some(10));
    assert_eq!(inbox.page(10, true, now), Ok(vec![]));
    assert_eq!(inbox.deadline(), None);
    inbox
}

#[test]
fn all_is_fetched_page_by_page() {
    let now = Instant::now();
    let mut inbox = Inbox::new(0, now);
    for (since, next) in [(0, 200), (200, 400), (400, 401)] {
        assert_eq!(inbox.request(now).map(|request| request.since), Some(since));
        assert_eq!(inbox.request(now), None, "one at a time");
        assert!(!inbox.is_caught_up());
        assert_eq!(inbox.page(next, next == 401, now), Ok(vec![]));
    }
    assert!(inbox.is_caught_up());
    assert_eq!((inbox.cursor(), inbox.deadline()), (401, None));
}

#[test]
fn the_next_one_is_taken_at_once_and_none_twice() {
    let now = Instant::now();
    let mut inbox = idle(now);
    assert_eq!(seqs(&inbox.arrived(message(11), now)), [11]);
    assert_eq!(seqs(&inbox.arrived(message(11), now)), [0; 0]);
    assert_eq!(seqs(&inbox.acknowledged(12, now)), [0; 0]);
    assert_eq!((inbox.cursor(), inbox.deadline()), (12, None));
}

#[test]
fn what_only_came_out_of_order_is_not_asked_for() {
    let now = Instant::now();
    let mut inbox = idle(now);
    assert_eq!(seqs(&inbox.acknowledged(12, now)), [0; 0]);
    assert_eq!(seqs(&inbox.arrived(message(13), now)), [0; 0]);
    assert_eq!(inbox.request(now), None, "it may be on its way");
    assert_eq!(seqs(&inbox.arrived(message(11), now)), [11, 13]);
    assert_eq!((inbox.cursor(), inbox.deadline()), (13, None));
}

#[test]
fn a_gap_that_stays_is_asked_for() {
    let now = Instant::now();
    let mut inbox = idle(now);
    inbox.arrived(message(13), now);
    let later = now + GAP;
    assert_eq!(inbox.deadline(), Some(later));
    assert_eq!(inbox.request(later).map(|request| request.since), Some(10));
    assert_eq!(seqs(&inbox.arrived(message(14), later)), [0; 0]);
    assert_eq!(
        inbox.page(13, true, later).map(|ready| seqs(&ready)),
        Ok(vec![14]),
        "what the page has is not given out again"
    );
    assert_eq!((inbox.cursor(), inbox.deadline()), (14, None));
}

#[test]
fn more_than_is_kept_is_fetched() {
    let now = Instant::now();
    let mut inbox = Inbox::new(0, now);
    inbox.request(now);
    for seq in 2..200 {
        inbox.arrived(message(seq), now);
    }
    assert_eq!(inbox.page(1, true, now).map(|ready| ready.len()), Ok(EARLY));
    assert!(inbox.request(now).is_some(), "there was more");
    assert_eq!(inbox.page(199, true, now), Ok(vec![]));
    assert_eq!((inbox.cursor(), inbox.deadline()), (199, None));
}

#[test]
fn a_gap_that_the_server_does_not_know_of_is_no_loop() {
    let now = Instant::now();
    let mut inbox = idle(now);
    inbox.arrived(message(99), now);
    let later = now + GAP;
    assert!(inbox.request(later).is_some());
    assert_eq!(inbox.page(10, true, later), Ok(vec![]));
    assert_eq!(inbox.deadline(), None);
}

#[test]
fn a_page_that_leads_nowhere_is_refused() {
    let now = Instant::now();
    let mut inbox = idle(now);
    assert_eq!(inbox.page(11, true, now), Err(BadPage), "nobody asked");
    let mut inbox = Inbox::new(10, now);
    inbox.request(now);
    assert_eq!(inbox.page(10, false, now), Err(BadPage));
    let mut inbox = Inbox::new(10, now);
    inbox.request(now);
    assert_eq!(inbox.page(9, true, now), Err(BadPage));
    for beyond in [SEQ_MAX + 1, u64::MAX] {
        let mut inbox = Inbox::new(10, now);
        inbox.request(now);
        assert_eq!(inbox.page(beyond, true, now), Err(BadPage));
    }
}

#[test]
fn a_refused_request_waits() {
    let now = Instant::now();
    let mut inbox = Inbox::new(0, now);
    inbox.request(now);
    assert_eq!(inbox.failed(), 1);
    inbox.put_off(Duration::from_secs(2), now);
    assert_eq!(inbox.request(now), None);
    assert!(inbox.request(now + Duration::from_secs(2)).is_some());
}
