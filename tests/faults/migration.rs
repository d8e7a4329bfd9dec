//! Row 19: a database from another version of the server.

use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use parlour_protocol::{SessionId, UserId, pm::StampedMessage};
use parlour_tests::{
    chance::Chance,
    inbox::Inbox,
    pm::{Account, Device},
    program::ServerProgram,
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::{
    database,
    power_cut::{Disk, Fate, Shim, read_log},
    setting::{Outcome, many},
};

/// The release before, with some people in it.
const V1: &str = include_str!("fixtures/v1.sql");

pub(crate) async fn a_newer_database_is_refused_and_left_as_it_was() {
    let mut server = ServerProgram::start();
    let ann = Device::signs_in(&server.url(), "Ann").await;
    ann.says(ann.user(), "a note").await;
    drop(ann);
    // With a write-ahead log beside it, which must not be folded in either.
    server.kill();
    let connection = database::open(&server.database());
    let newer = database::version(&connection) + 1;
    connection
        .pragma_update(None, "user_version", newer)
        .expect("set");
    drop(connection);
    let before = files(server.data());
    assert!(before.iter().any(|(name, _)| name == "server.db-wal"));
    let (status, log) = server.refuses();
    assert!(!status.success());
    assert!(log.contains("newer"), "{log}");
    for (name, content) in before {
        let now = fs::read(server.data().join(&name)).expect("still there");
        assert!(now == content, "{name} was touched");
    }
}

/// The database files with their content. The index of the write-ahead log is
/// memory that readers share; the other files are not the database.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry"))
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            )
        })
        .filter(|(name, _)| name == "server.db" || name == "server.db-wal")
        .map(|(name, path)| (name, fs::read(path).expect("a file")))
        .collect()
}

pub(crate) async fn the_database_of_the_release_before_is_taken_over_with_a_backup() {
    let old = Old::new();
    let mut server = ServerProgram::prepare(&["--no-rate-limits"]);
    old.copy_to(server.data());
    server.restart();
    old.is_served_by(&server).await;
    let backup = server.data().join("server.db.v1");
    let backup = database::open(&backup);
    database::is_sound(&backup);
    assert_eq!(database::version(&backup), 1);
    assert_eq!(dump(&backup), old.dump);
    let (status, _) = server.terminate();
    assert!(status.success());
    let connection = database::open(&server.database());
    database::is_sound(&connection);
    assert!(database::version(&connection) > 1);
    drop(connection);
    // Once is enough.
    server.restart();
    old.is_served_by(&server).await;
}

pub(crate) async fn a_migration_that_is_killed_leaves_the_old_or_the_new() -> Outcome {
    let old = Old::new();
    let mut server = ServerProgram::prepare(&["--no-rate-limits"]);
    let Some(shim) = Shim::build(server.folder()) else {
        return Outcome::Skipped("there is no C compiler here");
    };
    let mut versions = std::collections::BTreeSet::new();
    let step = many(5, 1);
    for operation in (1..).step_by(step) {
        old.copy_to(server.data());
        shim.kills(&mut server, operation);
        let serves = server.try_restart();
        server.kill();
        server.unset_all();
        if !serves {
            versions.insert(old.look_into(&server.database()));
        }
        if serves || operation % (4 * step) == 1 {
            server.restart();
            old.is_served_by(&server).await;
            server.kill();
        }
        if serves {
            assert!(operation > 20, "the migration does nothing to the disk");
            break;
        }
    }
    assert_eq!(versions.len(), 2, "killed before or after, never between");
    Outcome::Done
}

pub(crate) async fn a_migration_in_a_power_cut_leaves_the_old_or_the_new() -> Outcome {
    let old = Old::new();
    let mut server = ServerProgram::prepare(&["--no-rate-limits"]);
    let Some(shim) = Shim::build(server.folder()) else {
        return Outcome::Skipped("there is no C compiler here");
    };
    old.copy_to(server.data());
    let mut disk = Disk::from_folder(server.data());
    shim.records(&mut server, 0);
    server.restart();
    server.kill();
    server.unset_all();

    let records = read_log(shim.log());
    let mut chance = Chance::new(19);
    let wanted = many(60, 400) / Fate::ALL.len();
    let step = (records.len() / wanted).max(1);
    let mut states = 0;
    for (index, record) in records.iter().enumerate() {
        disk.apply(record);
        if index % step != 0 {
            continue;
        }
        for fate in Fate::ALL {
            clear(server.data());
            disk.after_power_cut(fate, &mut chance, server.data());
            old.look_into(&server.database());
            if states % 6 == 0 {
                server.restart();
                old.is_served_by(&server).await;
                server.kill();
            }
            states += 1;
        }
    }
    Outcome::Done
}

/// The old database, and what is in it.
struct Old {
    folder: TempDir,
    dump: Vec<String>,
    users: Vec<(i64, String)>,
    messages: Vec<(i64, i64, String, i64)>,
}

impl Old {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let connection = Connection::open(folder.path().join("server.db")).expect("a database");
        connection.execute_batch(V1).expect("the fixture");
        // Sessions end after some weeks; these are of today.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("after 1970").as_millis().to_string();
        connection
            .execute(
                "UPDATE sessions SET created_ms = CAST(?1 AS INTEGER)",
                [now],
            )
            .expect("updated");
        let users = connection
            .prepare("SELECT id, public_id FROM users ORDER BY id")
            .and_then(|mut users| {
                let rows = users.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect()
            })
            .expect("users");
        let messages = connection
            .prepare("SELECT sender, recipient, content, at_ms FROM messages ORDER BY id")
            .and_then(|mut messages| {
                let rows = messages.query_map([], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?;
                rows.collect()
            })
            .expect("messages");
        Self {
            dump: dump(&connection),
            users,
            messages,
            folder,
        }
    }

    /// Puts a copy where a server will look for it.
    fn copy_to(&self, data: &Path) {
        clear(data);
        let from = self.folder.path().join("server.db");
        fs::copy(from, data.join("server.db")).expect("copied");
    }

    /// What a server made of it after it was stopped somewhere; gives the version.
    fn look_into(&self, path: &Path) -> i64 {
        let connection = database::open(path);
        database::is_sound(&connection);
        let version = database::version(&connection);
        if version == 1 {
            assert_eq!(dump(&connection), self.dump, "neither old nor new");
        } else {
            assert!(version > 1, "no version");
            let backup = database::open(&path.with_extension("db.v1"));
            assert_eq!(dump(&backup), self.dump, "the backup came too late");
            for left in ["users_1", "sessions_1", "messages_1"] {
                assert!(
                    !database::has_table(&connection, left),
                    "neither old nor new"
                );
            }
            let mut texts = database::texts(&connection);
            let messages = self.messages.iter();
            let mut expected: Vec<_> = messages.map(|(_, _, text, _)| text.clone()).collect();
            texts.sort();
            expected.sort();
            assert_eq!(texts, expected);
        }
        version
    }

    /// Everybody comes back by the old session, and has everything in order.
    async fn is_served_by(&self, server: &ServerProgram) {
        for (key, public_id) in &self.users {
            let session = SessionId::new(key.to_string().repeat(64));
            let account = Account::new(UserId::new(public_id), session);
            let device = Device::resumes(&server.url(), &account).await;
            assert_eq!(device.user().as_str(), public_id);
            assert!(device.hello().resumed);
            let inbox = device.inbox().await;
            inbox.is_whole();
            self.is_inbox_of(*key, &inbox);
            for (_, peer) in &self.users {
                let peer = UserId::new(peer);
                let history = device.history(&peer).await;
                let ids: Vec<_> = history.iter().map(|message| message.stamp.id).collect();
                assert_eq!(ids, inbox.conversation(&peer));
            }
        }
    }

    fn is_inbox_of(&self, key: i64, inbox: &Inbox) {
        let public = |key: i64| {
            let user = self.users.iter().find(|(user, _)| *user == key);
            UserId::new(&user.expect("a user").1)
        };
        let expected: Vec<_> = self
            .messages
            .iter()
            .filter(|(from, to, ..)| [*from, *to].contains(&key))
            .map(|(from, to, text, at)| (public(*from), public(*to), text.clone(), *at))
            .collect();
        let seen = |message: &StampedMessage| {
            let StampedMessage {
                from, to, content, ..
            } = message.clone();
            (from, to, content, message.stamp.ts)
        };
        let found: Vec<_> = inbox.messages.iter().map(seen).collect();
        assert_eq!(found, expected);
    }
}

fn clear(data: &Path) {
    match fs::remove_dir_all(data) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
        _ => fs::create_dir_all(data).expect("a folder"),
    }
}

/// The schema and every row, as text.
fn dump(connection: &Connection) -> Vec<String> {
    let mut lines = rows(
        connection,
        "SELECT type, name, sql FROM sqlite_schema ORDER BY name",
    );
    for table in ["users", "sessions", "messages"] {
        lines.extend(rows(
            connection,
            &format!("SELECT * FROM {table} ORDER BY 1"),
        ));
    }
    lines
}

fn rows(connection: &Connection, query: &str) -> Vec<String> {
    let mut statement = connection.prepare(query).expect("a query");
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns)
            .map(|column| Ok(format!("{:?}", row.get_ref(column)?)))
            .collect::<Result<Vec<_>, rusqlite::Error>>()
    });
    rows.expect("rows")
        .map(|row| row.expect("a row").join(" "))
        .collect()
}
