//! The program around the library: the command line, signals, what is printed.
//!
//! ```text
//!  parlour-server              serve.rs    a Server, with its metrics port, admin socket and signals
//!  … check-config              check.rs
//!  … backup FILE, restore FILE copies.rs
//!  … admin …                   admin.rs    by the socket of a running server, or a hub of its own
//! ```

mod admin;
mod arguments;
mod check;
mod copies;
mod notify;
mod serve;
mod signals;

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use crate::{config::Settings, logs};
use arguments::Task;

/// Runs the program and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this fails.
            let _ = writeln!(io::stderr(), "parlour-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let (task, settings) = arguments::read(&arguments::command().get_matches())?;
    log(&task, &settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        match task {
            Task::Serve => serve::serve(&settings).await,
            Task::CheckConfig => check::check(&settings),
            Task::Backup(file) => copies::backup(&settings, &file),
            Task::Restore(file) => copies::restore(&settings, &file),
            Task::Admin(task) => admin::run(&settings, task).await,
        }
    });
    // What still runs is not waited for: everything that matters has ended in order.
    runtime.shutdown_background();
    outcome
}

/// Standard output has what was asked for, and nothing else; the log goes to
/// standard error. Commands that end by themselves say only what is wrong.
fn log(task: &Task, settings: &Settings) -> anyhow::Result<()> {
    let level = match task {
        _ if settings.says_log() => settings.log().to_owned(),
        Task::Serve => env::var("RUST_LOG").unwrap_or_else(|_| settings.log().to_owned()),
        _ => "warn".to_owned(),
    };
    logs::start(&level, settings.log_format()?)
}

/// Prints on standard output.
fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
