//! What is particular to SQLite: indexes, failures, files.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::{Sqlite, message, reader, receipts};
use crate::storage::{
    DataFolder, Placed, Refusal, Storage, StorageError, UserKey, Write, Written,
    tests::world::{ALL, World, id, new_message, new_user, open, session},
};

fn plan(storage: &Sqlite, sql: &str) -> Vec<String> {
    let mut statement = storage
        .connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .expect("plan");
    let numbers = vec![1; statement.parameter_count()];
    let params = rusqlite::params_from_iter(numbers);
    let plan = statement.query_map(params, |row| row.get(3)).expect("plan");
    plan.collect::<Result<_, _>>().expect("plan")
}

#[test]
fn nothing_that_a_client_asks_reads_a_whole_table() {
    let folder = tempfile::tempdir().expect("folder");
    let storage = open(&folder);
    for sql in [
        reader::OVERVIEW,
        reader::OVERVIEWS,
        reader::SYNC,
        reader::NEWEST,
        receipts::WRITERS,
        message::REPEATED,
        message::LAST_SPOT,
        "SELECT min(key) FROM users WHERE skeleton = ?1",
        "SELECT * FROM sessions WHERE user = ?1 ORDER BY created_ms, hash",
        "DELETE FROM sessions WHERE last_used_ms < ?1",
    ] {
        let plan = plan(&storage, sql).join("\n");
        assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
    }
    // In the order of a key: what is not asked for is not looked at.
    for sql in [reader::SYNC, reader::NEWEST, message::LAST_SPOT] {
        let plan = plan(&storage, sql).join("\n");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }
    let users = plan(&storage, reader::USERS);
    let scans = users.iter().filter(|line| line.contains("SCAN"));
    assert_eq!(scans.collect::<Vec<_>>(), ["SCAN users"]);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_data() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("folder");
    let path = home.path().join("new/data");
    let storage = Sqlite::open(DataFolder::open(&path).expect("folder")).expect("storage");
    let mode = |path: &Path| {
        let metadata = fs::metadata(path).expect("metadata");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&path), 0o700);
    let files: Vec<_> = fs::read_dir(&path)
        .expect("folder")
        .map(|file| file.expect("file").path())
        .collect();
    assert!(files.iter().any(|file| file.ends_with("server.db-wal")));
    assert!(files.iter().any(|file| file.ends_with("server.ballast")));
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    drop(storage);
}

#[test]
fn a_folder_is_served_once() {
    let folder = tempfile::tempdir().expect("folder");
    let storage = open(&folder);
    let path = folder.path().join("data");
    assert!(matches!(
        DataFolder::open(&path),
        Err(StorageError::InUse(_))
    ));
    drop(storage);
    DataFolder::open(&path).expect("free again");
}

/// A world on disk and the engine itself, to do things to it.
fn two_users() -> (Sqlite, tempfile::TempDir, [UserKey; 2]) {
    let folder = tempfile::tempdir().expect("folder");
    let mut storage = open(&folder);
    let users = sign_in(&mut storage, ["Ann", "Bob"]);
    (storage, folder, users)
}

fn sign_in<const N: usize>(storage: &mut dyn Storage, names: [&str; N]) -> [UserKey; N] {
    names.map(|name| {
        let write = Write::NewUser(Box::new(new_user(name)));
        match storage.commit(&[write]).expect("commit")[..] {
            [Written::User(key)] => key,
            _ => panic!("no user"),
        }
    })
}

fn say(
    storage: &mut dyn Storage,
    from: UserKey,
    to: UserKey,
    number: u64,
    content: &str,
) -> Result<Placed, StorageError> {
    let write = Write::Message(new_message(from, to, id(number), content));
    match storage.commit(&[write])?[..] {
        [Written::Message(placed)] => Ok(placed),
        _ => panic!("refused"),
    }
}

#[test]
fn a_batch_that_fails_leaves_nothing_and_the_next_one_works() {
    let (mut storage, folder, [ann, bob]) = two_users();
    say(&mut storage, ann, bob, 1, "before").expect("stored");
    let failing = "CREATE TEMP TRIGGER fails BEFORE INSERT ON main.inbox WHEN new.place & 0xff = 3
                   BEGIN SELECT raise(ABORT, 'a fault'); END";
    storage.connection.execute_batch(failing).expect("trigger");
    let batch = [2, 3].map(|number| Write::Message(new_message(ann, bob, id(number), "lost")));
    let failed = storage.commit(&batch);
    assert!(
        matches!(failed, Err(StorageError::Database(_))),
        "{failed:?}"
    );
    assert!(storage.connection.is_autocommit());
    let drop_it = "DROP TRIGGER fails";
    storage.connection.execute_batch(drop_it).expect("trigger");
    let placed = say(&mut storage, ann, bob, 2, "after").expect("stored");
    assert_eq!((placed.from_seq, placed.to_seq, placed.dup), (2, 2, false));
    drop(storage);
    let mut storage = open(&folder);
    let page = storage.sync(bob, 0, 9, ALL).expect("page");
    let texts: Vec<_> = page.rows.iter().map(|row| &*row.content).collect();
    assert_eq!(texts, ["before", "after"]);
}

#[test]
fn what_was_committed_is_there_after_a_crash() {
    let (mut storage, folder, [ann, bob]) = two_users();
    say(&mut storage, ann, bob, 1, "kept").expect("stored");
    // What the disk holds while the process runs is what a crash leaves.
    let image = tempfile::tempdir().expect("folder");
    let (from, to) = (folder.path().join("data"), image.path().join("data"));
    fs::create_dir(&to).expect("folder");
    for name in ["server.db", "server.db-wal"] {
        fs::copy(from.join(name), to.join(name)).expect("copy");
    }
    let mut recovered = open(&image);
    assert_eq!(recovered.sync(bob, 0, 9, ALL).expect("page").rows.len(), 1);
    assert_eq!(
        say(&mut recovered, ann, bob, 2, "x")
            .expect("stored")
            .to_seq,
        2
    );
}

#[test]
fn closing_leaves_one_file() {
    let (mut storage, folder, [ann, bob]) = two_users();
    say(&mut storage, ann, bob, 1, "x").expect("stored");
    storage.close().expect("closed");
    let log = folder.path().join("data/server.db-wal");
    assert_eq!(fs::metadata(log).map_or(0, |file| file.len()), 0);
}

#[test]
fn deleted_text_is_not_left_in_the_files() {
    let (mut storage, folder, [ann, bob]) = two_users();
    let secret = "a text that is not to be found";
    let long = format!("{secret}{}", "x".repeat(16_000));
    say(&mut storage, ann, bob, 1, secret).expect("stored");
    say(&mut storage, ann, bob, 2, &long).expect("stored");
    storage.close().expect("closed");
    say(&mut storage, ann, bob, 3, secret).expect("stored");
    let found = || {
        ["server.db", "server.db-wal"].into_iter().any(|name| {
            let file = fs::read(folder.path().join("data").join(name)).expect("file");
            file.windows(secret.len())
                .any(|bytes| bytes == secret.as_bytes())
        })
    };
    assert!(found());
    let delete = Write::DeleteUser { user: ann };
    assert_eq!(
        storage.commit(&[delete]).expect("commit"),
        [Written::Count(3)]
    );
    assert!(!found());
}

/// Fills the storage from message `first` on until it refuses, and says which.
fn fill(storage: &mut dyn Storage, from: UserKey, to: UserKey, first: u64) -> u64 {
    let text = "x".repeat(4_000);
    (first..5_000)
        .find(|number| match say(storage, from, to, *number, &text) {
            Ok(placed) => {
                assert_eq!(placed.to_seq, *number);
                false
            }
            Err(error) => {
                assert!(error.is_full(), "{error}");
                true
            }
        })
        .expect("full at last")
}

/// What still works when there is no room.
fn check_full(storage: &mut dyn Storage, ann: UserKey, bob: UserKey, refused: u64) {
    for _ in 0..3 {
        let error = say(storage, ann, bob, refused, "x".repeat(4_000).as_str());
        assert!(error.is_err_and(|error| error.is_full()));
    }
    // Reading.
    let page = storage.sync(bob, 0, ALL, usize::MAX).expect("page");
    assert_eq!(page.rows.len() as u64, refused - 1);
    storage.summaries(ann, ALL).expect("summaries");
    assert!(
        storage
            .session(&session("Ann"), 0)
            .expect("session")
            .is_some()
    );
    // What does not grow.
    let small = [
        Write::Read {
            user: bob,
            peer: ann,
            up_to: refused - 1,
        },
        Write::UseSession {
            hash: session("Ann"),
            at_ms: 9_000,
        },
        Write::EndSession {
            hash: session("Bob"),
        },
    ];
    let written = storage.commit(&small).expect("small writes");
    assert!(matches!(&written[0], Written::Receipts(told) if told.len() == 1));
    // For as long as it takes: more than would fit into the room that was kept.
    for at_ms in 10_000..10_200 {
        let seen = Write::Seen { user: ann, at_ms };
        storage.commit(&[seen]).expect("a small write");
    }
}

#[test]
fn a_full_database_refuses_what_is_new_and_goes_on_reading() {
    let (mut storage, _folder, [ann, bob]) = two_users();
    let pages = |storage: &Sqlite, pages: u32| {
        let set = storage
            .connection
            .pragma_update(None, "max_page_count", pages);
        set.expect("limit");
    };
    pages(&storage, 100);
    let refused = fill(&mut storage, ann, bob, 1);
    assert!(storage.ballast.is_low());
    check_full(&mut storage, ann, bob, refused);
    let sign_in = Write::NewUser(Box::new(new_user("Cat")));
    // Small enough for a page that is there, or refused; never half done.
    let _ = storage.commit(&[sign_in]);
    pages(&storage, 10_000);
    storage.probe().expect("room");
    let placed = say(&mut storage, ann, bob, refused, "x").expect("stored");
    assert_eq!(placed.to_seq, refused);
    assert!(!storage.ballast.is_low());
}

/// A small file system, where this process may make one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(bytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_refuses_what_is_new_until_there_is_room() {
    let Some(disk) = SmallDisk::new(2_000_000) else {
        skipped("making a small file system needs more rights");
        return;
    };
    // Somebody else's data on the same disk.
    let other = disk.0.path().join("other");
    fs::write(&other, vec![1; 500_000]).expect("room");
    let open = || {
        let folder = DataFolder::open(&disk.0.path().join("data")).expect("folder");
        Sqlite::open(folder).expect("storage")
    };
    let mut storage = open();
    let [ann, bob] = sign_in(&mut storage, ["Ann", "Bob"]);
    let refused = fill(&mut storage, ann, bob, 1);
    assert!(refused > 50, "after {refused}");
    check_full(&mut storage, ann, bob, refused);
    assert!(storage.probe().is_err_and(|error| error.is_full()));
    // Also after the end of the process, which may have made some room.
    drop(storage);
    let mut storage = open();
    let refused = fill(&mut storage, ann, bob, refused);
    let page = storage.sync(bob, 0, ALL, usize::MAX).expect("page");
    assert_eq!(page.rows.len() as u64, refused - 1);

    fs::remove_file(&other).expect("room");
    storage.probe().expect("room");
    let text = "x".repeat(4_000);
    let placed = say(&mut storage, ann, bob, refused, &text).expect("stored");
    assert_eq!(placed.to_seq, refused);
    assert!(!storage.ballast.is_low());
    let verdict: String = storage
        .connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("checked");
    assert_eq!(verdict, "ok");
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is to know")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

#[test]
fn a_conflict_is_found_after_everything_was_forgotten() {
    let mut world = World::on_disk();
    let (ann, bob) = (world.user("Ann"), world.user("Bob"));
    let id = world.next_id();
    world.sends(ann, bob, id, "x").expect("stored");
    world.restart();
    assert_eq!(world.sends(ann, bob, id, "y"), Err(Refusal::Conflict));
    assert_eq!(world.says(bob, ann, "next").from_seq, 2);
}
