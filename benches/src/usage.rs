//! What processes take of the machine, from `/proc`. Where there is no such
//! folder the answers are `None`.

use std::fs;
use std::time::{Duration, Instant};

use serde::Serialize;

/// Nanoseconds of one tick of `/proc/PID/stat`: the same on every Linux,
/// whatever the kernel's own clock.
const TICK: u64 = 10_000_000;

/// How much of a core each side took over a span of time, from 0 to 1 (more
/// than 1 where several cores were used).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cores {
    /// The server, if it was named and is on this machine.
    pub server: Option<f64>,
    /// This generator.
    pub load: Option<f64>,
}

/// The start of a span over which processor time is counted.
#[derive(Debug)]
pub(crate) struct Meter {
    server: Option<u32>,
    start: Instant,
    server_time: Option<u64>,
    own_time: Option<u64>,
}

impl Meter {
    pub(crate) fn start(server: Option<u32>) -> Self {
        Self {
            server,
            start: Instant::now(),
            server_time: server.and_then(|pid| processor_time(&pid.to_string())),
            own_time: processor_time("self"),
        }
    }

    pub(crate) fn read(&self) -> Cores {
        self.read_over(self.start.elapsed())
    }

    /// As if all that was done until now had been done within `span`.
    pub(crate) fn read_over(&self, span: Duration) -> Cores {
        let seconds = span.as_secs_f64().max(f64::EPSILON);
        let share = |before: Option<u64>, now: Option<u64>| {
            Some(now?.saturating_sub(before?) as f64 / 1e9 / seconds)
        };
        let server = self.server.and_then(|pid| processor_time(&pid.to_string()));
        Cores {
            server: share(self.server_time, server),
            load: share(self.own_time, processor_time("self")),
        }
    }
}

/// Nanoseconds that the threads of a process have run. In ticks those count
/// too that have ended since, and to the nanosecond those that are there.
fn processor_time(process: &str) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let coarse = parse_ticks(&stat)? * TICK;
    Some(exact_time(process).map_or(coarse, |exact| exact.max(coarse)))
}

fn exact_time(process: &str) -> Option<u64> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let times = threads.filter_map(|thread| {
        // A thread may end while it is looked at.
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Some(times.sum())
}

/// User and system time. The name before them may hold blanks and brackets.
fn parse_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// What it holds now.
    pub now: u64,
    /// The most it ever held.
    pub peak: u64,
}

pub(crate) fn memory(pid: Option<u32>) -> Option<Memory> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid?)).ok()?;
    parse_memory(&status)
}

fn parse_memory(status: &str) -> Option<Memory> {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Memory {
        now: field("VmRSS:")?,
        peak: field("VmHWM:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 120 30 0 0 20 0 1 0 5 6 7";
        assert_eq!(parse_ticks(stat), Some(150));
        assert_eq!(parse_ticks("7 (a"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn work_takes_processor_time() {
        let before = processor_time("self").unwrap();
        let mut number = 1_u64;
        // Not a matter of time: a loop that runs takes some.
        while processor_time("self").unwrap() <= before {
            number = std::hint::black_box(number.wrapping_mul(3));
        }
    }

    #[test]
    fn memory_is_read_in_kib() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        let memory = parse_memory(status).unwrap();
        assert_eq!((memory.now, memory.peak), (1024, 2048));
        assert_eq!(parse_memory("Name:\tx\n"), None);
    }
}
