//! Where a story takes place: a display of its own, and a place for pictures.

use std::{path::PathBuf, process::Command};

use crate::{parts, process::Group};

/// A display that nobody looks at.
pub(crate) struct Stage {
    _xvfb: Group,
    display: String,
}

impl Stage {
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
        // It prints the number that it chose once it takes connections.
        let (xvfb, number) = Group::start_until(&mut xvfb, "");
        Self {
            _xvfb: xvfb,
            display: format!(":{number}"),
        }
    }

    pub(crate) fn display(&self) -> &str {
        &self.display
    }
}

/// The file of a picture.
pub(crate) fn picture(name: &str) -> PathBuf {
    folder("target/screenshots").join(format!("{name}.png"))
}

/// The file of what a person's desktop printed.
pub(crate) fn log(name: &str) -> PathBuf {
    folder("target/app-test-logs").join(format!("{name}.log"))
}

fn folder(path: &str) -> PathBuf {
    let folder = parts::root().join(path);
    std::fs::create_dir_all(&folder).expect("a folder under target");
    folder
}
