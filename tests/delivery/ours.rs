//! Our own server, which is killed over and over while everything else goes wrong.

use std::time::Duration;

use parlour_tests::{
    chance::Chance,
    database,
    pm::{Account, Device},
    program::ServerProgram,
    proxy::{Fault, Troubles},
    setting::many,
};
use tokio::sync::watch;

use crate::all::{There, Truth, is_true, meet, write};

/// How often the server is killed.
const KILLS: usize = 100;

/// About how many messages are written between two kills.
const BETWEEN: usize = 190;

/// What our server has, as a bare client gets it.
struct Inboxes {
    url: String,
    accounts: Vec<Account>,
}

impl Truth for Inboxes {
    const FOR_READERS: bool = true;

    async fn there(&mut self) -> There {
        let mut there = There::new();
        for account in &self.accounts {
            let inbox = Device::resumes(&self.url, account).await.inbox().await;
            inbox.is_whole();
            for message in inbox.messages {
                if message.from == inbox.owner {
                    let way = (message.from, message.to);
                    there.entry(way).or_default().push(message.content);
                }
            }
        }
        there
    }
}

/// Silence is noticed after 15 s on this server, whose pings are slow: there is less
/// of it than of the rest.
fn troubles() -> Troubles {
    let mut troubles = Troubles::all(600..9_000, 300..60_000, Duration::from_secs(3));
    let silent = [
        Fault::CutFar,
        Fault::Swallow,
        Fault::SwallowUp,
        Fault::SwallowDown,
    ];
    let loud = Fault::ALL.iter().filter(|fault| !silent.contains(fault));
    troubles.faults.extend(loud.cycle().take(30));
    troubles
}

pub(crate) async fn a_server_that_is_killed_loses_and_doubles_nothing_on_any_line() {
    let mut server = ServerProgram::start();
    let troubles = troubles();
    let pairs = meet(&server.url(), 3, &troubles).await;
    let mut accounts = Vec::new();
    for person in pairs.iter().flat_map(|pair| &pair.people) {
        accounts.push(person.account().await);
    }
    let said = watch::Sender::new(0);
    let mut count = said.subscribe();
    let killer = async {
        let mut chance = Chance::new(3);
        let mut next = 0;
        for _ in 0..many(KILLS, 5 * KILLS) {
            next += BETWEEN / 2 + chance.below(BETWEEN);
            let _ = count.wait_for(|said| *said >= next).await;
            server.kill();
            server.restart();
        }
    };
    let (pairs, ()) = tokio::join!(write(pairs, &said), killer);
    let url = server.url();
    let report = is_true(&pairs, &mut Inboxes { url, accounts }).await;
    report.is_enough("pm, and 100 kills of the server", &troubles);
    // With ids nothing is ever in doubt.
    assert_eq!(report.counts.sent, report.counts.said);
    server.kill();
    database::is_sound(&database::open(&server.database()));
    for mut person in pairs.into_iter().flat_map(|pair| pair.people) {
        person.closes().await;
        database::is_sound(&database::open(&person.database()));
    }
}
