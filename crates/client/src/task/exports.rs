//! Exports: each on a thread and a connection of its own, into a file that is
//! there whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use parlour_protocol::UserId;
use rand::RngExt;
use tokio::sync::oneshot;

use super::Engine;
use crate::store::{
    Store, StoreError,
    export::{Exported, Scope, Stopped, export},
};

/// Why nothing was exported. No file was left.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is something by that name already, which was not touched.
    #[error("there is a file of that name already")]
    Exists,
    /// A single conversation can be exported only of the account in use.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// There is no such conversation.
    #[error("there is no such conversation")]
    UnknownUser,
    /// Another export is under way.
    #[error("another export is under way")]
    Busy,
    /// The engine has ended.
    #[error("the engine has ended")]
    Closed,
    /// The file could not be written: the disk is full, or the folder closed to us.
    #[error("the file could not be written: {0}")]
    File(#[from] io::Error),
    /// The database could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Stopped> for ExportError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Store(error) => Self::Store(error),
            Stopped::Io(error) => Self::File(error),
            Stopped::GivenUp => Self::Closed,
            Stopped::NothingThere => Self::UnknownUser,
        }
    }
}

/// Whoever asked.
pub(crate) type Asker = oneshot::Sender<Result<Exported, ExportError>>;

/// The export that is under way, if there is one.
#[derive(Default)]
pub(super) struct Exports {
    ends: Arc<AtomicBool>,
    /// Until whoever asked is answered.
    busy: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Exports {
    /// Gives up what is under way and waits for it.
    pub(super) fn end(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of an export has panicked");
        }
    }
}

impl Drop for Exports {
    fn drop(&mut self) {
        self.end();
    }
}

struct Job {
    folder: PathBuf,
    scope: Scope,
    path: PathBuf,
    /// Beside `path`.
    unfinished: PathBuf,
    now_ms: i64,
}

impl Engine {
    /// Starts an export; whoever asked hears of its end.
    pub(super) fn export(&mut self, path: PathBuf, user: Option<UserId>, asker: Asker) {
        let started = self.export_job(path, user).and_then(|job| {
            let (ends, busy) = (self.exports.ends.clone(), self.exports.busy.clone());
            busy.store(true, Ordering::Relaxed);
            let (given, asker_of) = std::sync::mpsc::sync_channel::<Asker>(1);
            let thread = thread::Builder::new()
                .name("parlour-export".into())
                .spawn(move || {
                    let exported = job.run(&|| !ends.load(Ordering::Relaxed));
                    busy.store(false, Ordering::Relaxed);
                    if let Ok(asker) = asker_of.recv() {
                        // Whoever asked may have stopped waiting.
                        let _ = asker.send(exported);
                    }
                })
                .inspect_err(|_| self.exports.busy.store(false, Ordering::Relaxed))?;
            self.exports.thread = Some(thread);
            Ok(given)
        });
        match started {
            // There is room for the one that is sent.
            Ok(given) => drop(given.try_send(asker)),
            Err(error) => drop(asker.send(Err(error))),
        }
    }

    fn export_job(&mut self, path: PathBuf, user: Option<UserId>) -> Result<Job, ExportError> {
        if self.exports.busy.load(Ordering::Relaxed) {
            return Err(ExportError::Busy);
        }
        let scope = match (user, &self.account) {
            (None, _) => Scope::Everything,
            (Some(user), Some(account)) => Scope::Conversation(account.id, user),
            (Some(_), None) => return Err(ExportError::NotSignedIn),
        };
        let mut name = std::ffi::OsString::from(".");
        name.push(
            path.file_name()
                .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?,
        );
        name.push(format!(".{:016x}", self.random.random::<u64>()));
        Ok(Job {
            folder: self.searches.folder().to_owned(),
            scope,
            unfinished: path.with_file_name(name),
            path,
            now_ms: self.clock.now_ms(),
        })
    }
}

impl Job {
    fn run(&self, go_on: &dyn Fn() -> bool) -> Result<Exported, ExportError> {
        if fs::symlink_metadata(&self.path).is_ok() {
            return Err(ExportError::Exists);
        }
        let connection = Store::reader(&self.folder)?;
        let file = private(&self.unfinished)?;
        let _unfinished = Unfinished(&self.unfinished);
        let exported = export(
            &connection,
            &self.scope,
            self.now_ms,
            BufWriter::new(&file),
            go_on,
        )?;
        file.sync_all()?;
        publish(&self.unfinished, &self.path)?;
        Ok(exported)
    }
}

/// A new file that only this user can read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Gives a finished file its name, unless something has it by now.
fn publish(unfinished: &Path, path: &Path) -> Result<(), ExportError> {
    match fs::hard_link(unfinished, path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(ExportError::Exists);
        }
        // Not every file system has such links; there a look has to do.
        Err(_) if fs::symlink_metadata(path).is_ok() => return Err(ExportError::Exists),
        Err(_) => fs::rename(unfinished, path)?,
    }
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The name under which the file is written goes, whatever happens.
struct Unfinished<'a>(&'a Path);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // It may have its final name already, and no other.
        if let Err(error) = fs::remove_file(self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "an unfinished export could not be removed");
        }
    }
}

#[cfg(test)]
mod tests;
