//! A disk that forgets: what the shim logged, played back to any point, and
//! what may be left there after a power cut.
//!
//! The model is that of a journalling file system on a disk with a cache. What
//! was synced is there. Of what was not, any part may be: each write whole, in
//! sectors, or not at all. Names (creating, renaming, unlinking) keep their order
//! among themselves and are durable once the folder, or a file whose own name
//! is not yet, was synced.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use parlour_tests::chance::Chance;

/// What a disk writes at once or not at all.
const SECTOR: usize = 512;

/// One thing that was done to the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Write { offset: usize, data: Vec<u8> },
    Truncate { size: usize },
    Sync,
    Create,
    Unlink,
    Rename { to: PathBuf },
    SyncFolder,
}

/// An entry of the log, with where in the log it ends.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) path: PathBuf,
    pub(crate) operation: Operation,
    pub(crate) end: u64,
}

/// Reads the log.
pub(crate) fn read_log(path: &Path) -> Vec<Record> {
    let log = fs::read(path).expect("the shim's log");
    let mut rest = log.as_slice();
    let mut records = Vec::new();
    while !rest.is_empty() {
        let kind = number(&mut rest, 1);
        let path_length = number(&mut rest, 4);
        let length = number(&mut rest, 4);
        let offset = number(&mut rest, 8);
        let path = text(&mut rest, path_length);
        let (data, behind) = rest.split_at(length);
        rest = behind;
        let operation = match kind {
            1 => Operation::Write {
                offset,
                data: data.to_vec(),
            },
            2 => Operation::Truncate { size: offset },
            3 => Operation::Sync,
            4 => Operation::Create,
            5 => Operation::Unlink,
            6 => Operation::Rename {
                to: String::from_utf8(data.to_vec()).expect("a path").into(),
            },
            7 => Operation::SyncFolder,
            other => panic!("no operation has the number {other}"),
        };
        let end = (log.len() - rest.len()).try_into().expect("a small log");
        records.push(Record {
            path,
            operation,
            end,
        });
    }
    records
}

fn number(rest: &mut &[u8], bytes: usize) -> usize {
    let (number, behind) = rest.split_at(bytes);
    *rest = behind;
    let number = number.iter().rev();
    number.fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
}

fn text(rest: &mut &[u8], length: usize) -> PathBuf {
    let (text, behind) = rest.split_at(length);
    *rest = behind;
    String::from_utf8(text.to_vec()).expect("a path").into()
}

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All of it is lost.
    Lost,
    /// All of it is there, as when only the process ends.
    Kept,
    /// Each write is there or not.
    Scattered,
    /// Each sector of each write is there or not.
    Torn,
    /// All of it is there but a part of the last write.
    Cut,
}

impl Fate {
    pub(crate) const ALL: [Self; 5] = [
        Self::Lost,
        Self::Kept,
        Self::Scattered,
        Self::Torn,
        Self::Cut,
    ];
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Vec<u8>,
    pending: Vec<Operation>,
}

type Number = usize;

/// The folder at one point of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    names: BTreeMap<PathBuf, Number>,
    durable_names: BTreeMap<PathBuf, Number>,
    pending_names: Vec<(PathBuf, Operation, Number)>,
}

impl Disk {
    /// As it was before the log began.
    pub(crate) fn from_folder(folder: &Path) -> Self {
        let mut disk = Self::default();
        let Ok(entries) = fs::read_dir(folder) else {
            return disk;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if !path.is_file() {
                continue;
            }
            let name = PathBuf::from(path.file_name().expect("a name"));
            disk.names.insert(name, disk.files.len());
            disk.files.push(File {
                durable: fs::read(&path).expect("a file"),
                pending: Vec::new(),
            });
        }
        disk.durable_names = disk.names.clone();
        disk
    }

    /// Does what was done.
    pub(crate) fn apply(&mut self, record: &Record) {
        let Record {
            path, operation, ..
        } = record;
        match operation {
            Operation::Write { .. } | Operation::Truncate { .. } => {
                let file = self.file(path);
                self.files[file].pending.push(operation.clone());
            }
            Operation::Sync => {
                let file = self.file(path);
                let file = &mut self.files[file];
                for operation in std::mem::take(&mut file.pending) {
                    perform(&mut file.durable, &operation);
                }
                if !self.durable_names.contains_key(path) {
                    self.commit_names();
                }
            }
            Operation::SyncFolder => self.commit_names(),
            Operation::Create => {
                self.file(path);
            }
            Operation::Unlink | Operation::Rename { .. } => {
                let file = self.file(path);
                rename(&mut self.names, path, operation, file);
                self.pending_names
                    .push((path.clone(), operation.clone(), file));
            }
        }
    }

    /// The number of a file that has this name now.
    fn file(&mut self, path: &Path) -> Number {
        if let Some(file) = self.names.get(path) {
            return *file;
        }
        let file = self.files.len();
        self.files.push(File::default());
        self.names.insert(path.to_owned(), file);
        self.pending_names
            .push((path.to_owned(), Operation::Create, file));
        file
    }

    fn commit_names(&mut self) {
        self.durable_names.clone_from(&self.names);
        self.pending_names.clear();
    }

    /// Writes what is left after a power cut into an empty folder.
    pub(crate) fn after_power_cut(&self, fate: Fate, chance: &mut Chance, folder: &Path) {
        let mut names = self.durable_names.clone();
        let kept = match fate {
            Fate::Lost => 0,
            Fate::Kept | Fate::Cut => self.pending_names.len(),
            Fate::Scattered | Fate::Torn => chance.below(self.pending_names.len() + 1),
        };
        for (path, operation, file) in &self.pending_names[..kept] {
            rename(&mut names, path, operation, *file);
        }
        for (name, file) in names {
            let file = &self.files[file];
            let mut content = file.durable.clone();
            let last = file.pending.len();
            for (number, operation) in file.pending.iter().enumerate() {
                let is_last = number + 1 == last;
                survive(&mut content, operation, fate, is_last, chance);
            }
            let path = folder.join(name);
            let parent = path.parent().expect("a folder");
            fs::create_dir_all(parent).expect("a folder");
            fs::write(path, content).expect("a file");
        }
    }
}

fn rename(names: &mut BTreeMap<PathBuf, Number>, path: &Path, operation: &Operation, file: Number) {
    match operation {
        Operation::Create => {
            names.insert(path.to_owned(), file);
        }
        Operation::Unlink => {
            names.remove(path);
        }
        Operation::Rename { to } => {
            names.remove(path);
            names.insert(to.clone(), file);
        }
        _ => {}
    }
}

fn perform(content: &mut Vec<u8>, operation: &Operation) {
    match operation {
        Operation::Write { offset, data } => write(content, *offset, data),
        Operation::Truncate { size } => content.resize(*size, 0),
        _ => {}
    }
}

fn write(content: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(data);
}

/// Does to the content what was left of an operation that was not synced.
fn survive(
    content: &mut Vec<u8>,
    operation: &Operation,
    fate: Fate,
    is_last: bool,
    chance: &mut Chance,
) {
    match (fate, operation) {
        (Fate::Lost, _) => {}
        (Fate::Scattered, _) | (Fate::Torn, Operation::Truncate { .. }) => {
            if chance.coin() {
                perform(content, operation);
            }
        }
        (Fate::Torn, Operation::Write { offset, data }) => {
            for (start, sector) in sectors(*offset, data) {
                if chance.coin() {
                    write(content, start, sector);
                }
            }
        }
        (Fate::Cut, Operation::Write { offset, data }) if is_last => {
            let whole = chance.below(sectors(*offset, data).count());
            for (start, sector) in sectors(*offset, data).take(whole) {
                write(content, start, sector);
            }
        }
        _ => perform(content, operation),
    }
}

/// A write in pieces that end where sectors of the disk end.
fn sectors(offset: usize, data: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = offset;
    let mut rest = data;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = (SECTOR - at % SECTOR).min(rest.len());
        let (sector, behind) = rest.split_at(length);
        let start = at;
        (at, rest) = (at + length, behind);
        Some((start, sector))
    })
}
