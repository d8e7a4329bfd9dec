//! What a server must stand: kills, power cuts, a full disk, crowds, people who
//! read nothing, and everything malformed. The criterion is the same everywhere:
//! no acknowledged message lost, none doubled, the same order for everybody.
//!
//! The server is the real program, as a process; `cargo build -p parlour-server`
//! builds it. `PARLOUR_FAULTS=long` tries everything more often.
#![cfg_attr(
    target_os = "linux",
    allow(clippy::expect_used, reason = "a test ends where it fails")
)]

#[cfg(target_os = "linux")]
mod crowd;
#[cfg(target_os = "linux")]
mod devices;
#[cfg(target_os = "linux")]
mod disk_full;
#[cfg(target_os = "linux")]
mod ending;
#[cfg(target_os = "linux")]
mod kill;
#[cfg(target_os = "linux")]
mod large;
#[cfg(target_os = "linux")]
mod malformed;
#[cfg(target_os = "linux")]
mod migration;
#[cfg(target_os = "linux")]
mod power_cut;
#[cfg(target_os = "linux")]
mod rate;
#[cfg(target_os = "linux")]
mod slow_reader;
#[cfg(target_os = "linux")]
mod traffic;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
#[cfg(target_os = "linux")]
use parlour_tests::{database, setting};

/// Most of these wait most of the time.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    libtest_mimic::run(&arguments, trials()).exit_code()
}

/// The faults are those of Linux: its signals, its `/proc`, its way to stand
/// between a program and its disk.
#[cfg(not(target_os = "linux"))]
fn trials() -> Vec<Trial> {
    let skipped = || Ok(libtest_mimic::Completion::ignored_with("on Linux only"));
    vec![Trial::ignorable_test("faults", skipped)]
}

#[cfg(target_os = "linux")]
fn trials() -> Vec<Trial> {
    macro_rules! trials {
        ($($module:ident: $($name:ident),+;)+) => {
            vec![$($(setting::trial(
                concat!(stringify!($module), "::", stringify!($name)),
                $module::$name,
            )),+),+]
        };
    }
    trials! {
        kill: a_killed_server_loses_and_doubles_nothing;
        power_cut:
            a_power_cut_loses_nothing_that_was_acknowledged,
            a_damaged_write_ahead_log_costs_only_its_end;
        disk_full: a_full_disk_refuses_for_now_and_goes_on_reading;
        slow_reader:
            who_stops_reading_under_a_flood_is_cut_and_loses_nothing,
            who_stops_reading_is_cut_in_time_though_little_waits,
            who_stops_polling_under_a_flood_is_cut;
        rate: who_writes_too_fast_is_slowed_down_and_nobody_else;
        crowd: many_idle_connections_cost_little, many_who_come_at_once_are_all_let_in;
        large:
            seventeen_kibibytes_are_refused_and_the_connection_lives,
            a_megabyte_closes_the_connection_and_nothing_else,
            a_hundred_megabytes_are_refused_early;
        migration:
            a_newer_database_is_refused_and_left_as_it_was,
            the_database_of_the_release_before_is_taken_over_with_a_backup,
            a_migration_that_is_killed_leaves_the_old_or_the_new,
            a_migration_in_a_power_cut_leaves_the_old_or_the_new;
        ending: a_server_that_is_asked_to_end_drains_first;
        devices: all_devices_of_all_users_see_the_same;
        malformed:
            http_that_is_none,
            dawdlers_are_not_waited_for,
            sessions_that_break_the_engines_rules,
            websocket_frames_that_are_none,
            packets_that_are_none,
            requests_of_the_wrong_shape;
    }
}
