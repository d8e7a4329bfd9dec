//! Processes that never outlive the test.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

/// A process and everything it starts, as one process group. The group is
/// killed when this is dropped, and also when the test itself is killed: its
/// first member waits for the end of a pipe that only the test holds open.
pub(crate) struct Group {
    guard: Child,
    main: Child,
}

impl Group {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut guard = Command::new("sh");
        guard.args(["-c", "cat > /dev/null; kill -s KILL 0"]);
        let guard = spawn(guard.process_group(0).stdin(Stdio::piped()));
        let group = i32::try_from(guard.id()).expect("process ids are small");
        let main = spawn(command.process_group(group).stdin(Stdio::null()));
        Self { guard, main }
    }

    /// Starts a command and waits until it has printed a line with this text:
    /// the way servers say that they are there. Gives what follows the text.
    pub(crate) fn start_until(command: &mut Command, text: &str) -> (Self, String) {
        let mut group = Self::start(command.stdout(Stdio::piped()));
        let output = group.main.stdout.take().expect("asked for above");
        let mut lines = BufReader::new(output);
        let rest = wait_for(&mut lines, text)
            .unwrap_or_else(|| panic!("{} ended without “{text}”", name(command)));
        // Read on, or the process stops at a full pipe.
        std::thread::spawn(move || for _ in lines.lines() {});
        (group, rest)
    }

    /// Asks the process itself to end, and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        signal("TERM", &self.main.id().to_string());
        self.main.wait().expect("a child of ours")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        for child in [&mut self.guard, &mut self.main] {
            // An error says that it has been waited for already.
            let _ = child.wait();
        }
    }
}

/// Whether a process ended by itself, without complaint.
pub(crate) fn ended_cleanly(status: ExitStatus) -> bool {
    status.success() && status.signal().is_none()
}

fn wait_for(lines: &mut BufReader<ChildStdout>, text: &str) -> Option<String> {
    let mut line = String::new();
    while lines.read_line(&mut line).ok()? > 0 {
        if let Some((_, rest)) = line.split_once(text) {
            return Some(rest.trim().to_owned());
        }
        line.clear();
    }
    None
}

fn spawn(command: &mut Command) -> Child {
    command
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", name(command)))
}

/// By the command of that name: sending signals from here would be unsafe code.
fn signal(signal: &str, to: &str) {
    let status = Command::new("kill").args(["-s", signal, "--", to]).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{to} cannot be sent {signal}"
    );
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
