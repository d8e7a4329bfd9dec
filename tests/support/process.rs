//! Processes that speak in lines, and never outlive their test.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    time::Duration,
};

/// How long a process may take for one line.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lines that may wait to be read; then the process waits.
const LINES: usize = 1024;

/// A process with everything that it starts. Dropping it kills them all.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    /// Starts `command` with its input and output here; what it says on the
    /// standard error goes to the test's own.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let output = child.stdout.take().expect("asked for above");
        Self {
            name,
            input: child.stdin.take(),
            child,
            lines: lines_of(output),
        }
    }

    /// The next line that it prints, or `None` at its end.
    ///
    /// # Panics
    /// If nothing comes for a minute.
    pub fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("{} says nothing any more", self.name),
        }
    }

    /// Writes a line to its input.
    ///
    /// # Panics
    /// If it has ended.
    pub fn tell(&mut self, line: &str) {
        let told = self
            .input
            .as_mut()
            .map_or(Err(io::ErrorKind::BrokenPipe.into()), |input| {
                writeln!(input, "{line}")
            });
        told.unwrap_or_else(|error| panic!("{} hears nothing any more: {error}", self.name));
    }

    /// Its number in the system.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, by its name: `TERM`, `STOP`.
    ///
    /// # Panics
    /// If it has ended.
    pub fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        kill.args(["-s", signal, "--", &self.child.id().to_string()]);
        let sent = kill.status().is_ok_and(|status| status.success());
        assert!(sent, "{} cannot be sent {signal}", self.name);
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// If it cannot be asked.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of this process")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it cannot be waited for.
    pub fn wait(&mut self) -> ExitStatus {
        self.input = None;
        self.child.wait().expect("a child of this process")
    }

    /// Kills it and everything that it started, and waits until it is gone.
    pub fn kill(&mut self) {
        self.input = None;
        if cfg!(unix) {
            // By the command of that name: from here it would be unsafe code.
            let mut kill = Command::new("kill");
            kill.args(["-s", "KILL", "--", &format!("-{}", self.child.id())]);
            // It fails where all have ended already, which is what is wanted.
            let _ = kill.stderr(Stdio::null()).status();
        } else {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that was waited for has no number any more that is its own.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.kill();
        }
    }
}

fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = sync_channel(LINES);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// One of our own programs, as it was built beside this test.
///
/// # Panics
/// If it is not built.
#[must_use]
pub fn program(name: &str) -> Command {
    let test = std::env::current_exe().expect("this test has a path");
    let folder = test
        .parent()
        .and_then(std::path::Path::parent)
        .expect("a target folder");
    let path = folder
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        path.is_file(),
        "{name} is not built: run `cargo build -p {name}` first"
    );
    Command::new(path)
}
