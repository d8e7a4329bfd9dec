use std::{fs, path::Path, time::Duration};

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::{
    ClientEvent, FailureCode, SessionView,
    ports::{Connecting, Target},
    secrets::MemorySecrets,
    store::Store,
};

/// For what takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Every attempt goes on for ever.
struct Nowhere;

impl Connector for Nowhere {
    fn connect(&self, _: Target) -> Connecting {
        Box::pin(std::future::pending())
    }
}

fn try_start(folder: &Path) -> Result<Accounts, AccountsError> {
    Accounts::start(AccountsConfig {
        connector: Arc::new(Nowhere),
        ..AccountsConfig::new(
            folder.to_owned(),
            "test",
            Arc::new(MemorySecrets::default()),
        )
    })
}

fn start(folder: &Path) -> Accounts {
    try_start(folder).expect("the accounts start")
}

fn keys(accounts: &Accounts) -> Vec<u32> {
    accounts.entries().iter().map(|entry| entry.key.0).collect()
}

/// Waits until the list is so.
async fn until(accounts: &Accounts, what: &str, shown: impl Fn(&[AccountEntry]) -> bool) {
    let mut list = accounts.list.clone();
    let wait = list.wait_for(|list| shown(&entries(list)));
    let waited = timeout(PATIENCE, wait).await.is_ok();
    assert!(waited, "in vain: {what}: {:?}", accounts.entries());
}

async fn until_running(accounts: &Accounts) {
    until(accounts, "all run", |list| {
        list.iter()
            .all(|entry| entry.state == AccountState::Running)
    })
    .await;
}

async fn signs_in(accounts: &Accounts, key: AccountKey, name: &str) {
    let command = Command::SignIn {
        server: "http://127.0.0.1:1".into(),
        username: name.into(),
        options: None,
    };
    accounts.dispatch(key, command).await.expect("accepted");
}

/// A database with something in it, as of a release with one account.
fn write_database(folder: &Path, name: &str) {
    let store = Store::open(folder).expect("a store");
    store
        .enter_account("http://s", Some(&"id".into()), name)
        .expect("an account");
}

/// The name in the database of an account, read past everything of ours.
fn name_in(folder: &Path) -> String {
    let database = Connection::open(folder.join("parlour.db")).expect("a database");
    database
        .query_row("SELECT username FROM accounts", [], |row| row.get(0))
        .expect("an account")
}

#[tokio::test]
async fn a_new_profile_has_one_account_which_is_used_first() {
    let folder = TempDir::new().expect("a folder");
    let accounts = start(folder.path());
    until_running(&accounts).await;
    assert_eq!(keys(&accounts), [1]);
    let first = accounts.add().await.expect("an account");
    assert_eq!(first, AccountKey(1), "nobody has used it yet");

    signs_in(&accounts, first, "Alice").await;
    let second = accounts.add().await.expect("another");
    assert_eq!(second, AccountKey(2));
    assert_eq!(accounts.add().await, Ok(second), "it is not used either");
    accounts.reorder(vec![second, first]).await.expect("done");
    for wrong in [
        vec![],
        vec![first],
        vec![first; 2],
        vec![first, AccountKey(9)],
    ] {
        assert!(accounts.reorder(wrong).await.is_err());
    }
    accounts.stop().await;
    assert!(accounts.add().await.is_err(), "it has ended");

    let accounts = start(folder.path());
    assert_eq!(keys(&accounts), [2, 1]);
    accounts.stop().await;
}

#[tokio::test]
async fn there_is_an_end_to_accounts() {
    let folder = TempDir::new().expect("a folder");
    let accounts = start(folder.path());
    for _ in 0..ACCOUNTS {
        let key = accounts.add().await.expect("an account");
        until_running(&accounts).await;
        signs_in(&accounts, key, "Alice").await;
    }
    assert_eq!(
        accounts.add().await,
        Err(RefusalCode::TooManyAccounts.into())
    );
    assert_eq!(keys(&accounts).len(), ACCOUNTS);
    accounts.stop().await;
}

#[tokio::test]
async fn a_removed_account_is_gone_and_its_key_is_not_used_again() {
    let folder = TempDir::new().expect("a folder");
    let accounts = start(folder.path());
    let first = accounts.add().await.expect("an account");
    until_running(&accounts).await;
    signs_in(&accounts, first, "Alice").await;
    accounts.remove(first, true).await.expect("removed");
    until_running(&accounts).await;
    assert_eq!(keys(&accounts), [2], "there is always one");
    let unknown = accounts.dispatch(first, Command::Reconnect).await;
    assert_eq!(unknown, Err(RefusalCode::UnknownAccount.into()));
    assert!(accounts.remove(first, false).await.is_err());
    accounts
        .remove(AccountKey(2), false)
        .await
        .expect("removed");
    until_running(&accounts).await;
    accounts.stop().await;

    // Even where the list is lost, the folders know which keys were used.
    fs::write(folder.path().join("accounts.json"), "{").expect("written");
    let accounts = start(folder.path());
    until_running(&accounts).await;
    let left = keys(&accounts);
    assert!(left == [3] || left == [4], "{left:?}");
    let kept = folder.path().join("removed/1/parlour.db");
    assert!(kept.is_file(), "put aside");
    assert!(!folder.path().join("removed/2/parlour.db").exists());
    assert!(!folder.path().join("accounts/1").exists());
    accounts.stop().await;
}

#[tokio::test]
async fn a_removal_that_was_broken_off_is_gone_on_with() {
    let folder = TempDir::new().expect("a folder");
    for key in [1, 2] {
        write_database(&folder.path().join(format!("accounts/{key}")), "Alice");
    }
    let index = r#"{"version":1,"next":3,"accounts":[{"key":1}],"leaving":[{"key":2,"keepHistory":false}]}"#;
    fs::write(folder.path().join("accounts.json"), index).expect("written");
    let accounts = start(folder.path());
    until_running(&accounts).await;
    assert_eq!(keys(&accounts), [1]);
    let index = folder.path().join("accounts.json");
    let wait = async {
        while fs::read_to_string(&index)
            .expect("the list")
            .contains("leaving")
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it is gone");
    assert!(!folder.path().join("accounts/2").exists());
    accounts.stop().await;
}

#[tokio::test]
async fn a_spoilt_list_is_made_anew_from_the_folders() {
    for spoilt in [
        "",
        "[]",
        "\u{0}",
        r#"{"version":1,"next":1,"accounts":[{"key":7}]}"#,
    ] {
        let folder = TempDir::new().expect("a folder");
        for (key, name) in [(3, "Carol"), (5, "Eve")] {
            write_database(&folder.path().join(format!("accounts/{key}")), name);
        }
        fs::create_dir_all(folder.path().join("accounts/9")).expect("an empty folder");
        fs::create_dir_all(folder.path().join("accounts/x")).expect("another's folder");
        fs::write(folder.path().join("accounts.json"), spoilt).expect("written");
        let accounts = start(folder.path());
        until_running(&accounts).await;
        assert_eq!(keys(&accounts), [3, 5], "{spoilt:?}");
        assert_eq!(accounts.add().await, Ok(AccountKey(10)));
        assert_eq!(
            fs::read_to_string(folder.path().join("accounts.json.spoilt")).expect("put aside"),
            spoilt
        );
        accounts.stop().await;
    }
}

#[test]
fn a_list_of_a_newer_version_is_left_alone() {
    let folder = TempDir::new().expect("a folder");
    let newer = r#"{"version":2,"anything":true}"#;
    fs::write(folder.path().join("accounts.json"), newer).expect("written");
    let refused = try_start(folder.path()).err().expect("refused");
    assert!(matches!(refused, AccountsError::Index(IndexError::Newer)));
    let file = fs::read_to_string(folder.path().join("accounts.json")).expect("there");
    assert_eq!(file, newer);
}

#[test]
fn two_apps_do_not_work_in_one_folder() {
    let folder = TempDir::new().expect("a folder");
    let first = start(folder.path());
    let refused = try_start(folder.path()).err().expect("refused");
    assert!(matches!(refused, AccountsError::InUse));
    drop(first);
}

#[tokio::test]
async fn an_account_that_cannot_be_opened_holds_up_no_other() {
    let folder = TempDir::new().expect("a folder");
    for key in [1, 2, 3] {
        write_database(&folder.path().join(format!("accounts/{key}")), "Alice");
    }
    let spoilt = folder.path().join("accounts/1/parlour.db");
    let whole = fs::read(&spoilt).expect("a file");
    fs::write(
        &spoilt,
        "no database at all, but long enough to be looked at",
    )
    .expect("written");
    let newer = Connection::open(folder.path().join("accounts/3/parlour.db")).expect("a file");
    newer
        .pragma_update(None, "user_version", 999)
        .expect("written");
    drop(newer);

    let accounts = start(folder.path());
    let has_failed = |entry: &AccountEntry| matches!(entry.state, AccountState::Failed { .. });
    until(&accounts, "two fail", |list| {
        list.iter().filter(|entry| has_failed(entry)).count() == 2
            && list[1].state == AccountState::Running
    })
    .await;
    let mut listener = accounts.subscribe();
    let Some(AccountsEvent::Accounts { accounts: list }) = listener.next().await else {
        panic!("the list comes first");
    };
    assert!(has_failed(&list[0]) && has_failed(&list[2]));
    assert!(
        accounts
            .query(AccountKey(2), Query::ServerOptions)
            .await
            .is_ok()
    );
    let refused = accounts.dispatch(AccountKey(1), Command::Resume).await;
    assert_eq!(refused, Err(RefusalCode::StorageFailed.into()));

    // What was mended starts without a new start of the app.
    fs::write(&spoilt, whole).expect("written");
    accounts.retry(AccountKey(1)).await.expect("tried");
    until(&accounts, "the first runs", |list| {
        list[0].state == AccountState::Running
    })
    .await;
    accounts
        .remove(AccountKey(3), true)
        .await
        .expect("removed, too");
    assert_eq!(keys(&accounts), [1, 2]);
    accounts.stop().await;
}

#[tokio::test]
async fn one_listener_hears_all_and_each_lags_alone() {
    let folder = TempDir::new().expect("a folder");
    let accounts = start(folder.path());
    let loud = accounts.add().await.expect("an account");
    until_running(&accounts).await;
    signs_in(&accounts, loud, "Loud").await;
    let quiet = accounts.add().await.expect("another");
    until_running(&accounts).await;

    let mut listener = accounts.subscribe();
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(listener.next().await.expect("it goes on"));
    }
    let lists = |event: &AccountsEvent| matches!(event, AccountsEvent::Accounts { .. });
    assert!(lists(&heard[0]));
    for key in [loud, quiet] {
        let is_snapshot = |event: &AccountsEvent| matches!(event, AccountsEvent::Account { account, event: ClientEvent::Snapshot { .. } } if *account == key);
        assert_eq!(heard.iter().filter(|event| is_snapshot(event)).count(), 1);
    }
    assert_eq!(listener.try_next(), None);

    for _ in 0..1500 {
        accounts
            .dispatch(loud, Command::Reconnect)
            .await
            .expect("accepted");
    }
    signs_in(&accounts, quiet, "Quiet").await;
    let mut events = Vec::new();
    let mut snapshots = 0;
    // The quiet one is heard within two turns, whatever the loud one has to say.
    let mut quiet_after = None;
    let wait = async {
        while snapshots == 0 || quiet_after.is_none() {
            let event = listener.next().await.expect("it goes on");
            if let AccountsEvent::Account { account, event } = event {
                if account == quiet && quiet_after.is_none() {
                    quiet_after = Some(events.len());
                }
                snapshots +=
                    usize::from(account == loud && matches!(event, ClientEvent::Snapshot { .. }));
                assert!(
                    account == loud || !matches!(event, ClientEvent::Lagged { .. }),
                    "only the loud one lags"
                );
                events.push((account, event));
            }
        }
    };
    timeout(PATIENCE, wait).await.expect("both are heard");
    assert!(
        quiet_after.is_some_and(|after| after <= 2),
        "{quiet_after:?}"
    );
    assert!(
        events
            .iter()
            .any(|(_, event)| matches!(event, ClientEvent::Lagged { .. }))
    );

    accounts.remove(quiet, false).await.expect("removed");
    let wait = async {
        loop {
            match listener.next().await {
                Some(AccountsEvent::Accounts { accounts }) if accounts.len() == 1 => return,
                Some(_) => {}
                None => panic!("it goes on"),
            }
        }
    };
    timeout(PATIENCE, wait).await.expect("the list follows");
    accounts.stop().await;
    let end = async { while listener.next().await.is_some() {} };
    timeout(PATIENCE, end).await.expect("there is an end");
}

#[tokio::test]
async fn the_only_account_of_an_older_release_is_the_first() {
    let folder = TempDir::new().expect("a folder");
    write_database(folder.path(), "Alice");
    let accounts = start(folder.path());
    until_running(&accounts).await;
    assert_eq!(keys(&accounts), [1]);
    let mut listener = accounts.subscribe();
    let snapshot = async {
        loop {
            if let Some(AccountsEvent::Account {
                event: ClientEvent::Snapshot { snapshot },
                ..
            }) = listener.next().await
            {
                return snapshot;
            }
        }
    };
    let snapshot = timeout(PATIENCE, snapshot).await.expect("a snapshot");
    assert!(
        matches!(&snapshot.session, SessionView::SignedOut { username, .. } if username.as_deref() == Some("Alice"))
    );
    // The first is used: it is not offered as a new one.
    assert_eq!(accounts.add().await, Ok(AccountKey(2)));
    accounts.stop().await;
    assert!(!folder.path().join("parlour.db").exists());
    assert_eq!(name_in(&folder.path().join("accounts/1")), "Alice");

    // The older release was used again; what it wrote is not lost, nor does it
    // take the place of what is there.
    write_database(folder.path(), "Older");
    let accounts = start(folder.path());
    until_running(&accounts).await;
    assert_eq!(keys(&accounts), [1, 2, 3]);
    accounts.stop().await;
    assert_eq!(name_in(&folder.path().join("accounts/1")), "Alice");
    assert_eq!(name_in(&folder.path().join("accounts/3")), "Older");
}

/// Whoever is killed amid the move finds all of it in one place at the next start.
#[tokio::test]
async fn a_move_that_was_broken_off_loses_nothing() {
    // A database as a kill leaves it: most of it in its log.
    let source = TempDir::new().expect("a folder");
    let store = Store::open(source.path()).expect("a store");
    store
        .enter_account("http://s", Some(&"id".into()), "Alice")
        .expect("an account");
    let killed = |at: &str| {
        let folder = TempDir::new().expect("a folder");
        for file in ["parlour.db", "parlour.db-wal"] {
            fs::copy(source.path().join(file), folder.path().join(file)).expect("a copy");
        }
        let log = fs::metadata(folder.path().join("parlour.db-wal")).expect("a log");
        assert!(log.len() > 0, "there is something in the log");
        let folders = Folders::open(folder.path()).expect("ok").expect("free");
        match at {
            "before" => {}
            "the folder is made" => fs::create_dir(folders.of(AccountKey(1))).expect("made"),
            "the log is folded" => {
                crate::store::fold_log(&folder.path().join("parlour.db")).expect("folded");
            }
            "it is moved" => folders.move_single(AccountKey(1)).expect("moved"),
            _ => unreachable!(),
        }
        folder
    };
    for at in [
        "before",
        "the folder is made",
        "the log is folded",
        "it is moved",
    ] {
        let folder = killed(at);
        let accounts = start(folder.path());
        until_running(&accounts).await;
        assert_eq!(keys(&accounts), [1], "{at}");
        accounts.stop().await;
        assert_eq!(name_in(&folder.path().join("accounts/1")), "Alice", "{at}");
        assert!(!folder.path().join("parlour.db").exists(), "{at}");
    }

    // One that somebody else has open stays where it is, and whole.
    let folder = killed("before");
    let open = Store::open(folder.path()).expect("open elsewhere");
    let accounts = start(folder.path());
    until(&accounts, "it is said", |list| {
        matches!(&list[0].state, AccountState::Failed { reason } if reason.code == FailureCode::StorageFailed)
    })
    .await;
    assert!(folder.path().join("parlour.db").exists());
    drop(open);
    accounts.retry(AccountKey(1)).await.expect("tried");
    until_running(&accounts).await;
    accounts.stop().await;
    assert_eq!(name_in(&folder.path().join("accounts/1")), "Alice");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_look() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().expect("a folder");
    let root = folder.path().join("profile");
    let accounts = start(&root);
    until_running(&accounts).await;
    let mode = |path: &str| {
        let metadata = fs::metadata(root.join(path)).expect("there");
        metadata.permissions().mode() & 0o777
    };
    for path in ["", "accounts", "accounts/1", "removed"] {
        assert_eq!(mode(path), 0o700, "{path:?}");
    }
    for path in ["accounts.json", "accounts/1/parlour.db", "accounts.lock"] {
        assert_eq!(mode(path), 0o600, "{path:?}");
    }
    accounts.stop().await;
}
