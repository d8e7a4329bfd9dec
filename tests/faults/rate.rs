//! Limits of rate, as they are by default: who writes too fast is slowed down,
//! and loses nothing.

use std::time::{Duration, Instant};

use parlour_tests::{inbox, pm::Device, program::ServerProgram};

use crate::{
    setting::many,
    traffic::{Ledger, Writer, is_in_order},
};

pub(crate) async fn who_writes_too_fast_is_slowed_down_and_nobody_else() {
    let server = ServerProgram::start_with(&[]);
    let url = server.url();
    let ann = Device::signs_in(&url, "Ann").await;
    let bob = Device::signs_in(&url, "Bob").await;
    let rate = ann.hello().limits.rate;
    let count = rate.burst as usize + many(60, 600);
    let ledger = Ledger::new();
    let writer = Writer {
        url: url.clone(),
        account: ann.account.clone(),
        to: bob.user().clone(),
        name: "ann",
        window: 16,
        length: |_| 0,
        count: Some(count),
    };
    let begun = Instant::now();
    let writing = tokio::spawn(writer.write(ledger.clone()));
    let mut slowest = Duration::ZERO;
    while !writing.is_finished() {
        let asked = Instant::now();
        bob.says(bob.user(), "a note").await;
        slowest = slowest.max(asked.elapsed());
        // Bob keeps to the limit.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(writing.await.expect("a writer"), count);
    let least = (count - rate.burst as usize) as f64 / f64::from(rate.per_second);
    let took = begun.elapsed().as_secs_f64();
    assert!(took > 0.8 * least, "{count} messages within {took} s");
    assert!(
        slowest < Duration::from_secs(1),
        "others waited {slowest:?}"
    );
    let inboxes = [ann.inbox().await, bob.inbox().await];
    assert_eq!(is_in_order(inboxes[0].texts_from(ann.user())), count);
    inbox::holds(&ledger.entries(), &inboxes);
    assert!(!ann.is_closed() && !bob.is_closed());
}
