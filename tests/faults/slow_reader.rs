//! Row 16: somebody stops reading while others write to them.

use std::{
    fs,
    time::{Duration, Instant},
};

use parlour_protocol::{SessionId, UserId};
use parlour_tests::{
    inbox,
    pm::{Account, Device},
    program::ServerProgram,
    wire::{RawPolling, RawSocket, Wire},
};
use serde_json::{Value, json};

use crate::traffic::{Ledger, Writer, is_in_order};

/// Within which a slow reader has to be gone.
const CUT_WITHIN: Duration = Duration::from_secs(30);

/// What one slow reader may cost: what waits for it, and what is on its way.
const MEMORY_EACH: usize = 4 << 20;

/// Somebody who has signed in and reads nothing from now on.
struct Sleeper {
    account: Account,
    // Open, and never read again.
    socket: RawSocket,
}

impl Sleeper {
    async fn arrives(server: &ServerProgram, name: &str) -> Self {
        let wire = Wire::connect_narrow(&server.address()).await;
        let mut socket = RawSocket::over(wire).await;
        let session = socket.join(&auth(name)).await;
        let account = account(&session);
        Self { account, socket }
    }

    /// What the kernel holds at the server's end for this connection, in bytes.
    fn unsent(&mut self, server: &ServerProgram) -> Option<usize> {
        let remote = self.socket.wire().local_port();
        let local: u16 = server.address().rsplit(':').next()?.parse().ok()?;
        let table = fs::read_to_string("/proc/net/tcp").ok()?;
        let ends = format!(":{local:04X} 0100007F:{remote:04X} ");
        let line = table.lines().find(|line| line.contains(&ends))?;
        let queues = line.split_whitespace().nth(4)?;
        usize::from_str_radix(queues.split(':').next()?, 16).ok()
    }
}

fn auth(name: &str) -> Value {
    json!({"username": name, "pm": {"v": [1], "caps": [], "client": "sleeper"}})
}

/// Whose session this is.
fn account(session: &Value) -> Account {
    let text = |key: &str| session[key].as_str().expect("a text").to_owned();
    Account::new(
        UserId::new(text("userID")),
        SessionId::new(text("sessionID")),
    )
}

pub(crate) async fn who_stops_polling_under_a_flood_is_cut() {
    let server = ServerProgram::start();
    let url = server.url();
    let ann = Device::signs_in(&url, "Ann").await;
    let before = server.memory();
    // Nobody polls in this session any more.
    let (_session, session) = RawPolling::joins(&server.address(), &auth("Sleeper")).await;
    let sleeper = account(&session);
    let gone = (sleeper.user.clone(), false);
    let text = "x".repeat(15_000);
    let mut sent = 0;
    let begun = Instant::now();
    while !ann.heard(|heard| heard.presence.contains(&gone)) {
        assert!(begun.elapsed() < CUT_WITHIN, "a slow reader is still here");
        ann.says(&sleeper.user, &text).await;
        sent += 1;
    }
    let grown = server.memory_peak().saturating_sub(before);
    assert!(grown < 2 * MEMORY_EACH, "a slow reader cost {grown} bytes");
    let inbox = Device::resumes(&url, &sleeper).await.inbox().await;
    assert_eq!(inbox.messages.len(), sent);
    inbox.is_whole();
}

pub(crate) async fn who_stops_reading_under_a_flood_is_cut_and_loses_nothing() {
    const SLEEPERS: usize = 8;
    let server = ServerProgram::start();
    let url = server.url();
    let ann = Device::signs_in(&url, "Ann").await;
    let cleo = Device::signs_in(&url, "Cleo").await;
    let mut sleepers = Vec::new();
    for number in 0..SLEEPERS {
        sleepers.push(Sleeper::arrives(&server, &format!("Sleeper {number}")).await);
    }
    let before = server.memory();
    let ledger = Ledger::new();
    let begun = Instant::now();
    let writers: Vec<_> = sleepers
        .iter()
        .map(|sleeper| {
            let writer = Writer {
                url: url.clone(),
                account: ann.account.clone(),
                to: sleeper.account.user.clone(),
                name: "ann",
                window: 8,
                length: |_| 15_000,
                count: None,
            };
            tokio::spawn(writer.write(ledger.clone()))
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for sleeper in &sleepers {
        let gone = (sleeper.account.user.clone(), false);
        // Others chat on meanwhile, and do not wait long.
        while !cleo.heard(|heard| heard.presence.contains(&gone)) {
            assert!(begun.elapsed() < CUT_WITHIN, "a slow reader is still here");
            let asked = Instant::now();
            cleo.says(cleo.user(), "still here").await;
            slowest = slowest.max(asked.elapsed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    ledger.stop();
    let mut written = Vec::new();
    for writer in writers {
        written.push(writer.await.expect("a writer"));
    }
    let grown = server.memory_peak().saturating_sub(before);
    let most = (SLEEPERS + 4) * MEMORY_EACH;
    assert!(grown < most, "{SLEEPERS} slow readers cost {grown} bytes");
    assert!(
        slowest < Duration::from_secs(5),
        "others waited {slowest:?}"
    );
    assert!(!ann.is_closed() && !cleo.is_closed());

    // They wake up, come back, and have everything.
    let mut inboxes = vec![ann.inbox().await, cleo.inbox().await];
    for (sleeper, written) in sleepers.iter().zip(written) {
        let inbox = Device::resumes(&url, &sleeper.account).await.inbox().await;
        assert_eq!(is_in_order(inbox.texts_from(ann.user())), written);
        inboxes.push(inbox);
    }
    inbox::holds(&ledger.entries(), &inboxes);
}

pub(crate) async fn who_stops_reading_is_cut_in_time_though_little_waits() {
    let server = ServerProgram::start();
    let url = server.url();
    let ann = Device::signs_in(&url, "Ann").await;
    let mut sleeper = Sleeper::arrives(&server, "Sleeper").await;
    let gone = (sleeper.account.user.clone(), false);
    let text = "x".repeat(16_000);
    // Until the kernel takes no more: from then on it waits in the server.
    let mut last = None;
    let mut sent = 0;
    loop {
        ann.says(&sleeper.account.user, &text).await;
        sent += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let unsent = sleeper.unsent(&server);
        if unsent.is_some_and(|unsent| unsent > 0) && unsent == last {
            break;
        }
        last = unsent;
        assert!(sent < 2_000, "the kernel takes everything");
    }
    ann.says(&sleeper.account.user, "the last").await;
    ann.until_within(CUT_WITHIN, "the end of the slow reader", |heard| {
        heard.presence.contains(&gone)
    })
    .await;
    let inbox = Device::resumes(&url, &sleeper.account).await.inbox().await;
    assert_eq!(inbox.messages.len(), sent + 1);
    inbox.is_whole();
}
