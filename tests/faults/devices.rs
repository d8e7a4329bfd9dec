//! C0 where nothing breaks but connections: several devices of one user, several
//! users at once.

use std::time::Duration;

use parlour_tests::{
    chance::Chance,
    inbox,
    pm::{Account, Device},
    program::ServerProgram,
};

use crate::{
    setting::many,
    traffic::{Follower, Ledger, Writer, is_in_order},
};

const NAMES: [&str; 4] = ["Ann", "Bob", "Cleo", "Dan"];

/// Devices that each of them has, beside those that write.
const DEVICES: usize = 3;

pub(crate) async fn all_devices_of_all_users_see_the_same() {
    let server = ServerProgram::start();
    let url = server.url();
    let mut accounts = Vec::new();
    for name in NAMES {
        accounts.push(Device::signs_in(&url, name).await.account.clone());
    }
    let ledger = Ledger::new();
    let all_written = Ledger::new();
    let count = many(150, 2_000);
    let mut writers = Vec::new();
    for (from, account) in accounts.iter().enumerate() {
        for (to, other) in accounts.iter().enumerate() {
            let writer = Writer {
                url: url.clone(),
                account: account.clone(),
                to: other.user.clone(),
                name: NAMES[to],
                window: 1 + (from * 5 + to * 3) % 16,
                length: |number| number % 120,
                count: Some(count),
            };
            writers.push(tokio::spawn(writer.write(ledger.clone())));
        }
    }
    let followers: Vec<_> = accounts
        .iter()
        .flat_map(|account| std::iter::repeat_n(account, DEVICES))
        .map(|account| tokio::spawn(Follower::new(&url, account).follow(all_written.clone())))
        .collect();
    let unsteady = tokio::spawn(comes_and_goes(
        url.clone(),
        accounts[1].clone(),
        ledger.clone(),
    ));
    for writer in writers {
        assert_eq!(writer.await.expect("a writer"), count);
    }
    ledger.stop();
    unsteady.await.expect("an unsteady one");
    all_written.stop();
    let mut inboxes = Vec::new();
    for account in &accounts {
        inboxes.push(Device::resumes(&url, account).await.inbox().await);
    }
    for (index, follower) in followers.into_iter().enumerate() {
        let copy = follower.await.expect("a follower");
        assert!(
            copy == inboxes[index / DEVICES],
            "a device has another copy"
        );
    }
    inbox::holds(&ledger.entries(), &inboxes);
    assert_eq!(ledger.count(), NAMES.len() * NAMES.len() * count);
    for (inbox, own) in inboxes.iter().zip(NAMES) {
        // One's notes to oneself, and what one wrote to each of the others.
        for name in NAMES {
            let texts = inbox.texts_from(&inbox.owner);
            let texts = texts.into_iter().filter(|text| text.starts_with(name));
            assert_eq!(is_in_order(texts), count, "{own} to {name}");
        }
    }
}

/// A device that is here for a moment, and again: its live events are never
/// doubled, never out of order, and never what its inbox does not have.
async fn comes_and_goes(url: String, account: Account, ledger: Ledger) {
    let mut chance = Chance::new(13);
    let mut visits = 0;
    while !ledger.is_stopped() {
        let device = Device::resumes(&url, &account).await;
        let some = 1 + chance.below(40);
        let wanted = device.until_within(Duration::from_secs(600), "news", |heard| {
            heard.messages.len() >= some || ledger.is_stopped()
        });
        // The word to stop wakes nobody: it is looked for now and then.
        let _ = tokio::time::timeout(Duration::from_millis(300), wanted).await;
        let live = device.heard(|heard| heard.messages.clone());
        assert!(
            live.windows(2)
                .all(|pair| pair[0].stamp.seq < pair[1].stamp.seq),
            "live events are doubled or out of order"
        );
        if let (Some(first), Some(last)) = (live.first(), live.last()) {
            let before = first.stamp.seq - 1;
            let page = device.try_sync(before).await.expect("a page");
            let until = page
                .iter()
                .take_while(|message| message.stamp.seq <= last.stamp.seq);
            assert!(until.eq(live.iter()), "live events and the inbox differ");
        }
        if chance.coin() {
            device.leaves().await;
        }
        visits += 1;
    }
    assert!(visits > 1);
}
