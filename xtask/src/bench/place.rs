//! Where on the machine each side runs: the server on one core, the load on
//! another, ahead of everything else.
//!
//! The server gets real-time turns (`chrt -r`) and not `chrt -f`: with that,
//! a Node whose helper threads share its core is starved of its own compiler,
//! and is measured at a third of its speed.

use crate::machine;

/// Room for 10,000 connections and more. Many systems start with 1,024.
const FILES: &str = "--nofile=20000";

/// What to put before the words of a program.
type Prefix = Vec<String>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) server: Prefix,
    pub(crate) load: Prefix,
    /// What was possible here, in a sentence.
    pub(crate) said: String,
}

impl Places {
    pub(crate) fn find() -> Self {
        let allowed = std::fs::read_to_string("/proc/self/status")
            .ok()
            .and_then(|status| allowed_cores(&status))
            .unwrap_or_default();
        let has = |words: &[&str]| machine::answer(words[0], &words[1..]).is_some();
        let mut places = Self::choose(
            &allowed,
            has(&["taskset", "--version"]),
            has(&["chrt", "-r", "50", "true"]),
        );
        if has(&["prlimit", FILES, "true"]) {
            places.server.extend(["prlimit", FILES].map(str::to_owned));
            places.load.extend(["prlimit", FILES].map(str::to_owned));
        } else {
            places.said += "; not every connection of the largest storm may be allowed here";
        }
        places
    }

    fn choose(allowed: &[usize], pins: bool, hurries: bool) -> Self {
        let mut places = Self::default();
        match allowed {
            [.., load, server] if pins => {
                let pin = |core: &usize| ["taskset", "-c", &core.to_string()].map(str::to_owned);
                places.server.extend(pin(server));
                places.load.extend(pin(load));
                places.said = format!("server pinned to core {server}, load to core {load}");
            }
            _ if pins => places.said = "one core for both: figures say little".to_owned(),
            _ => places.said = "not pinned (no taskset): figures are coarse".to_owned(),
        }
        if hurries {
            places
                .server
                .extend(["chrt", "-r", "50"].map(str::to_owned));
            places.load.extend(["chrt", "-f", "50"].map(str::to_owned));
            places.said += ", both with real-time priority";
        } else {
            places.said += ", without real-time priority (this account may not)";
        }
        places
    }
}

/// The cores this process may use, from `/proc/self/status`.
fn allowed_cores(status: &str) -> Option<Vec<usize>> {
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut cores = Vec::new();
    for part in list.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        cores.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    Some(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_has_a_core_of_its_own() {
        let places = Places::choose(&[0, 1, 4], true, true);
        assert_eq!(places.server.join(" "), "taskset -c 4 chrt -r 50");
        assert_eq!(places.load.join(" "), "taskset -c 1 chrt -f 50");
        assert!(places.said.contains("core 4"), "{}", places.said);
    }

    #[test]
    fn what_is_not_possible_is_said() {
        let places = Places::choose(&[0, 1], false, false);
        assert!(places.server.is_empty() && places.load.is_empty());
        assert!(places.said.contains("not pinned") && places.said.contains("may not"));
        let places = Places::choose(&[0], true, false);
        assert!(places.server.is_empty() && places.said.contains("one core"));
    }

    #[test]
    fn the_list_of_cores_is_read() {
        let status = "Name:\tx\nCpus_allowed_list:\t0-2,5\n";
        assert_eq!(allowed_cores(status), Some(vec![0, 1, 2, 5]));
        assert_eq!(allowed_cores("Name:\tx\n"), None);
    }
}
