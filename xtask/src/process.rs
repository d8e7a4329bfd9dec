//! Programs that are started together with everything they start, watched,
//! and ended together: by their own end, a time limit, or Ctrl-C.

use std::io;
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
/// tool; a second one ends this tool at once.
pub(crate) fn watch_signals() -> Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let flag = Arc::clone(INTERRUPTED.get_or_init(Arc::default));
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    signals.push(signal_hook::consts::SIGHUP);
    for signal in signals {
        // The order matters: the second signal finds the flag set by the first.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(())
}

pub(crate) fn interrupted() -> bool {
    INTERRUPTED
        .get()
        .is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// A program and its descendants. Dropping it ends them.
pub(crate) struct Group {
    child: Child,
    ended: bool,
}

impl Group {
    /// Starts `command` at the head of a process group of its own, so that
    /// one signal reaches all that it starts.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        Ok(Self {
            child: command.spawn()?,
            ended: false,
        })
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How the program ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Asks the group to end, waits for at most `patience`, then ends it.
    pub(crate) fn stop(&mut self, patience: Duration) {
        if self.ended {
            return;
        }
        self.ended = true;
        let deadline = Instant::now() + patience;
        self.signal("TERM");
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(POLL);
        }
        // Also when the head is gone: a descendant may have stayed.
        self.signal("KILL");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        // The shell's own `kill`: the program of that name is not everywhere,
        // and the system call would need unsafe code.
        let line = format!("kill -s {name} -- -{} 2>/dev/null", self.child.id());
        let _ = Command::new("sh").arg("-c").arg(line).status();
    }

    #[cfg(not(unix))]
    fn signal(&mut self, _name: &str) {
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
    use std::process::Stdio;

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
