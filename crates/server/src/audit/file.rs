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
    /// Whether the last line failed: a full disk is told once. Half of it may be
    /// in the file.
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
        // Half a line must not spoil the next one.
        let mut bytes = if self.failing {
            vec![b'\n']
        } else {
            Vec::new()
        };
        serde_json::to_writer(&mut bytes, line)?;
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
        // First what may fail: or each further line would push out an older file.
        let mut fresh = self.path.clone().into_os_string();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        let file = append_private(&fresh)?;
        for number in (1..OLDER).rev() {
            rename(&older(number), &older(number + 1))?;
        }
        rename(&self.path, &older(1))?;
        fs::rename(&fresh, &self.path)?;
        self.file = file;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_rotated_pushes_nothing_out() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("audit.jsonl");
        let mut file = Rotating::open(path.clone(), 200).expect("opened");
        let entry = Entry::Missed { count: 1 };
        let older = |number: u32| folder.path().join(format!("audit.jsonl.{number}"));
        while !older(3).exists() {
            file.line(1, &entry);
        }
        let names = || {
            let files = fs::read_dir(folder.path()).expect("folder");
            let mut names: Vec<_> = files.map(|file| file.expect("file").file_name()).collect();
            names.sort();
            names
        };
        // Something is in the way of a new file.
        fs::create_dir(folder.path().join("audit.jsonl.new")).expect("folder");
        let before = names();
        (0..50).for_each(|_| file.line(1, &entry));
        assert_eq!(names(), before);
        assert!(file.failing);
        fs::remove_dir(folder.path().join("audit.jsonl.new")).expect("removed");
        file.line(2, &entry);
        file.line(3, &entry);
        assert!(!file.failing);
        let text = fs::read_to_string(&path).expect("a file");
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines.iter().all(|line| line.starts_with("{\"at_ms\":")));
    }
}
