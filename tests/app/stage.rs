//! What a story is seen by: displays, pictures, logs.

use std::{
    fs::File,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{parts, process::Group};

/// A screen that nobody looks at, for one person: two windows on one screen
/// would take the focus from each other.
pub(crate) struct Display {
    _xvfb: Group,
    name: String,
}

impl Display {
    pub(crate) fn new() -> Self {
        let mut xvfb = Command::new("Xvfb");
        xvfb.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1280x960x24",
            "-nolisten",
            "tcp",
        ]);
        // It complains of each number that is taken.
        xvfb.stderr(Stdio::null());
        // It prints the number that it chose once it takes connections.
        let (xvfb, number) = Group::start_until(&mut xvfb, "");
        Self {
            _xvfb: xvfb,
            name: format!(":{number}"),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// The file of a picture.
pub(crate) fn picture(name: &str) -> PathBuf {
    folder("target/screenshots").join(format!("{name}.png"))
}

/// The file of what a part of a story prints.
pub(crate) fn log(name: &str) -> PathBuf {
    folder("target/app-test-logs").join(format!("{name}.log"))
}

/// That file, for a process to write to.
pub(crate) fn open_log(name: &str) -> File {
    let log = File::options().create(true).append(true).open(log(name));
    log.expect("a file under target")
}

fn folder(path: &str) -> PathBuf {
    let folder = parts::root().join(path);
    std::fs::create_dir_all(&folder).expect("a folder under target");
    folder
}
