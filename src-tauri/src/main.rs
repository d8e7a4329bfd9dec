//! The desktop app's process.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    parlour_desktop::run()
}
