//! Which accounts a profile has, in which order: `accounts.json`. It is written
//! to a new file that takes the place of the old one, so that it is always one or
//! the other. Should it be spoilt all the same, it is made anew from the folders,
//! and only the order, who is behind a folder that cannot be opened, and what removed
//! accounts have left in the secret store is lost.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{
    AccountKey,
    folders::{Folders, sync_folder},
};
use crate::{
    store::{self, SecretEntry},
    view::AccountView,
};

const FILE: &str = "accounts.json";
const DRAFT: &str = "accounts.json.new";
const SPOILT: &str = "accounts.json.spoilt";

/// The format that this version writes, and the newest that it reads.
const VERSION: u32 = 1;

/// The most bytes that are read: 16 accounts take 8 KiB at the very most.
const SIZE: u64 = 1 << 20;

/// The most entries of removed accounts that are remembered: whoever gets there has
/// had a keyring that deletes nothing for years.
const STRAYS: usize = 1024;

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It cannot be read or written.
    #[error("the list of accounts cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// It was written by a newer Parlour. It was not touched.
    #[error("the list of accounts is from a newer version of Parlour")]
    Newer,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) key: AccountKey,
    /// Who was last seen in it, for when it cannot be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) who: Option<AccountView>,
    /// Whether they were signed in, so that a copy does not come first at the start.
    #[serde(default)]
    pub(super) signed_in: bool,
}

impl Entry {
    fn new(key: AccountKey) -> Self {
        Self {
            key,
            who: None,
            signed_in: false,
        }
    }
}

/// An account that is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Leaving {
    pub(super) key: AccountKey,
    pub(super) keep_history: bool,
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    version: u32,
    /// The key of the next account.
    next: AccountKey,
    pub(super) accounts: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) leaving: Vec<Leaving>,
    /// What accounts that are gone may have left in the secret store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) strays: Vec<SecretEntry>,
}

/// The one thing that is read of every version.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Index {
    /// Reads the file, and compares it with the folders: what it does not know of
    /// is added to its end, for a folder with a database is somebody's history.
    pub(super) fn read(folders: &Folders) -> Result<Self, IndexError> {
        let mut index = match read_file(folders.root())? {
            Some(text) => Self::parse(&text)?,
            None => None,
        };
        if index.is_none() && folders.root().join(FILE).exists() {
            tracing::warn!("the list of accounts cannot be read; it is made anew");
            fs::rename(folders.root().join(FILE), folders.root().join(SPOILT))?;
        }
        let index = index.get_or_insert_with(|| Self {
            version: VERSION,
            next: AccountKey(1),
            accounts: Vec::new(),
            leaving: Vec::new(),
            strays: Vec::new(),
        });
        let (found, largest) = folders.found()?;
        for key in found {
            let known = index.accounts.iter().any(|entry| entry.key == key)
                || index.leaving.iter().any(|leaving| leaving.key == key);
            if !known {
                index.accounts.push(Entry::new(key));
            }
        }
        if let Some(AccountKey(largest)) = largest {
            index.next = index.next.max(AccountKey(largest.saturating_add(1)));
        }
        Ok(index.clone())
    }

    /// `None` for what is no index, or says what cannot be.
    fn parse(text: &str) -> Result<Option<Self>, IndexError> {
        let Ok(Version { version }) = serde_json::from_str(text) else {
            return Ok(None);
        };
        if version > VERSION {
            return Err(IndexError::Newer);
        }
        Ok(serde_json::from_str::<Self>(text)
            .ok()
            .filter(Self::is_sound))
    }

    fn is_sound(&self) -> bool {
        let keys = self.accounts.iter().map(|entry| entry.key);
        let mut keys: Vec<_> = keys
            .chain(self.leaving.iter().map(|leaving| leaving.key))
            .collect();
        keys.sort_unstable();
        keys.windows(2).all(|pair| pair[0] != pair[1]) && keys.iter().all(|key| *key < self.next)
    }

    /// Puts the index into its file, in place of what was there.
    pub(super) fn write(&self, root: &Path) -> io::Result<()> {
        let draft = root.join(DRAFT);
        // A draft of one that was killed may be there.
        store::make_private_file(&draft)?;
        let mut file = File::options().write(true).truncate(true).open(&draft)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&draft, root.join(FILE))?;
        sync_folder(root)
    }

    /// Adds an account with a new key to the end.
    pub(super) fn add(&mut self) -> AccountKey {
        let key = self.next;
        self.next = AccountKey(key.0.saturating_add(1));
        self.accounts.push(Entry::new(key));
        key
    }

    /// The account that the database of a release with one account becomes: the
    /// first, unless that was somebody else's. Then an app of that release was at
    /// work here again, and what it wrote is a further account.
    pub(super) fn place_of_single(&mut self, folders: &Folders) -> AccountKey {
        const FIRST: AccountKey = AccountKey(1);
        let is_known = self.accounts.iter().any(|entry| entry.key == FIRST);
        let was_used = folders.was_removed(FIRST)
            || self.leaving.iter().any(|leaving| leaving.key == FIRST)
            || store::database_in(&folders.of(FIRST)).exists();
        if was_used {
            return self.add();
        }
        if !is_known {
            self.accounts.insert(0, Entry::new(FIRST));
            self.next = self.next.max(AccountKey(FIRST.0 + 1));
        }
        FIRST
    }

    /// Notes that an account is on its way out, and what it may have left in the
    /// secret store.
    pub(super) fn leave(&mut self, key: AccountKey, keep_history: bool, strays: &[SecretEntry]) {
        self.accounts.retain(|entry| entry.key != key);
        self.leaving.push(Leaving { key, keep_history });
        self.strays.extend_from_slice(strays);
        let surplus = self.strays.len().saturating_sub(STRAYS);
        if surplus > 0 {
            tracing::warn!(
                surplus,
                "the oldest sessions of removed accounts stay in the secret store"
            );
            self.strays.drain(..surplus);
        }
    }

    /// Notes that it is gone.
    pub(super) fn left(&mut self, key: AccountKey) {
        self.leaving.retain(|leaving| leaving.key != key);
    }

    /// Puts the accounts into this order. `false`, and nothing changed, unless each
    /// is named once.
    pub(super) fn reorder(&mut self, order: &[AccountKey]) -> bool {
        let place = |entry: &Entry| order.iter().position(|key| *key == entry.key);
        let mut named = order.to_vec();
        named.sort_unstable();
        named.dedup();
        let fits = named.len() == order.len()
            && order.len() == self.accounts.len()
            && self.accounts.iter().all(|entry| place(entry).is_some());
        if fits {
            self.accounts.sort_by_key(place);
        }
        fits
    }
}

fn read_file(root: &Path) -> Result<Option<String>, IndexError> {
    let file = match File::open(root.join(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut text = Vec::new();
    file.take(SIZE).read_to_end(&mut text)?;
    // What is no text is no index.
    Ok(Some(String::from_utf8(text).unwrap_or_default()))
}
