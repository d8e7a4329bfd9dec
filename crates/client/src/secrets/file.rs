//! Secrets in a file that only this user can read.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use parlour_protocol::SessionId;

use crate::{
    ports::{SecretError, SecretStore},
    view::SecretsBackend,
};

/// Keeps sessions in one JSON file, mode 0600, in a folder of mode 0700 where
/// this store had to make it. It protects against other users of the machine,
/// not against other programs of this user: hosts use it only when asked to.
///
/// Every change is written beside the file and renamed over it, under a lock
/// that other processes respect, so that neither a crash nor a second process
/// loses an entry.
#[derive(Debug)]
pub struct FileSecrets {
    path: PathBuf,
}

/// The file's content: the token by account.
type Sessions = BTreeMap<String, String>;

impl FileSecrets {
    /// A store in the file at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn read(&self) -> Result<Sessions, SecretError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Sessions::new()),
            Err(error) => return Err(self.failed(&error)),
        };
        keep_private(&self.path).map_err(|error| self.failed(&error))?;
        // The parser's own words may quote the file, and with it a secret.
        serde_json::from_slice(&text)
            .map_err(|_| SecretError::Failed(format!("{} is damaged", self.path.display())))
    }

    /// Reads, changes and replaces the file while no other process does.
    fn change(&self, edit: impl FnOnce(&mut Sessions) -> bool) -> Result<(), SecretError> {
        let folder = self.folder();
        make_private_folder(folder).map_err(|error| self.failed(&error))?;
        let guard = private_file(&self.beside("lock")).map_err(|error| self.failed(&error))?;
        guard.lock().map_err(|error| self.failed(&error))?;
        let mut sessions = self.read()?;
        if edit(&mut sessions) {
            self.replace(&sessions)
                .map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    fn replace(&self, sessions: &Sessions) -> io::Result<()> {
        let draft = self.beside("new");
        // Not truncated in place: a leftover of a crash may have any mode or be a link.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private_file(&draft)?;
        file.write_all(&serde_json::to_vec_pretty(sessions)?)?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        sync_folder(self.folder())
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// The path of a companion of the file: `secrets.json` → `secrets.json.lock`.
    fn beside(&self, extension: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".");
        path.push(extension);
        path.into()
    }

    fn failed(&self, error: &io::Error) -> SecretError {
        SecretError::Failed(format!("{}: {error}", self.path.display()))
    }
}

impl SecretStore for FileSecrets {
    fn backend(&self) -> SecretsBackend {
        SecretsBackend::File
    }

    fn load(&self, account: &str) -> Result<Option<SessionId>, SecretError> {
        Ok(self.read()?.remove(account).map(SessionId::new))
    }

    fn save(&self, account: &str, session_id: &SessionId) -> Result<(), SecretError> {
        self.change(|sessions| {
            sessions.insert(account.to_owned(), session_id.reveal().to_owned());
            true
        })
    }

    fn delete(&self, account: &str) -> Result<(), SecretError> {
        self.change(|sessions| sessions.remove(account).is_some())
    }
}

/// Opens a file for writing, made with mode 0600 if it is new.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a folder of mode 0700. One that is there already keeps its mode: it
/// may be the user's own, with other things in it.
fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Takes away from others what they may do with a file.
#[cfg(unix)]
fn keep_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

/// Elsewhere the user's own folders are private by the system's rules.
#[cfg(not(unix))]
fn keep_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes a rename durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file, and a rename needs no help.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
