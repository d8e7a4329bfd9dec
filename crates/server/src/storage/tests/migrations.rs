//! Databases of older and newer versions.

use std::{fs, path::Path};

use parlour_protocol::{SessionId, pm::MessageId};
use rusqlite::Connection;

use super::world::{ALL, texts};
use crate::{
    identity::SessionHash,
    storage::{
        DataFolder, Page, Sqlite, Storage, StorageError, UserKey,
        migrations::{self, MIGRATIONS},
    },
};

const NEXT: &[&str] = &[
    MIGRATIONS[0],
    MIGRATIONS[1],
    "CREATE TABLE next (a INTEGER) STRICT;",
];

/// What the first version could hold: ids with gaps, two conversations that
/// interleave, a note to oneself, somebody who never wrote, times out of order.
const OLD: &str = "
    INSERT INTO users VALUES
        (1, 'a', 'Ann', 100), (2, 'b', 'Bob', 200), (4, 'c', 'Cat', 300), (5, 'd', 'Ann', 400);
    INSERT INTO sessions VALUES
        (x'0000000000000000000000000000000000000000000000000000000000000001', 1, 100);
    INSERT INTO messages (id, sender, recipient, content, at_ms) VALUES
        (1, 1, 2, 'one', 1700000000000), (2, 4, 2, 'two', 5), (3, 2, 1, 'three', -7),
        (7, 2, 2, 'note', 9223372036854775807), (8, 1, 2, 'four', 8), (9, 4, 1, 'five', 9);";

fn old_database(path: &Path) {
    let mut connection = Connection::open(path).expect("database");
    migrations::prepare(&connection).expect("prepared");
    migrations::migrate(&mut connection, &MIGRATIONS[..1], &mut || {}).expect("version 1");
    connection.execute_batch(OLD).expect("rows");
}

fn version(path: &Path) -> u32 {
    let connection = Connection::open(path).expect("database");
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0));
    version.expect("version")
}

fn open(folder: &Path) -> Sqlite {
    Sqlite::open(DataFolder::open(folder).expect("folder")).expect("storage")
}

fn numbered(page: &Page) -> Vec<(u64, String)> {
    assert!(page.complete);
    texts(page)
}

#[test]
fn messages_of_the_first_version_get_numbers_and_ids() {
    let folder = tempfile::tempdir().expect("folder");
    old_database(&folder.path().join("server.db"));
    let mut storage = open(folder.path());

    let users = storage.users().expect("users");
    let seen: Vec<_> = users
        .iter()
        .map(|user| {
            (
                user.key.0,
                user.id.as_str(),
                user.last_seen_ms,
                user.last_seq,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (1, "a", 100, 4),
            (2, "b", 200, 5),
            (4, "c", 300, 2),
            (5, "d", 400, 0)
        ]
    );
    let [ann, bob, cat] = [1, 2, 4].map(UserKey);
    let expected = |texts: &[&str]| -> Vec<(u64, String)> {
        let numbers = (1..).zip(texts.iter());
        numbers
            .map(|(seq, text)| (seq, (*text).to_owned()))
            .collect()
    };
    let inboxes = [
        (ann, &["one", "three", "four", "five"][..]),
        (bob, &["one", "two", "three", "note", "four"]),
        (cat, &["two", "five"]),
    ];
    for (user, texts) in inboxes {
        let page = storage.sync(user, 0, ALL, ALL).expect("page");
        assert_eq!(numbered(&page), expected(texts));
    }
    let page = storage.history(bob, ann, None, 9, ALL).expect("page");
    let texts = texts(&page);
    assert_eq!(
        texts,
        [(1, "one"), (3, "three"), (5, "four")].map(|(seq, text)| (seq, text.to_owned()))
    );
    let inbox = storage.sync(bob, 0, ALL, ALL).expect("page").rows;
    let mut ids: Vec<String> = inbox.iter().map(|row| row.id.to_string()).collect();
    for id in &ids {
        id.parse::<MessageId>().expect("an id of the usual form");
    }
    assert!(ids[0].starts_with("018bcfe5-6800-7"), "{}", ids[0]);
    assert_eq!(inbox[2].at_ms, -7);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);

    // Nothing of the past is unread, and nobody is told that it was read.
    let summaries = storage.summaries(bob, ALL).expect("summaries");
    assert_eq!(summaries.len(), 3);
    for summary in summaries {
        assert_eq!((summary.unread, summary.received, summary.read), (0, 0, 0));
    }
    // The session holds, and a name belongs to the first who had it.
    let sessions = storage.sessions_of(ann).expect("sessions");
    assert_eq!(sessions.len(), 1);
    let name = parlour_protocol::Username::parse("ANN").expect("a name");
    let owner = storage.owner_of(&crate::admission::Skeleton::of(&name));
    assert_eq!(owner.expect("owner"), Some(ann));
    let unknown = SessionHash::of(&SessionId::new("x"));
    assert_eq!(storage.session(&unknown, 0).expect("session"), None);
}

#[test]
fn an_older_database_is_copied_first() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("server.db");
    old_database(&path);
    drop(migrations::open(&path, MIGRATIONS).expect("version 2"));
    assert_eq!(version(&path), 2);
    let copy = folder.path().join("server.db.v1");
    assert_eq!(version(&copy), 1);
    let count: i64 = Connection::open(&copy)
        .expect("copy")
        .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
        .expect("count");
    assert_eq!(count, 6);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let rights = fs::metadata(&copy).expect("copy").permissions().mode();
        assert_eq!(rights & 0o777, 0o600);
    }
}

#[test]
fn a_new_database_is_not_copied() {
    let folder = tempfile::tempdir().expect("folder");
    drop(open(folder.path()));
    let names = fs::read_dir(folder.path()).expect("folder");
    for name in names {
        let name = name.expect("file").file_name();
        assert!(!name.to_string_lossy().contains(".v"), "{name:?}");
    }
}

#[test]
fn a_newer_database_is_refused_untouched() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("server.db");
    drop(migrations::open(&path, NEXT).expect("version 3"));
    let before = fs::read(&path).expect("file");
    let held = DataFolder::open(folder.path()).expect("folder");
    assert!(matches!(
        Sqlite::open(held),
        Err(StorageError::Newer { found: 3, known: 2 })
    ));
    assert!(before == fs::read(&path).expect("file"));
}

#[test]
fn a_step_that_fails_leaves_the_version_before_it() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("server.db");
    let broken = &[
        MIGRATIONS[0],
        MIGRATIONS[1],
        "CREATE TABLE next (a INTEGER); NOT SQL;",
    ];
    drop(migrations::open(&path, MIGRATIONS).expect("version 2"));
    assert!(migrations::open(&path, broken).is_err());
    let connection = migrations::open(&path, MIGRATIONS).expect("still version 2");
    assert!(!connection.table_exists(None, "next").expect("tables"));
}

#[test]
fn a_file_that_is_no_database_is_refused_untouched() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("server.db");
    let text = "not a database ".repeat(1_000);
    fs::write(&path, &text).expect("file");
    let held = DataFolder::open(folder.path()).expect("folder");
    assert!(matches!(Sqlite::open(held), Err(StorageError::Database(_))));
    assert_eq!(fs::read_to_string(&path).expect("file"), text);
}

/// What a migration that is killed before each of its statements leaves on
/// disk: opened, it is the old version, whole, or the new one, whole.
#[test]
fn a_migration_that_is_killed_leaves_the_old_version_or_the_new_one() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("server.db");
    old_database(&path);
    let images = tempfile::tempdir().expect("folder");
    let mut count = 0;
    let mut keep_image = || {
        let image = images.path().join(format!("{count:03}"));
        fs::create_dir(&image).expect("folder");
        for file in fs::read_dir(folder.path()).expect("folder") {
            let file = file.expect("file");
            // The index of the log is memory, which a kill does not outlive.
            if !file.file_name().to_string_lossy().ends_with("-shm") {
                fs::copy(file.path(), image.join(file.file_name())).expect("copy");
            }
        }
        count += 1;
    };
    let mut connection = Connection::open(&path).expect("database");
    migrations::prepare(&connection).expect("prepared");
    // So that what is not committed is on disk as well.
    connection
        .pragma_update(None, "cache_size", 1)
        .expect("set");
    migrations::migrate(&mut connection, MIGRATIONS, &mut keep_image).expect("migrated");
    keep_image();
    drop(connection);
    assert!(count > 30, "{count} statements");

    let mut unfinished = 0;
    let mut versions = Vec::new();
    for number in 0..count {
        let image = images.path().join(format!("{number:03}"));
        let log = fs::metadata(image.join("server.db-wal")).map_or(0, |log| log.len());
        unfinished += u32::from(log > 40_000);
        versions.push(version(&image.join("server.db")));
        let mut storage = open(&image);
        assert_eq!(storage.users().expect("users").len(), 4);
        let page = storage.sync(UserKey(2), 0, ALL, ALL).expect("page");
        assert_eq!(page.rows.len(), 5, "image {number}");
        drop(storage);
        let connection = Connection::open(image.join("server.db")).expect("database");
        let verdict: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .expect("checked");
        assert_eq!(verdict, "ok");
        assert!(!connection.table_exists(None, "users_1").expect("tables"));
    }
    assert!(unfinished > 10, "{unfinished} with something on disk");
    let last = versions.pop();
    assert_eq!(last, Some(2));
    assert!(versions.iter().all(|version| *version == 1), "{versions:?}");
}
