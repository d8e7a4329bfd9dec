//! `cargo xtask run`: a server for this computer alone, and the app beside it.

mod app;
mod options;
mod port;
mod server;

use std::process::{ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub(crate) use options::Options;

use crate::log::Log;
use crate::npm::{self, UI};
use crate::process::{self, Group};
use crate::repo::Repo;
use crate::setup::{self, Purpose};
use crate::{cargo, display, machine};

/// How long the server may take to close its database.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);

/// How long a window may take to close.
const APP_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn run(repo: &Repo, options: &Options) -> Result<ExitCode> {
    // What would stop it in the end is said before minutes of building.
    if !machine::has_display() {
        bail!("{}", no_display(options));
    }
    port::check(options.listen)?;
    let data = match &options.data {
        Some(folder) => folder.clone(),
        None => machine::data_folder()?.join("parlour-server"),
    };

    let mut log = Log::create(repo, "run")?;
    setup::prepare(repo, &mut log, Purpose::Build)?;
    build(repo, &mut log)?;

    let mut server = server::Server::start(repo, options.listen, &data)?;
    display::line(&format!(
        "server listening at {} (messages in {})",
        server.url,
        data.display()
    ));
    let mut windows = vec![app::open(repo, &server.url, None)?];
    if options.two {
        windows.push(app::open(repo, &server.url, Some("second"))?);
    }
    display::line("close the last window, or press Ctrl-C, to end");
    let code = wait(&mut server, &mut windows)?;
    for window in &mut windows {
        window.stop(APP_PATIENCE);
    }
    server.stop(SERVER_PATIENCE);
    Ok(code)
}

fn build(repo: &Repo, log: &mut Log) -> Result<()> {
    npm::install(repo, log, UI).with_context(|| log.tail(20))?;
    npm::build_ui(repo, log).with_context(|| log.tail(20))?;
    display::line("building; the first time takes some minutes");
    let mut command = repo.cargo();
    command
        .arg("build")
        .args(cargo::PROGRAMS)
        .stdin(Stdio::null());
    // In sight, with cargo's own progress; Ctrl-C reaches it through the group.
    let mut cargo = Group::spawn(&mut command).context("cannot start cargo")?;
    loop {
        if let Some(status) = cargo.ended()? {
            if status.success() {
                return Ok(());
            }
            bail!("the build failed");
        }
        if process::interrupted() {
            bail!("interrupted");
        }
        thread::sleep(process::POLL);
    }
}

/// Until the last window is closed, or a signal. A server that ends by itself
/// is reported and leaves the windows open: they say on their own what that
/// means, and hold what was written.
fn wait(server: &mut server::Server, windows: &mut [Group]) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    let mut server_is_there = true;
    while !process::interrupted() {
        if server_is_there && let Some(status) = server.ended()? {
            server_is_there = false;
            code = ExitCode::FAILURE;
            display::error(&format!("the server ended by itself ({status})"));
        }
        let mut open = 0;
        for window in windows.iter_mut() {
            match window.ended()? {
                None => open += 1,
                Some(status) if !status.success() => code = ExitCode::FAILURE,
                Some(_) => {}
            }
        }
        if open == 0 {
            break;
        }
        thread::sleep(process::POLL);
    }
    Ok(code)
}

fn no_display(options: &Options) -> String {
    let listen = options.listen;
    format!(
        "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window can \
         open. Ways on:\n\
         - over SSH: connect with `ssh -X`, then `cargo xtask run` again\n\
         - on a screen that nobody sees: `apt-get install xvfb`, then `xvfb-run cargo xtask run`\n\
         - without a window, each line in a terminal of its own:\n\
         \x20   cargo run -p parlour-server -- --listen {listen} --data target/run-data\n\
         \x20   cargo run -p parlour-cli -- --server http://{listen} --username alice \
         --data target/run-alice --secrets file"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_display_the_ways_on_name_the_address_that_was_asked_for() {
        let words = ["--listen".to_owned(), "127.0.0.1:4000".to_owned()];
        let text = no_display(&Options::parse(&words).unwrap());
        assert!(text.contains("--listen 127.0.0.1:4000 --data"), "{text}");
        assert!(
            text.contains("--server http://127.0.0.1:4000 --username"),
            "{text}"
        );
    }
}
