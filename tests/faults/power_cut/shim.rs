//! The shim between a server and its disk: compiled here, loaded by the server.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use parlour_tests::program::ServerProgram;

/// A compiled shim, and where its log is.
#[derive(Debug)]
pub(crate) struct Shim {
    library: PathBuf,
    log: PathBuf,
}

impl Shim {
    /// Compiles it into the server's folder of files. `None`: there is no
    /// compiler here.
    pub(crate) fn build(folder: &Path) -> Option<Self> {
        let library = folder.join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/shim.c");
        let mut cc = Command::new("cc");
        cc.args([
            "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o",
        ]);
        cc.arg(&library).arg(source).args(["-ldl", "-lpthread"]);
        let status = cc.status().ok()?;
        assert!(status.success(), "the shim does not compile");
        Some(Self {
            library,
            log: folder.join("shim.log"),
        })
    }

    /// Lets a server run on a disk that is only a log, and whose syncs take this
    /// many microseconds.
    pub(crate) fn records(&self, server: &mut ServerProgram, sync_us: u32) {
        self.load(server);
        server.set("SHIM_LOG", self.log.to_str().expect("a path"));
        server.set("SHIM_SYNC_US", &sync_us.to_string());
    }

    /// Lets a server be killed before its `operation`th operation on the disk.
    pub(crate) fn kills(&self, server: &mut ServerProgram, operation: usize) {
        self.load(server);
        server.set("SHIM_DIE_AT", &operation.to_string());
    }

    fn load(&self, server: &mut ServerProgram) {
        let data = server.data().to_str().expect("a path").to_owned();
        let library = self.library.to_str().expect("a path");
        server.unset_all();
        server.set("SHIM_FOLDER", &data);
        server.set("LD_PRELOAD", library);
    }

    /// The log.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// How long the log is by now.
    pub(crate) fn log_length(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |about| about.len())
    }
}
