//! The file of the audit log, which makes room for itself.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{Entry, OLDER};

#[derive(Serialize)]
struct Line<'a> {
    at_ms: u64,
    #[serde(flatten)]
    entry: &'a Entry,
}

/// A file that makes room for itself.
pub(super) struct Rotating {
    path: PathBuf,
    file: File,
    size: u64,
    most: u64,
    /// Whether the last line failed: a full disk is told once.
    failing: bool,
}

impl Rotating {
    pub(super) fn open(path: PathBuf, most: u64) -> io::Result<Self> {
        let file = append_private(&path)?;
        let size = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            size,
            most,
            failing: false,
        })
    }

    pub(super) fn line(&mut self, at_ms: u64, entry: &Entry) {
        let written = self.try_line(&Line { at_ms, entry });
        match &written {
            Err(error) if !self.failing => {
                tracing::error!(%error, "the audit log cannot be written");
            }
            _ => {}
        }
        self.failing = written.is_err();
    }

    fn try_line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let length = bytes.len() as u64;
        if self.size > 0 && self.size + length > self.most {
            self.rotate()?;
        }
        self.file.write_all(&bytes)?;
        self.size += length;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let older = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..OLDER).rev() {
            rename(&older(number), &older(number + 1))?;
        }
        rename(&self.path, &older(1))?;
        self.file = append_private(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

/// Renames what is there; what is not there is no error.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn append_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
