//! What has to be on the machine, before anything is built.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::display;
use crate::log::Log;
use crate::repo::Repo;
use crate::{machine, packages, tools};

/// What the machine is set up for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Build,
    Test,
}

/// `cargo xtask setup`.
pub(crate) fn command(repo: &Repo) -> Result<ExitCode> {
    let mut log = Log::create(repo, "setup")?;
    prepare(repo, &mut log, Purpose::Test)?;
    display::line("everything that `cargo xtask run` and `cargo xtask test` need is here");
    Ok(ExitCode::SUCCESS)
}

/// Installs what is missing, or says what a person has to do.
pub(crate) fn prepare(repo: &Repo, log: &mut Log, purpose: Purpose) -> Result<()> {
    check_node()?;
    system(repo, log, purpose).with_context(|| format!("details: {}", log.name()))?;
    if purpose == Purpose::Test {
        components(repo, log)?;
        tools::typos(repo, log)?;
        tools::cargo_deny(repo, log)?;
        if can_drive_the_app() {
            tools::tauri_driver(repo, log)?;
        }
    }
    Ok(())
}

/// Whether app tests can run on this kind of system at all. There is no
/// WebDriver for the web view of macOS, and the tests' screen and bus are
/// those of Linux.
pub(crate) fn can_drive_the_app() -> bool {
    cfg!(target_os = "linux")
}

fn system(repo: &Repo, log: &mut Log, purpose: Purpose) -> Result<()> {
    if cfg!(target_os = "macos") {
        if machine::answer("xcode-select", &["-p"]).is_none() {
            bail!("the Xcode command line tools are missing. Type: xcode-select --install");
        }
        return Ok(());
    }
    if cfg!(windows) {
        // The linker of MSVC is found by rustc, and WebView2 is part of
        // Windows 11: nothing to ask for that would not be said there.
        return Ok(());
    }
    let mut names = packages::BUILD.to_vec();
    if purpose == Purpose::Test {
        names.extend(packages::TEST);
    }
    if packages::is_debian() {
        return packages::install(repo, log, &packages::missing(repo, &names)?);
    }
    // Unknown names of other distributions are not guessed: pkg-config knows
    // whether the one library that matters is there.
    if machine::answer(
        "pkg-config",
        &["--exists", "--print-errors", "webkit2gtk-4.1"],
    )
    .is_none()
    {
        bail!(
            "this is not Debian or Ubuntu, so install by hand what corresponds to: {}",
            names.join(" ")
        );
    }
    Ok(())
}

/// Vite's own condition.
fn check_node() -> Result<()> {
    const WANTED: &str = "Node 20.19 or later, or 22.12 or later, with npm is needed";
    let version = machine::answer("node", &["--version"])
        .with_context(|| format!("{WANTED}; there is no `node` here"))?;
    if !node_suffices(&version) {
        bail!("{WANTED}; this is {version}");
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    machine::answer(npm, &["--version"])
        .with_context(|| format!("{WANTED}; there is no `npm` here"))?;
    Ok(())
}

fn node_suffices(version: &str) -> bool {
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(20), Some(minor)) => minor >= 19,
        (Some(22), Some(minor)) => minor >= 12,
        (Some(major), Some(_)) => major > 22,
        _ => false,
    }
}

/// rustfmt and clippy, which rustup's minimal profile leaves out.
fn components(repo: &Repo, log: &mut Log) -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        let output = repo.cargo().args([subcommand, "--version"]).output()?;
        if !output.status.success() {
            log.run(repo.command("rustup").args(["component", "add", component]))
                .with_context(|| {
                    format!("{component} is missing: install it as you installed Rust")
                })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_has_to_be_one_that_vite_takes() {
        for good in ["v20.19.0", "v20.20.2", "v22.12.0", "v24.1.0"] {
            assert!(node_suffices(good), "{good}");
        }
        for bad in ["v18.20.4", "v20.18.3", "v21.7.0", "v22.11.0", "", "node"] {
            assert!(!node_suffices(bad), "{bad}");
        }
    }
}
