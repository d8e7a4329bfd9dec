//! A removed account leaves nothing behind in a keyring, however long that takes.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parlour_protocol::SessionId;
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::{
    accounts::{Accounts, AccountsConfig},
    ports::{Connecting, Connector, SecretError, Target},
    store::Store,
    view::SecretsBackend,
};

const PATIENCE: Duration = Duration::from_secs(20);

struct Nowhere;

impl Connector for Nowhere {
    fn connect(&self, _: Target) -> Connecting {
        Box::pin(std::future::pending())
    }
}

#[derive(Default)]
struct Keyring {
    is_away: AtomicBool,
    entries: Mutex<BTreeMap<String, SessionId>>,
}

impl Keyring {
    fn names(&self) -> Vec<String> {
        let entries = self.entries.lock().expect("the entries");
        entries.keys().cloned().collect()
    }

    fn open(&self) -> Result<std::sync::MutexGuard<'_, BTreeMap<String, SessionId>>, SecretError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(SecretError::Missing);
        }
        Ok(self.entries.lock().expect("the entries"))
    }
}

impl SecretStore for Keyring {
    fn backend(&self) -> SecretsBackend {
        SecretsBackend::Keyring
    }

    fn load(&self, name: &str) -> Result<Option<SessionId>, SecretError> {
        Ok(self.open()?.get(name).cloned())
    }

    fn save(&self, name: &str, session_id: &SessionId) -> Result<(), SecretError> {
        self.open()?.insert(name.into(), session_id.clone());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), SecretError> {
        self.open()?.remove(name);
        Ok(())
    }
}

fn entry(name: &str) -> SecretEntry {
    SecretEntry {
        backend: SecretsBackend::Keyring,
        name: name.into(),
    }
}

fn start(folder: &Path, keyring: &Arc<Keyring>) -> Accounts {
    let config = AccountsConfig {
        connector: Arc::new(Nowhere),
        ..AccountsConfig::new(folder.to_owned(), "test", keyring.clone())
    };
    Accounts::start(config).expect("the accounts start")
}

async fn until(what: &str, shown: impl Fn() -> bool) {
    let wait = async {
        while !shown() {
            tokio::task::yield_now().await;
        }
    };
    assert!(timeout(PATIENCE, wait).await.is_ok(), "in vain: {what}");
}

/// Removes the first account as soon as that can be done.
async fn remove_first(accounts: &Accounts) {
    let key = AccountKey(1);
    until("it runs, or cannot", || {
        !matches!(
            accounts.entries()[0].state,
            crate::accounts::AccountState::Starting
        )
    })
    .await;
    accounts.remove(key, false).await.expect("removed");
}

/// A profile with an account whose session is in the keyring, and another one that
/// could not be deleted there.
fn profile(keyring: &Keyring) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let store = Store::open(&folder.path().join("accounts/1")).expect("a store");
    let account = store
        .enter_account("http://s", Some(&"id".into()), "Alice")
        .expect("an account");
    store
        .keep_session(account.id, &entry("present"))
        .expect("kept");
    store.add_stray(&entry("old")).expect("noted");
    for name in ["present", "old", "of another account"] {
        let kept = keyring.save(name, &SessionId::new("c0ffee"));
        kept.expect("saved");
    }
    folder
}

fn index(folder: &Path) -> String {
    fs::read_to_string(folder.join("accounts.json")).expect("the list")
}

#[tokio::test]
async fn what_a_keyring_that_is_away_keeps_is_deleted_in_a_later_run() {
    let keyring = Arc::new(Keyring::default());
    let folder = profile(&keyring);
    keyring.is_away.store(true, Ordering::SeqCst);
    let accounts = start(folder.path(), &keyring);
    remove_first(&accounts).await;
    until("the folder is gone", || {
        !folder.path().join("removed/1/parlour.db").exists()
            && !folder.path().join("accounts/1").exists()
    })
    .await;
    accounts.stop().await;
    assert_eq!(keyring.names().len(), 3, "it is away");

    // Still away: it is not forgotten either.
    start(folder.path(), &keyring).stop().await;
    keyring.is_away.store(false, Ordering::SeqCst);
    let accounts = start(folder.path(), &keyring);
    until("only the other one’s is there", || {
        keyring.names() == ["of another account"]
    })
    .await;
    until("the list is empty", || {
        !index(folder.path()).contains("strays")
    })
    .await;
    accounts.stop().await;
}

#[tokio::test]
async fn an_account_that_cannot_be_opened_leaves_no_session() {
    let keyring = Arc::new(Keyring::default());
    let folder = profile(&keyring);
    let database = folder.path().join("accounts/1/parlour.db");
    let newer = rusqlite::Connection::open(database).expect("a file");
    newer
        .pragma_update(None, "user_version", 999)
        .expect("written");
    drop(newer);
    let accounts = start(folder.path(), &keyring);
    remove_first(&accounts).await;
    until("only the other one’s is there", || {
        keyring.names() == ["of another account"]
    })
    .await;
    accounts.stop().await;
}

/// A thread that hung while the account was there may write its entry after all.
#[test]
fn what_was_left_in_this_run_stays_on_the_list_for_the_next() {
    let mut list = vec![entry("old"), entry("present")];
    let mut strays = Strays::default();
    strays.left(list.clone());
    assert!(!strays.swept(&list.clone(), &mut list));
    let mut next = Strays::default();
    assert!(next.swept(&[entry("old")], &mut list));
    assert_eq!(list, [entry("present")]);
}
