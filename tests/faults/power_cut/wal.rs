//! Row 4: what was in the write-ahead log comes back damaged.

use std::{fs, path::Path};

use parlour_tests::{
    chance::Chance,
    inbox::Inbox,
    pm::{Account, Device},
    program::ServerProgram,
};

use crate::{
    database,
    setting::many,
    traffic::{is_in_order, numbered},
};

/// One in so many is also served.
const SERVED: usize = 6;

pub(crate) async fn a_damaged_write_ahead_log_costs_only_its_end() {
    let mut server = ServerProgram::start();
    let account = Device::signs_in(&server.url(), "Ann").await.account.clone();
    // Some of it is in the database itself, the rest only in the log.
    write(&server, &account, 0..20).await;
    assert!(server.terminate().0.success());
    server.restart();
    let written = 20 + many(60, 300);
    write(&server, &account, 20..written).await;
    server.kill();

    let mut chance = Chance::new(4);
    let mut shortest = written;
    let mut trial = ServerProgram::prepare(&["--no-rate-limits"]);
    for round in 0..many(60, 400) {
        let folder = trial.folder().join(format!("state-{round}"));
        fs::create_dir(&folder).expect("a folder");
        let database = folder.join("server.db");
        fs::copy(server.database(), &database).expect("copied");
        let mut log = fs::read(server.database().with_extension("db-wal")).expect("a log");
        let damage = damage(&mut log, &mut chance);
        fs::write(database.with_extension("db-wal"), log).expect("written");
        let found = look_into(&database);
        assert!(
            (20..=written).contains(&found),
            "{found} are left: {damage}"
        );
        shortest = shortest.min(found);
        if round % SERVED == 0 {
            trial.use_data(&folder);
            trial.restart();
            let inbox = Device::resumes(&trial.url(), &account).await.inbox().await;
            trial.kill();
            assert_eq!(is_a_prefix(&inbox), found, "{damage}");
        }
        fs::remove_dir_all(&folder).expect("removed");
    }
    assert!(shortest < written, "the log was never damaged");
}

async fn write(server: &ServerProgram, account: &Account, numbers: std::ops::Range<usize>) {
    let device = Device::resumes(&server.url(), account).await;
    for number in numbers {
        let length = if number % 7 == 0 { 6_000 } else { 40 };
        let text = numbered("note", number, length);
        device.says(&account.user, &text).await;
    }
}

/// Sound, and a prefix of what was written; how long it is.
fn look_into(path: &Path) -> usize {
    let connection = database::open(path);
    database::is_sound(&connection);
    let texts = database::texts(&connection);
    is_in_order(texts.iter().map(String::as_str))
}

fn is_a_prefix(inbox: &Inbox) -> usize {
    inbox.is_whole();
    is_in_order(inbox.texts_from(&inbox.owner))
}

/// Harms the log in one of the ways in which disks do, and says which.
fn damage(log: &mut Vec<u8>, chance: &mut Chance) -> String {
    let at = chance.below(log.len());
    let length = (1 + chance.below(4096)).min(log.len() - at);
    match chance.below(6) {
        0 => {
            log.truncate(at);
            format!("cut to {at} bytes")
        }
        1 => {
            let bit = chance.below(8);
            log[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} turned")
        }
        2 => {
            log[at..at + length].fill(0);
            format!("{length} zeros at {at}")
        }
        3 => {
            let noise = chance.bytes(length);
            log[at..at + length].copy_from_slice(&noise);
            format!("{length} bytes of noise at {at}")
        }
        4 => {
            let from = chance.below(log.len() - length + 1);
            log.copy_within(from..from + length, at);
            format!("{length} bytes of {from} again at {at}")
        }
        _ => {
            let noise = chance.bytes(length);
            log.extend(noise);
            format!("{length} bytes of noise behind the end")
        }
    }
}
