//! Copies: made beside a server, and put in its place.

use std::{fs, path::Path};

use rusqlite::Connection;

use super::world::{World, open, session};
use crate::storage::{
    StorageError, UserKey, back_up, database_in, migrations::MIGRATIONS, restore,
};

fn data(world: &World) -> std::path::PathBuf {
    world.folder.as_ref().expect("folder").path().join("data")
}

fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("folder");
    let mut names: Vec<_> = files
        .map(|file| file.expect("file").file_name().into_string().expect("name"))
        .collect();
    names.sort();
    names
}

/// Two users, a message, and a copy of that.
fn copied() -> (World, [UserKey; 2], tempfile::TempDir) {
    let mut world = World::on_disk();
    let users = [world.user("Ann"), world.user("Bob")];
    world.says(users[0], users[1], "before");
    let elsewhere = tempfile::tempdir().expect("folder");
    let copy = elsewhere.path().join("copy.db");
    back_up(&database_in(&data(&world)), &copy).expect("copied");
    (world, users, elsewhere)
}

#[test]
fn a_copy_is_made_beside_a_server_and_is_private() {
    let (mut world, [ann, bob], elsewhere) = copied();
    assert_eq!(names(elsewhere.path()), ["copy.db"]);
    let copy = elsewhere.path().join("copy.db");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let rights = fs::metadata(&copy).expect("copy").permissions().mode();
        assert_eq!(rights & 0o777, 0o600);
    }
    world.says(ann, bob, "after");
    assert_eq!(world.inbox(bob).rows.len(), 2);
    let connection = Connection::open(&copy).expect("copy");
    let messages: i64 = connection
        .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
        .expect("count");
    assert_eq!(messages, 1);
}

#[test]
fn a_copy_replaces_nothing_and_leaves_nothing_half_done() {
    let (world, _, elsewhere) = copied();
    let database = database_in(&data(&world));
    let copy = elsewhere.path().join("copy.db");
    let before = fs::read(&copy).expect("copy");
    assert!(matches!(
        back_up(&database, &copy),
        Err(StorageError::Exists(_))
    ));
    assert!(fs::read(&copy).expect("copy") == before);
    let nowhere = elsewhere.path().join("none/copy.db");
    assert!(back_up(&database, &nowhere).is_err());
    let none = elsewhere.path().join("no.db");
    assert!(back_up(&none, &elsewhere.path().join("other.db")).is_err());
    // What an attempt that was killed left behind is no hindrance.
    fs::write(elsewhere.path().join("third.db.unfinished"), "half").expect("file");
    back_up(&database, &elsewhere.path().join("third.db")).expect("copied");
    assert_eq!(names(elsewhere.path()), ["copy.db", "third.db"]);
}

#[test]
fn a_copy_is_put_in_place_of_the_data() {
    let (mut world, [ann, bob], elsewhere) = copied();
    let identity = world.storage.identity().expect("identity");
    world.says(ann, bob, "lost");
    let folder = data(&world);
    let copy = elsewhere.path().join("copy.db");
    assert!(matches!(
        restore(&folder, &copy),
        Err(StorageError::InUse(_))
    ));
    let World {
        storage,
        folder: kept,
        ..
    } = world;
    drop(storage);
    let before = restore(&folder, &copy).expect("restored").expect("kept");
    assert!(before.ends_with("server.db.before-restore-1"));
    assert_eq!(
        names(&folder),
        [
            "server.ballast",
            "server.db",
            "server.db.before-restore-1",
            "server.lock"
        ]
    );
    let mut storage = open(kept.as_ref().expect("folder"));
    use crate::storage::Storage;
    let restored = storage.identity().expect("identity");
    assert_eq!(restored.server_id, identity.server_id);
    assert_ne!(restored.epoch, identity.epoch);
    assert_eq!(storage.sync(bob, 0, 9, 9_999).expect("page").rows.len(), 1);
    assert!(
        storage
            .session(&session("Ann"), 0)
            .expect("session")
            .is_some()
    );
    drop(storage);
    // What was there is whole, and can come back the same way.
    let again = restore(&folder, &before).expect("restored").expect("kept");
    assert!(again.ends_with("server.db.before-restore-2"));
    let mut storage = open(kept.as_ref().expect("folder"));
    assert_eq!(storage.sync(bob, 0, 9, 9_999).expect("page").rows.len(), 2);
}

#[test]
fn what_another_database_left_behind_does_not_get_into_a_copy() {
    let (mut world, [ann, bob], elsewhere) = copied();
    world.says(ann, bob, "later than the copy");
    let folder = data(&world);
    let log = fs::read(folder.join("server.db-wal")).expect("a log");
    let World {
        storage,
        folder: kept,
        ..
    } = world;
    drop(storage);
    let kept = kept.expect("folder");
    // As if a restore had been killed halfway, and somebody had removed the database.
    fs::write(folder.join("server.db.restored-wal"), &log).expect("written");
    fs::write(folder.join("server.db-wal"), &log).expect("written");
    fs::remove_file(folder.join("server.db")).expect("removed");
    let copy = elsewhere.path().join("copy.db");
    assert_eq!(restore(&folder, &copy).expect("restored"), None);
    assert_eq!(
        names(&folder),
        ["server.ballast", "server.db", "server.lock"]
    );
    let mut storage = open(&kept);
    use crate::storage::Storage;
    assert_eq!(storage.sync(bob, 0, 9, 9_999).expect("page").rows.len(), 1);
}

#[test]
fn an_empty_folder_takes_a_copy() {
    let (_world, [_, bob], elsewhere) = copied();
    let home = tempfile::tempdir().expect("folder");
    let kept = restore(&home.path().join("data"), &elsewhere.path().join("copy.db"));
    assert_eq!(kept.expect("restored"), None);
    let mut storage = open(&home);
    use crate::storage::Storage;
    assert_eq!(storage.sync(bob, 0, 9, 9_999).expect("page").rows.len(), 1);
}

#[test]
fn what_is_no_copy_changes_nothing() {
    let (world, _, elsewhere) = copied();
    let folder = data(&world);
    let World {
        storage,
        folder: _kept,
        ..
    } = world;
    drop(storage);
    let before = (
        names(&folder),
        fs::read(database_in(&folder)).expect("database"),
    );
    let good = fs::read(elsewhere.path().join("copy.db")).expect("copy");
    let bad = elsewhere.path().join("bad.db");

    fs::write(&bad, "not a database at all").expect("file");
    let refused = |path: &Path| match restore(&folder, path) {
        Err(StorageError::NotACopy { .. } | StorageError::Newer { .. }) => {}
        other => panic!("{other:?}"),
    };
    refused(&bad);
    fs::write(&bad, "").expect("file");
    refused(&bad);
    // A page of zeros in the middle.
    let mut damaged = good.clone();
    damaged[3 * 4096..4 * 4096].fill(0);
    fs::write(&bad, damaged).expect("file");
    refused(&bad);
    // Cut short.
    fs::write(&bad, &good[..good.len() / 2]).expect("file");
    refused(&bad);
    let change = |sql: &str| {
        fs::write(&bad, &good).expect("file");
        let connection = Connection::open(&bad).expect("copy");
        connection.execute_batch(sql).expect("changed");
        drop(connection);
        refused(&bad);
    };
    change(&format!("PRAGMA user_version = {}", MIGRATIONS.len() + 1));
    change("PRAGMA foreign_keys = 0; DELETE FROM users");
    change("DROP TABLE messages");
    assert!(restore(&folder, &elsewhere.path().join("none.db")).is_err());
    assert_eq!(before.0, names(&folder));
    assert!(before.1 == fs::read(database_in(&folder)).expect("database"));
}
