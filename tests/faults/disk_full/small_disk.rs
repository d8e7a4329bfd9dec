//! A file system with room for 1 MB in a mount namespace of its own, which ends
//! with the process that holds it: nothing is mounted that outlives the test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use parlour_tests::{process::Process, program::ServerProgram};

/// A small disk over the data folder of a server.
pub(super) struct SmallDisk {
    holder: Process,
    way: &'static [&'static str],
    data: PathBuf,
}

/// How a user gets a mount namespace: as root, or as root of a user namespace.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--mount", "--user", "--map-root-user"]];

const MOUNT: &str = "mount -t tmpfs -o size=9m,mode=0700 tmpfs \"$0\" && echo mounted && exec cat";

/// What takes up the rest of the room.
const FILLER: &str = "filler";

/// How much that is, in bytes.
const FILLER_SIZE: usize = 8 << 20;

impl SmallDisk {
    /// Puts one over the server's data folder, for the processes that
    /// [`Self::start`] starts. `None`: nothing can be mounted here.
    pub(super) fn mount(server: &ServerProgram) -> Option<Self> {
        fs::create_dir(server.data()).expect("a folder");
        WAYS.into_iter().find_map(|way| {
            let mut command = Command::new("unshare");
            command.args(way).args(["sh", "-c", MOUNT]);
            command.arg(server.data()).stderr(server.log_file());
            let mut holder = Process::start(command);
            holder.line().filter(|line| line == "mounted")?;
            let disk = Self {
                holder,
                way,
                data: server.data().to_owned(),
            };
            fs::write(disk.path().join(FILLER), vec![0; FILLER_SIZE]).expect("room");
            Some(disk)
        })
    }

    /// Starts the server on it.
    pub(super) fn start(&self, server: &mut ServerProgram) {
        let inner = server.command();
        let mut command = self.inside();
        command.arg(inner.get_program()).args(inner.get_args());
        command
            .env_remove("PARLOUR_SERVER")
            .stderr(server.log_file());
        server.restart_by(command);
    }

    /// Gives it room.
    pub(super) fn grow(&self) {
        fs::remove_file(self.path().join(FILLER)).expect("removed");
    }

    /// Where it is seen from here.
    pub(super) fn path(&self) -> PathBuf {
        let data = self.data.strip_prefix("/").expect("a whole path");
        let holder = self.holder.id().to_string();
        Path::new("/proc").join(holder).join("root").join(data)
    }

    /// The beginning of a command that sees it.
    fn inside(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if self.way.contains(&"--user") {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--");
        command
    }
}
