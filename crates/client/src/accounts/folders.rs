//! Where the accounts of a profile are on the disk.
//!
//! ```text
//! PROFILE/accounts.json     which there are, in order (see index.rs)
//! PROFILE/accounts.lock     held while an app is at work here
//! PROFILE/accounts/KEY/     the database of one account
//! PROFILE/removed/KEY/      of one that was removed: its history where that was
//!                           to be kept, else nothing; the key is not used again
//! PROFILE/parlour.db        of a release with one account only; becomes accounts/1
//! ```

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::AccountKey;
use crate::store::{self, StoreError};

const LOCK: &str = "accounts.lock";
const ACCOUNTS: &str = "accounts";
const REMOVED: &str = "removed";

/// How often, and how long apart, the lock is tried: an app that is just closing
/// lets go of it within its goodbye, which takes 2 s at most.
const LOCK_TRIES: u32 = 60;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The folder of a profile, locked against other processes for as long as this lives.
#[derive(Debug)]
pub(super) struct Folders {
    root: PathBuf,
    _lock: File,
}

impl Folders {
    /// Makes what is missing and takes the lock. `None` where another process has it.
    pub(super) fn open(root: &Path) -> io::Result<Option<Self>> {
        store::make_private_folder(root)?;
        for folder in [ACCOUNTS, REMOVED] {
            store::make_private_folder(&root.join(folder))?;
        }
        let lock = root.join(LOCK);
        store::make_private_file(&lock)?;
        let lock = File::options().append(true).open(lock)?;
        for _ in 0..LOCK_TRIES {
            match lock.try_lock() {
                Ok(()) => {
                    return Ok(Some(Self {
                        root: root.to_owned(),
                        _lock: lock,
                    }));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of an account.
    pub(super) fn of(&self, key: AccountKey) -> PathBuf {
        self.root.join(ACCOUNTS).join(key.to_string())
    }

    fn removed(&self, key: AccountKey) -> PathBuf {
        self.root.join(REMOVED).join(key.to_string())
    }

    /// Whether an account with this key was there and is gone.
    pub(super) fn was_removed(&self, key: AccountKey) -> bool {
        self.removed(key).exists()
    }

    /// The accounts that have a database, by key, and the largest key ever used
    /// as far as the disk tells.
    pub(super) fn found(&self) -> io::Result<(Vec<AccountKey>, Option<AccountKey>)> {
        let mut there = keys_in(&self.root.join(ACCOUNTS))?;
        let largest = [there.last(), keys_in(&self.root.join(REMOVED))?.last()]
            .into_iter()
            .flatten()
            .max()
            .copied();
        there.retain(|key| store::database_in(&self.of(*key)).is_file());
        Ok((there, largest))
    }

    /// Whether the database of a release with one account is still to be moved.
    pub(super) fn has_single(&self) -> bool {
        store::database_in(&self.root).is_file()
    }

    /// Makes the database of a release with one account that of this account. Whoever
    /// is killed here finds it at the old place or at the new one, whole: its log is
    /// written into it first, so that it is one file, which is moved by one rename.
    pub(super) fn move_single(&self, key: AccountKey) -> Result<(), StoreError> {
        let folder = self.of(key);
        store::make_private_folder(&folder)?;
        let file = store::database_in(&self.root);
        store::fold_log(&file)?;
        fs::rename(&file, store::database_in(&folder))?;
        sync_folder(&folder)?;
        sync_folder(&self.root)?;
        Ok(())
    }

    /// Takes the account's folder away: in one step from among the accounts, then,
    /// unless it is to be kept, file by file. Done before is no error.
    pub(super) fn remove(&self, key: AccountKey, keep_history: bool) -> io::Result<()> {
        let (from, to) = (self.of(key), self.removed(key));
        if from.exists() {
            fs::rename(&from, &to)?;
            sync_folder(&self.root.join(ACCOUNTS))?;
        }
        if !keep_history {
            match fs::remove_dir_all(&to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        // What stays says that the key was used.
        store::make_private_folder(&to)?;
        sync_folder(&self.root.join(REMOVED))
    }
}

/// The folders here that are named by a key, in order.
fn keys_in(folder: &Path) -> io::Result<Vec<AccountKey>> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let key = name.to_str().and_then(|name| name.parse().ok());
        keys.extend(key.map(AccountKey));
    }
    keys.sort_unstable();
    Ok(keys)
}

/// Writes down what was renamed or made in a folder, where that can be asked for.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
