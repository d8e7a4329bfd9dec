//! Programs that are started together with everything they start, watched,
//! and ended together: by their own end, a time limit, or Ctrl-C.

use std::io;
#[cfg(unix)]
use std::process::Stdio;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How often a waiting loop looks.
pub(crate) const POLL: Duration = Duration::from_millis(50);

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From here on Ctrl-C and a polite kill end what was started, and then this
/// tool. A second one changes nothing: some senders send two at once.
pub(crate) fn watch_signals() -> Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let flag = INTERRUPTED.get_or_init(Arc::default);
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    signals.push(signal_hook::consts::SIGHUP);
    for signal in signals {
        signal_hook::flag::register(signal, Arc::clone(flag))?;
    }
    Ok(())
}

pub(crate) fn interrupted() -> bool {
    INTERRUPTED
        .get()
        .is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// A program and its descendants. Dropping it ends them, and so does the end
/// of this tool, however it comes.
pub(crate) struct Group {
    #[cfg(unix)]
    guard: Child,
    child: Child,
    stopped: bool,
}

impl Group {
    /// Starts `command` in a process group, so that one signal reaches all
    /// that it starts. The head of the group is a guard: it waits for the end
    /// of a pipe that only this process holds open, and then ends the group.
    #[cfg(unix)]
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        use std::os::unix::process::CommandExt;
        let mut guard = Command::new("sh");
        // It stays while the others are asked politely.
        guard.args([
            "-c",
            "trap '' HUP INT TERM; read -r nothing; kill -s KILL 0",
        ]);
        guard
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut guard = guard.process_group(0).spawn()?;
        let group = i32::try_from(guard.id()).map_err(io::Error::other)?;
        match command.process_group(group).spawn() {
            Ok(child) => Ok(Self {
                guard,
                child,
                stopped: false,
            }),
            Err(error) => {
                drop(guard.stdin.take());
                guard.wait()?;
                Err(error)
            }
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        Ok(Self {
            child: command.spawn()?,
            stopped: false,
        })
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How the program ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Asks the group to end, waits for at most `patience`, then ends it: also
    /// when the program itself is gone, since a descendant may have stayed.
    pub(crate) fn stop(&mut self, patience: Duration) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            self.ask();
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                thread::sleep(POLL);
            }
        }
        self.kill();
        // An error says that it has been waited for already.
        let _ = self.child.wait();
    }

    #[cfg(unix)]
    fn ask(&self) {
        // The shell's own `kill`: the program of that name is not everywhere,
        // and the system call would need unsafe code.
        let line = format!("kill -s TERM -- -{}", self.guard.id());
        let _ = Command::new("sh")
            .arg("-c")
            .arg(line)
            .stderr(Stdio::null())
            .status();
    }

    #[cfg(unix)]
    fn kill(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }

    #[cfg(not(unix))]
    fn ask(&mut self) {
        self.kill();
    }

    #[cfg(not(unix))]
    fn kill(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop(Duration::from_secs(2));
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{BufRead, BufReader, Read};

    use super::*;

    #[test]
    fn stopping_a_group_ends_the_descendants_too() {
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 600 & echo started; wait"])
            .stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command).unwrap();
        let mut output = BufReader::new(group.child().stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "started\n");

        group.stop(Duration::from_secs(5));

        // The pipe ends only once nobody holds its other side: not the shell,
        // and not the sleeper that it left.
        assert_eq!(output.read_to_string(&mut line).unwrap(), 0);
    }

    #[test]
    fn a_program_may_end_in_its_own_way_when_it_is_asked() {
        let mut command = Command::new("sh");
        let script = "trap 'echo bye; exit 7' TERM; echo here; while :; do sleep 0.01; done";
        command.args(["-c", script]).stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command).unwrap();
        let mut output = BufReader::new(group.child().stdout.take().unwrap());
        output.read_line(&mut String::new()).unwrap();

        group.stop(Duration::from_secs(10));

        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "bye\n");
        assert_eq!(group.ended().unwrap().unwrap().code(), Some(7));
    }

    #[test]
    fn what_a_program_left_behind_ends_with_its_group() {
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 600 & echo gone"])
            .stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command).unwrap();
        let mut output = BufReader::new(group.child().stdout.take().unwrap());
        output.read_line(&mut String::new()).unwrap();
        group.child().wait().unwrap();

        drop(group);

        assert_eq!(output.read_to_string(&mut String::new()).unwrap(), 0);
    }

    #[test]
    fn a_group_that_ignores_the_request_is_ended_all_the_same() {
        let mut command = Command::new("sh");
        let script = "trap '' TERM; echo deaf; while :; do sleep 600; done";
        command.args(["-c", script]).stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command).unwrap();
        let mut output = BufReader::new(group.child().stdout.take().unwrap());
        output.read_line(&mut String::new()).unwrap();

        group.stop(Duration::from_millis(100));

        assert!(!group.ended().unwrap().unwrap().success());
    }
}
