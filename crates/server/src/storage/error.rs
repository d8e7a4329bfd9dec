//! Why the data could not be opened, read or written.

use std::{io, path::Path};

/// Why the data could not be opened, read or written. Each text is one
/// sentence for the one who runs the server.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The folder or a file in it cannot be created or written.
    #[error("the data in {path} cannot be read or written: {source}")]
    Folder {
        /// The folder or file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// Another process serves this folder.
    #[error("the data folder {0} is in use by another parlour-server")]
    InUse(String),
    /// There is something where a copy was to be written.
    #[error("{0} is there already: a copy never replaces a file")]
    Exists(String),
    /// The database is from a later version of this program. It was not touched.
    #[error(
        "the database is from a newer parlour-server (schema {found}, this one knows up to {known}); \
         it was left untouched"
    )]
    Newer {
        /// The schema found.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// The file is no database of this program, or a damaged one.
    #[error("{path} is no usable copy of a parlour-server's data: {what}")]
    NotACopy {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// There is no room left to write. Reading goes on.
    #[error("there is no room left for the data")]
    Full,
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(rusqlite::Error),
    /// A row does not hold what it must.
    #[error("the database holds a {0} that cannot be")]
    Damaged(&'static str),
    /// A number has reached the end of its range.
    #[error("the database can hold no more {0}")]
    Exhausted(&'static str),
}

impl StorageError {
    /// Whether the only thing wrong is that there is no room: what was refused
    /// may succeed later.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full)
    }

    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| {
            if is_full(&source) {
                return Self::Full;
            }
            Self::Folder {
                path: path.display().to_string(),
                source,
            }
        }
    }
}

/// No room on the disk, or none left for this user.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Database(error),
        }
    }
}
