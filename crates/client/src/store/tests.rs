use super::*;
use crate::{ServerOptions, view::Delivery};

use parlour_protocol::UserId;

fn theirs<'a>(peer: &'a UserId, content: &'a str) -> NewMessage<'a> {
    NewMessage {
        peer,
        mine: false,
        content,
        at: Some(1),
        delivery: None,
        evidence: Evidence::History,
        uid: None,
        seq: None,
    }
}

fn queued<'a>(peer: &'a UserId, content: &'a str) -> NewMessage<'a> {
    NewMessage {
        peer,
        mine: true,
        content,
        at: Some(2),
        delivery: Some(Delivery::Queued),
        evidence: Evidence::None,
        uid: None,
        seq: None,
    }
}

fn account(store: &Store, user_id: &str) -> AccountId {
    store
        .enter_account("http://s", Some(&user_id.into()), "Alice")
        .expect("an account")
        .id
}

#[test]
fn what_is_written_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let bob = UserId::from("b");
    {
        let store = Store::open(folder.path()).expect("open");
        let account = account(&store, "a");
        store.put_user(account, &bob, "Bob").expect("user");
        store
            .append(account, &queued(&bob, "hello"))
            .expect("message");
    }
    let store = Store::open(folder.path()).expect("open again");
    let account = store.current_account().expect("read").expect("an account");
    assert_eq!(
        (account.server.as_str(), account.username.as_str()),
        ("http://s", "Alice")
    );
    let pending = store.pending(account.id).expect("pending");
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].content, "hello");
}

#[cfg(unix)]
#[test]
fn nobody_else_may_enter_the_folder_or_read_a_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("open");
    account(&store, "a");
    let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode(folder.path()), 0o700);
    let files: Vec<_> = fs::read_dir(folder.path())
        .expect("a folder")
        .map(|file| file.expect("a file").path())
        .collect();
    assert!(files.len() > 1, "the write-ahead log is there too");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_newer_file_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(FILE);
    Connection::open(&path)
        .expect("file")
        .pragma_update(None, "user_version", 99)
        .expect("version");
    let before = fs::read(&path).expect("read");
    assert!(matches!(
        Store::open(folder.path()),
        Err(StoreError::Newer { found: 99, .. })
    ));
    assert_eq!(fs::read(&path).expect("read"), before);
}

#[test]
fn unread_is_counted_until_it_is_read() {
    let store = Store::in_memory();
    let account = account(&store, "a");
    let bob = UserId::from("b");
    store.put_user(account, &bob, "Bob").expect("user");
    for content in ["one", "two"] {
        store
            .append(account, &theirs(&bob, content))
            .expect("message");
    }
    store
        .append(account, &queued(&bob, "mine"))
        .expect("message");
    let summary = store.summary(account, &bob).expect("summary");
    assert_eq!(summary.unread, 2);
    assert_eq!(summary.last_message.expect("last").content, "mine");
    assert!(store.mark_read(account, &bob).expect("mark"));
    assert!(!store.mark_read(account, &bob).expect("mark again"));
    assert_eq!(store.summary(account, &bob).expect("summary").unread, 0);
    store.put_user(account, &bob, "Robert").expect("rename");
    assert_eq!(
        store.summary(account, &bob).expect("summary").unread,
        0,
        "a new name is no news"
    );
}

#[test]
fn the_queue_of_a_forgotten_identity_is_held_for_the_next() {
    let store = Store::in_memory();
    let bob = UserId::from("b");
    let old = account(&store, "old");
    store.put_user(old, &bob, "Bob").expect("user");
    let message = store
        .append(old, &queued(&bob, "still here"))
        .expect("message");
    store.hold_queue(old).expect("hold");

    let new = account(&store, "new");
    assert_eq!(
        store.pending(new).expect("pending"),
        [],
        "nothing is sent by itself"
    );
    let held = store
        .message(new, message.id)
        .expect("read")
        .expect("it came along");
    assert_eq!(held.delivery, Some(Delivery::Held));
    assert_eq!(store.users(new).expect("users")[0].username, "Bob");
}

#[test]
fn what_was_on_its_way_when_the_identity_ended_is_unsure_not_held() {
    let store = Store::in_memory();
    let bob = UserId::from("b");
    let old = account(&store, "old");
    let message = store.append(old, &queued(&bob, "flying")).expect("message");
    store.set_sending(message.id, None).expect("sending");
    store.hold_queue(old).expect("hold");

    let new = account(&store, "new");
    let message = store.message(new, message.id).expect("read");
    assert_eq!(
        message.expect("it came along").delivery,
        Some(Delivery::Unsure),
        "it may have arrived"
    );
}

#[test]
fn the_queue_of_another_identity_is_left_alone() {
    let store = Store::in_memory();
    let bob = UserId::from("b");
    let old = account(&store, "old");
    store
        .append(old, &queued(&bob, "mine alone"))
        .expect("message");
    let new = account(&store, "new");
    assert_eq!(store.conversation(new, &bob).expect("conversation"), []);
    assert_eq!(store.pending(old).expect("pending").len(), 1);
}

#[test]
fn a_failed_transaction_leaves_nothing() {
    let store = Store::in_memory();
    let account = account(&store, "a");
    let bob = UserId::from("b");
    let result: Result<()> = store.atomically(|store| {
        store.append(account, &queued(&bob, "half"))?;
        Err(StoreError::Newer { found: 0, known: 0 })
    });
    assert!(result.is_err());
    assert_eq!(store.conversation(account, &bob).expect("conversation"), []);
}

#[test]
fn a_file_of_the_release_before_is_taken_over() {
    let folder = tempfile::tempdir().expect("a folder");
    {
        let connection = Connection::open(folder.path().join(FILE)).expect("file");
        connection
            .execute_batch(schema::MIGRATIONS[0])
            .expect("the first format");
        connection
            .execute_batch(
                "PRAGMA user_version = 1;
                 INSERT INTO accounts (id, server, user_id, username) VALUES (1, 'http://s', 'a', 'Alice');
                 INSERT INTO meta VALUES ('current_account', '1');
                 INSERT INTO messages (account, peer, position, mine, content, delivery, evidence) VALUES
                 (1, 'b', 1, 1, 'counted', 2, 3), (1, 'b', 2, 0, 'theirs', NULL, 3),
                 (1, 'b', 3, 0, 'gone', NULL, 4), (1, 'b', 4, 1, 'flying', 1, 0), (1, 'b', 5, 1, 'waiting', 0, 0);",
            )
            .expect("rows");
    }
    let store = Store::open(folder.path()).expect("open");
    let account = store.current_account().expect("read").expect("an account");
    assert_eq!(
        store.inbox(account.id).expect("inbox"),
        InboxState::default()
    );
    let pending = store.pending(account.id).expect("pending");
    assert_eq!(pending.len(), 2);
    assert!(pending.iter().all(|message| message.uid.is_none()));
    let mut claims = store.claims(account.id).expect("claims");
    let bob = UserId::from("b");
    for (mine, content, claimed) in [
        (true, "counted", true),
        (true, "counted", false),
        (false, "counted", false),
        (false, "theirs", true),
        (false, "gone", false),
        (true, "flying", true),
        (true, "waiting", false),
    ] {
        let id = claims.take(&bob, mine, content);
        assert_eq!(id.is_some(), claimed, "{content}");
    }
}

#[test]
fn transactions_within_each_other_are_one() {
    let store = Store::in_memory();
    let account = account(&store, "a");
    let bob = UserId::from("b");
    let result: Result<()> = store.atomically(|store| {
        store.atomically(|store| store.append(account, &queued(&bob, "inner")))?;
        Err(StoreError::Newer { found: 0, known: 0 })
    });
    assert!(result.is_err());
    assert_eq!(store.conversation(account, &bob).expect("conversation"), []);
    store
        .atomically(|store| store.append(account, &queued(&bob, "next")))
        .expect("it is over");
}

#[test]
fn how_a_server_is_reached_is_kept_with_the_account() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = ServerOptions {
        path: Some("/chat/".into()),
        ..ServerOptions::default()
    };
    let store = Store::open(folder.path()).expect("open");
    let id = account(&store, "a");
    store.set_options(id, "http://other", &options).expect("ok");
    let kept = || store.current_account().map(|account| account.expect("one"));
    assert_eq!(
        kept().expect("an account").options,
        ServerOptions::default()
    );
    store.set_options(id, "http://s", &options).expect("ok");
    assert_eq!(kept().expect("an account").options, options);

    // What cannot be read is not taken for "nothing chosen".
    let spoilt = "UPDATE accounts SET options = '{\"pin\": 7}'";
    store.connection.execute_batch(spoilt).expect("written");
    assert!(kept().is_err());
}
