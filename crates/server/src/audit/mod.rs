//! The audit log: who came in, who was refused, what the operator did. JSON
//! lines in a file of their own, without names, secrets or contents.
//!
//! ```text
//!  hub, gateway, admin ──record──► queue (bounded) ──► a thread ──► audit.jsonl ─► .1 ─► … ─► .5
//! ```
//! Nobody waits for the disk. If the queue is full, the next line that fits
//! says how many are missing.

mod file;

use std::{
    io,
    net::IpAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use parlour_protocol::{UserId, pm::Code};
use serde::Serialize;

use file::Rotating;

/// The file in the data folder.
pub(crate) const FILE: &str = "audit.jsonl";

/// Lines that wait for the disk.
const QUEUE: usize = 4096;

/// Bytes of one file, and how many older ones are kept: some hundred thousand
/// lines in all.
const FILE_BYTES: u64 = 10 * 1024 * 1024;
const OLDER: u32 = 5;

/// What happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// Somebody came in.
    SignedIn {
        user: UserId,
        ip: IpAddr,
        /// As a new user, or by a session or password.
        new_user: bool,
        resumed: bool,
    },
    /// Somebody was not let in.
    Refused { ip: IpAddr, code: Code },
    /// A user ended sessions of their own.
    SignedOut { user: UserId, sessions: u64 },
    /// The operator did something.
    Admin {
        action: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<UserId>,
        done: bool,
    },
    /// The server started, or is ending.
    Server { action: &'static str },
    /// Lines that did not fit the queue.
    Missed { count: u64 },
}

/// Takes entries. Cheap to clone; all clones write to one file, and the last
/// one dropped ends the thread after what is queued.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    queue: Option<mpsc::SyncSender<(u64, Entry)>>,
    missed: Arc<AtomicU64>,
}

/// The thread, to be joined once every [`Audit`] is dropped.
#[derive(Debug)]
pub(crate) struct AuditThread(Option<thread::JoinHandle<()>>);

impl Audit {
    /// Writes nothing: for a server without a data folder.
    pub(crate) fn none() -> Self {
        Self {
            queue: None,
            missed: Arc::default(),
        }
    }

    /// Writes to the file in `folder`.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, AuditThread)> {
        Self::with(folder, FILE_BYTES)
    }

    fn with(folder: &Path, most: u64) -> io::Result<(Self, AuditThread)> {
        let mut file = Rotating::open(folder.join(FILE), most)?;
        let (sender, receiver) = mpsc::sync_channel::<(u64, Entry)>(QUEUE);
        let missed = Arc::<AtomicU64>::default();
        let told = missed.clone();
        let thread = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                for (at_ms, entry) in receiver {
                    let lost = told.swap(0, Relaxed);
                    if lost > 0 {
                        file.line(at_ms, &Entry::Missed { count: lost });
                    }
                    file.line(at_ms, &entry);
                }
            })?;
        let audit = Self {
            queue: Some(sender),
            missed,
        };
        Ok((audit, AuditThread(Some(thread))))
    }

    /// Writes `entry` down, soon.
    pub(crate) fn record(&self, entry: Entry) {
        if let Some(queue) = &self.queue
            && queue.try_send((now_ms(), entry)).is_err()
        {
            self.missed.fetch_add(1, Relaxed);
        }
    }
}

impl AuditThread {
    /// Nothing to wait for.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Waits until everything is written. Every [`Audit`] must be dropped.
    pub(crate) fn join(mut self) {
        if let Some(thread) = self.0.take() {
            // It has no way to panic; if it did, the log of panics says so.
            let _ = thread.join();
        }
    }
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn refused() -> Entry {
        Entry::Refused {
            ip: "192.0.2.1".parse().expect("address"),
            code: Code::Forbidden,
        }
    }

    #[test]
    fn entries_are_lines_of_json_in_a_private_file() {
        let folder = tempfile::tempdir().expect("folder");
        let (audit, thread) = Audit::open(folder.path()).expect("opened");
        audit.record(Entry::SignedIn {
            user: UserId::new("u1"),
            ip: "2001:db8::1".parse().expect("address"),
            new_user: true,
            resumed: false,
        });
        audit.record(refused());
        audit.record(Entry::Admin {
            action: "ban",
            user: Some(UserId::new("u1")),
            done: true,
        });
        drop(audit);
        thread.join();
        let text = fs::read_to_string(folder.path().join(FILE)).expect("a file");
        let lines: Vec<_> = text
            .lines()
            .map(|line| {
                let (time, rest) = line.split_once(',').expect("fields");
                assert!(time.starts_with("{\"at_ms\":"), "{time}");
                rest.to_owned()
            })
            .collect();
        assert_eq!(
            lines,
            [
                r#""event":"signed_in","user":"u1","ip":"2001:db8::1","new_user":true,"resumed":false}"#,
                r#""event":"refused","ip":"192.0.2.1","code":"forbidden"}"#,
                r#""event":"admin","action":"ban","user":"u1","done":true}"#,
            ]
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let metadata = fs::metadata(folder.path().join(FILE)).expect("metadata");
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn old_files_make_room_for_new_ones() {
        let folder = tempfile::tempdir().expect("folder");
        let (audit, thread) = Audit::with(folder.path(), 200).expect("opened");
        for _ in 0..30 {
            audit.record(refused());
        }
        drop(audit);
        thread.join();
        let mut files: Vec<_> = fs::read_dir(folder.path())
            .expect("folder")
            .map(|file| {
                let file = file.expect("file");
                assert!(file.metadata().expect("metadata").len() <= 200);
                file.file_name().into_string().expect("a name")
            })
            .collect();
        files.sort();
        let expected = ["", ".1", ".2", ".3", ".4", ".5"].map(|end| format!("{FILE}{end}"));
        assert_eq!(files, expected);
    }

    #[test]
    fn what_did_not_fit_is_told() {
        let folder = tempfile::tempdir().expect("folder");
        let (audit, thread) = Audit::open(folder.path()).expect("opened");
        audit.missed.store(7, Relaxed);
        audit.record(refused());
        drop(audit);
        thread.join();
        let text = fs::read_to_string(folder.path().join(FILE)).expect("a file");
        assert!(text.contains(r#""event":"missed","count":7}"#), "{text}");
    }
}
