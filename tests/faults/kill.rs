//! Row 1: the process is killed, over and over, while people write.

use std::time::{Duration, Instant};

use parlour_tests::{
    chance::Chance,
    inbox::{self, Inbox},
    pm::{Account, Device},
    process::Process,
    program::ServerProgram,
};

use crate::{
    database,
    setting::many,
    traffic::{Follower, Ledger, Writer, is_in_order},
};

/// How long after a restart somebody may have to wait for an answer.
const BACK_WITHIN: Duration = Duration::from_secs(10);

pub(crate) async fn a_killed_server_loses_and_doubles_nothing() {
    let mut chance = Chance::new(1);
    let mut server = ServerProgram::start();
    let url = server.url();
    let mut accounts = Vec::new();
    for name in ["Ann", "Bob", "Cleo"] {
        accounts.push(Device::signs_in(&url, name).await.account.clone());
    }
    let ledger = Ledger::new();
    let writer = |from: usize, to: usize, name, window| Writer {
        url: url.clone(),
        account: accounts[from].clone(),
        to: accounts[to].user.clone(),
        name,
        window,
        length: |number| number % 50 * 7,
        count: None,
    };
    // Two devices of Ann's at once, a pair that writes both ways, one note to oneself.
    let writers = [
        writer(0, 1, "ann-to-bob", 16),
        writer(0, 2, "ann-to-cleo", 1),
        writer(1, 0, "bob-to-ann", 4),
        writer(2, 2, "cleo-to-cleo", 2),
    ]
    .map(|writer| (writer.clone(), tokio::spawn(writer.write(ledger.clone()))));
    // Those who follow stop when all has been written, not before.
    let all_written = Ledger::new();
    let followers: Vec<_> = accounts
        .iter()
        .map(|account| tokio::spawn(Follower::new(&url, account).follow(all_written.clone())))
        .collect();

    let mut slowest = Duration::ZERO;
    for round in 0..many(15, 100) {
        let some = ledger.count() + 1 + chance.below(120);
        ledger.reaches(some).await;
        server.kill();
        if round % 5 == 4 {
            killed_while_starting(&server, &mut chance).await;
        }
        let before = ledger.count();
        let begun = Instant::now();
        server.restart();
        ledger.reaches(before + 1).await;
        slowest = slowest.max(begun.elapsed());
    }
    ledger.stop();
    for (writer, task) in writers {
        let written = task.await.expect("a writer");
        let from = Device::resumes(&url, &writer.account).await;
        let inbox = from.inbox().await;
        let texts = inbox.texts_from(&writer.account.user);
        let own = texts
            .into_iter()
            .filter(|text| text.starts_with(writer.name));
        assert_eq!(is_in_order(own), written, "{}", writer.name);
    }
    all_written.stop();
    let mut copies = Vec::new();
    for follower in followers {
        copies.push(follower.await.expect("a follower"));
    }
    agree(&url, &accounts, &copies).await;
    inbox::holds(&ledger.entries(), &copies);
    assert!(slowest < BACK_WITHIN, "back after {slowest:?}");
    server.kill();
    database::is_sound(&database::open(&server.database()));
}

/// What everybody has copied by the cursor is what the server has, no more, no less.
async fn agree(url: &str, accounts: &[Account], copies: &[Inbox]) {
    for (account, copy) in accounts.iter().zip(copies) {
        let inbox = Device::resumes(url, account).await.inbox().await;
        assert!(inbox == *copy, "a copy differs");
    }
}

async fn killed_while_starting(server: &ServerProgram, chance: &mut Chance) {
    let mut process = Process::start(server.command());
    // Any moment of its start is as good as another.
    tokio::time::sleep(Duration::from_millis(chance.below(40) as u64)).await;
    process.kill();
}
