//! Room that is kept for when there is none.
//!
//! A full disk refuses even the smallest write, also the one that would end a
//! session or note what was read. So a file of no use lies in the data folder:
//!
//! ```text
//!           a commit finds the disk full: the file goes
//!   Ample ──────────────────────────────────────────────► Low
//!     ▲                                                    │
//!     └────────────────────────────────────────────────────┘
//!           something that grows the data is to be written, and there
//!           is room for the file and as much again
//! ```
//! While room is low only what does not grow the data is written, into the
//! room that the file left. What does (messages, users) is refused at once.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};

use super::folder::{open_private, remove};

/// Bytes kept free: some dozens of commits of a few pages each. Storage.
const BALLAST_BYTES: usize = 256 * 1024;

/// Bytes that must be free besides, to go on after the disk was full: or every
/// message would fill it once more. Storage.
const HEADROOM_BYTES: usize = 256 * 1024;

/// How long a disk that was full is taken for full, unless somebody asks
/// anew: looking takes longer than refusing. Storage.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The file.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    held: bool,
    /// When there was last no room for it.
    refused: Option<Instant>,
}

impl Ballast {
    /// Makes the file if there is none, and room for it.
    pub(super) fn new(path: PathBuf) -> Self {
        let mut ballast = Self {
            path,
            held: false,
            refused: None,
        };
        // No room for it is no fault: that is the state Low.
        if let Err(error) = ballast.hold() {
            tracing::warn!(%error, "no room can be kept free for a full disk");
        }
        ballast
    }

    /// Whether room is low.
    pub(super) fn is_low(&self) -> bool {
        !self.held
    }

    /// As [`Ballast::hold`], but takes the last answer if it is fresh.
    pub(super) fn hold_by(&mut self, now: Instant) -> io::Result<()> {
        let is_fresh = |refused| now.saturating_duration_since(refused) < LOOK_AGAIN;
        if !self.held && self.refused.is_some_and(is_fresh) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.hold()
    }

    /// Makes the file unless it is there.
    pub(super) fn hold(&mut self) -> io::Result<()> {
        if self.held {
            return Ok(());
        }
        let whole = |len| len == BALLAST_BYTES as u64;
        if fs::metadata(&self.path).is_ok_and(|file| whole(file.len())) {
            self.held = true;
            return Ok(());
        }
        let made = self.write();
        if made.is_err() {
            self.refused = Some(Instant::now());
            // Half a file would hold room that nobody counts on.
            remove(&self.path)?;
        }
        self.held = made.is_ok();
        made
    }

    /// Gives the room away.
    pub(super) fn release(&mut self) -> io::Result<()> {
        self.held = false;
        remove(&self.path)
    }

    fn write(&self) -> io::Result<()> {
        let mut file = open_private(&self.path)?;
        // Nothing that a file system could leave out or press together.
        let noise: Vec<u8> = (0..(BALLAST_BYTES + HEADROOM_BYTES) / 16)
            .flat_map(|_| rand::random::<[u8; 16]>())
            .collect();
        file.write_all(&noise)?;
        file.sync_all()?;
        file.set_len(BALLAST_BYTES as u64)?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_made_given_away_and_made_again() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("ballast");
        let mut ballast = Ballast::new(path.clone());
        assert!(!ballast.is_low());
        let len = || fs::metadata(&path).map(|file| file.len()).ok();
        assert_eq!(len(), Some(BALLAST_BYTES as u64));
        ballast.release().expect("release");
        assert!(ballast.is_low());
        assert_eq!(len(), None);
        ballast.hold().expect("hold");
        assert!(!ballast.is_low());
        assert_eq!(len(), Some(BALLAST_BYTES as u64));
    }

    #[test]
    fn half_a_file_counts_as_none() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("ballast");
        fs::write(&path, "half").expect("file");
        let ballast = Ballast::new(path.clone());
        assert!(!ballast.is_low());
        assert_eq!(
            fs::metadata(&path).expect("file").len(),
            BALLAST_BYTES as u64
        );
    }

    #[test]
    fn without_a_folder_room_is_low() {
        let folder = tempfile::tempdir().expect("folder");
        let mut ballast = Ballast::new(folder.path().join("none/ballast"));
        assert!(ballast.is_low());
        assert!(ballast.hold().is_err());
        fs::create_dir(folder.path().join("none")).expect("folder");
        let now = Instant::now();
        assert!(ballast.hold_by(now).is_err(), "looked a moment ago");
        ballast.hold_by(now + LOOK_AGAIN).expect("room");
        assert!(!ballast.is_low());
    }
}
