//! Nothing lost, nothing doubled: many people with the real engine write to each
//! other over lines on which everything goes wrong, on the servers that they may
//! meet, and programs are killed. What each app says of each message has to be true.
//!
//! `cargo build -p parlour-server -p parlour-cli` builds the programs. With
//! `PARLOUR_FAULTS=long` five times as much is written.
#![allow(clippy::expect_used, reason = "a test ends where it fails")]

mod all;
mod app;
mod killed;
mod official;
mod ours;
mod pair;

use std::{process::ExitCode, time::Duration};

use libtest_mimic::Arguments;
use parlour_tests::setting::trial_within;

/// All at once: they wait most of the time.
const AT_ONCE: usize = 8;

/// What each takes on two busy cores, and as much again.
const LIMIT: Duration = Duration::from_secs(400);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    macro_rules! trials {
        ($($module:ident: $($name:ident),+;)+) => {
            vec![$($(trial_within(
                LIMIT,
                concat!(stringify!($module), "::", stringify!($name)),
                $module::$name,
            )),+),+]
        };
    }
    let trials = trials! {
        official:
            where_messages_are_not_kept_nothing_is_said_that_is_not_so,
            where_messages_are_kept_nothing_is_lost_and_nothing_doubled;
        ours: a_server_that_is_killed_loses_and_doubles_nothing_on_any_line;
        killed: apps_that_are_killed_lose_and_double_nothing;
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}
