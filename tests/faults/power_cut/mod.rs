//! Rows 3 and 4: the power goes; the write-ahead log comes back torn or garbled.
//!
//! The server runs on a disk that is logged (`shim`). The log is played back to
//! many points, at each of which several things may be left (`disk`); each of
//! these states is opened, and must be sound and hold what was acknowledged
//! before that point.

mod disk;
mod shim;
mod wal;

use std::{collections::BTreeMap, fs, path::Path};

use parlour_tests::{
    chance::Chance,
    inbox::{self, Acknowledged},
    pm::{Account, Device},
    program::ServerProgram,
};

use self::disk::{Operation, Record};
pub(crate) use self::{
    disk::{Disk, Fate, read_log},
    shim::Shim,
    wal::a_damaged_write_ahead_log_costs_only_its_end,
};
use crate::{
    database,
    setting::{Outcome, many},
    traffic::{Ledger, Writer, is_in_order},
};

/// How long a sync takes here: longer than an answer that does not wait for it.
const SYNC_US: u32 = 1_500;

/// One state in so many is also served.
const SERVED: usize = 8;

/// What was acknowledged when the log was so long.
struct Promise {
    at: u64,
    message: Acknowledged,
}

pub(crate) async fn a_power_cut_loses_nothing_that_was_acknowledged() -> Outcome {
    let mut server = ServerProgram::prepare(&["--no-rate-limits"]);
    let Some(shim) = Shim::build(server.folder()) else {
        return Outcome::Skipped("there is no C compiler here");
    };
    shim.records(&mut server, SYNC_US);
    server.restart();
    let recording = record(&mut server, &shim).await;
    server.kill();

    let records = read_log(shim.log());
    let syncs = records
        .iter()
        .filter(|record| record.operation == Operation::Sync)
        .count();
    assert!(
        syncs > 50,
        "only {syncs} syncs: is the disk what is logged?"
    );
    let mut chance = Chance::new(3);
    let wanted = many(200, 1_200);
    let points = points(&records, wanted / Fate::ALL.len(), &mut chance);
    let mut disk = Disk::default();
    let mut states = 0;
    let mut served = ServerProgram::prepare(&["--no-rate-limits"]);
    for (index, record) in records.iter().enumerate() {
        disk.apply(record);
        if points.binary_search(&index).is_err() {
            continue;
        }
        for fate in Fate::ALL {
            let what = format!("after operation {index} of {}, {fate:?}", records.len());
            let left = served.folder().join(format!("state-{states}"));
            fs::create_dir(&left).expect("a folder");
            disk.after_power_cut(fate, &mut chance, &left);
            look_into(&left, record.end, &recording, &what);
            if states % SERVED == 0 && recording.signed_in_at <= record.end {
                served.use_data(&left);
                serve(&mut served, record.end, &recording, &what).await;
            }
            fs::remove_dir_all(&left).expect("removed");
            states += 1;
        }
    }
    assert!(states >= wanted, "only {states} states");
    Outcome::Done
}

struct Recording {
    accounts: BTreeMap<&'static str, Account>,
    signed_in_at: u64,
    promises: Vec<Promise>,
}

/// Two people write to each other; in between the server is ended in order,
/// and killed, so that the log has every kind of beginning and end.
async fn record(server: &mut ServerProgram, shim: &Shim) -> Recording {
    let url = server.url();
    let mut accounts = BTreeMap::new();
    for name in ["ann", "bob"] {
        let device = Device::signs_in(&url, name).await;
        accounts.insert(name, device.account.clone());
    }
    let mut recording = Recording {
        signed_in_at: shim.log_length(),
        accounts,
        promises: Vec::new(),
    };
    let (ann, bob) = (&recording.accounts["ann"], &recording.accounts["bob"]);
    for round in 0..3 {
        for (from, to, name) in [(ann, bob, "ann"), (bob, ann, "bob")] {
            let device = Device::resumes(&url, from).await;
            let count = many(12, 60);
            for number in round * count..(round + 1) * count {
                // Some fill several pages.
                let length = if number % 4 == 0 { 9_000 } else { number % 300 };
                let text = crate::traffic::numbered(name, number, length);
                let accepted = device.says(&to.user, &text).await;
                let id = accepted.id.expect("an id");
                recording.promises.push(Promise {
                    at: shim.log_length(),
                    message: Acknowledged::new(&from.user, &to.user, &text, id, &accepted),
                });
            }
        }
        match round {
            0 => assert!(server.terminate().0.success()),
            _ => server.kill(),
        }
        if round < 2 {
            server.restart();
        }
    }
    // Many at once, so that there are commits of more than one message.
    server.restart();
    let ledger = Ledger::new();
    let writer = Writer {
        url,
        account: ann.clone(),
        to: ann.user.clone(),
        name: "note",
        window: 16,
        length: |number| number % 200,
        count: Some(many(200, 1_000)),
    };
    let task = tokio::spawn(writer.write(ledger.clone()));
    for count in 1..=many(200, 1_000) {
        ledger.reaches(count).await;
        let at = shim.log_length();
        let entries = ledger.entries();
        let known = recording.promises.len() - 6 * many(12, 60);
        let new = entries[known..].iter();
        recording.promises.extend(new.map(|message| Promise {
            at,
            message: message.clone(),
        }));
    }
    task.await.expect("the writer");
    recording
}

/// Where to cut: around syncs, where something is just promised, and anywhere.
fn points(records: &[Record], count: usize, chance: &mut Chance) -> Vec<usize> {
    let syncs: Vec<usize> = (0..records.len())
        .filter(|index| records[*index].operation == Operation::Sync)
        .collect();
    let mut points = std::collections::BTreeSet::new();
    points.insert(records.len() - 1);
    while points.len() < count.min(records.len()) {
        let sync = syncs[chance.below(syncs.len())];
        match chance.below(3) {
            0 => points.insert(sync),
            1 => points.insert(sync.saturating_sub(1)),
            _ => points.insert(chance.below(records.len())),
        };
    }
    points.into_iter().collect()
}

/// Opens a state: it is sound, and everything promised before is there.
fn look_into(folder: &Path, at: u64, recording: &Recording, what: &str) {
    let path = folder.join("server.db");
    if !path.exists() {
        assert!(kept(recording, at).next().is_none(), "no database {what}");
        return;
    }
    let connection = database::open(&path);
    database::is_sound(&connection);
    let found = database::texts(&connection);
    for promise in kept(recording, at) {
        let text = &promise.message.content;
        let number = text.split_at(text.len().min(12)).0;
        assert!(
            found.contains(text),
            "“{number}” was acknowledged, lost {what}"
        );
    }
    for name in ["ann", "bob", "note"] {
        let own = found.iter().map(String::as_str);
        is_in_order(own.filter(|text| text.starts_with(name)));
    }
}

fn kept(recording: &Recording, at: u64) -> impl Iterator<Item = &Promise> {
    let promises = recording.promises.iter();
    promises.filter(move |promise| promise.at <= at)
}

/// Lets a server run on a state, and looks at what it gives to its people.
async fn serve(server: &mut ServerProgram, at: u64, recording: &Recording, what: &str) {
    server.restart();
    let mut inboxes = Vec::new();
    for account in recording.accounts.values() {
        let device = Device::try_resume(&server.url(), account).await;
        let device = device.unwrap_or_else(|error| panic!("{error} {what}"));
        inboxes.push(device.inbox().await);
    }
    let promised: Vec<Acknowledged> = kept(recording, at)
        .map(|promise| promise.message.clone())
        .collect();
    inbox::holds(&promised, &inboxes);
    server.kill();
}
