//! Tools of fixed versions, kept in a cache of the person's own, so that a
//! fresh checkout or an emptied target folder does not pay for them again.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::display;
use crate::log::Log;
use crate::machine;
use crate::repo::Repo;

struct Tool {
    name: &'static str,
    version: &'static str,
    /// Words for `cargo install`.
    options: &'static [&'static str],
}

/// Passes WebDriver requests on to the app's web view.
const TAURI_DRIVER: Tool = Tool {
    name: "tauri-driver",
    version: "2.1.0",
    options: &[],
};

/// A debug build: it runs for seconds, and compiles in a fraction of the time.
const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    options: &["--debug"],
};

/// The version says which words count as misspelt, so it is exact.
const TYPOS: Tool = Tool {
    name: "typos",
    version: "1.52.0",
    options: &[],
};

pub(crate) fn tauri_driver(repo: &Repo, log: &mut Log) -> Result<PathBuf> {
    from_cargo(repo, log, &TAURI_DRIVER)
}

pub(crate) fn cargo_deny(repo: &Repo, log: &mut Log) -> Result<PathBuf> {
    from_cargo(repo, log, &CARGO_DENY)
}

/// Prebuilt from the Python package of that name where pip is there: seconds
/// instead of minutes. Else compiled.
pub(crate) fn typos(repo: &Repo, log: &mut Log) -> Result<PathBuf> {
    if machine::answer("typos", &["--version"]) == Some(format!("typos-cli {}", TYPOS.version)) {
        return Ok(PathBuf::from("typos"));
    }
    let folder = TYPOS.folder()?;
    let program = TYPOS.program(&folder);
    if program.is_file() {
        return Ok(program);
    }
    let wanted = format!("typos=={}", TYPOS.version);
    let python = if cfg!(windows) { "python" } else { "python3" };
    let mut pip = repo.command(python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--only-binary",
        ":all:",
        "--target",
    ]);
    TYPOS.announce();
    match log.run(pip.arg(&folder).arg(&wanted)) {
        Ok(()) if program.is_file() => return Ok(program),
        Ok(()) => log.line("pip left no program: compiling instead")?,
        Err(error) => log.line(&format!("pip: {error:#}: compiling instead"))?,
    }
    let crate_name = Tool {
        name: "typos-cli",
        ..TYPOS
    };
    crate_name.cargo_install(repo, log, &folder)?;
    Ok(program)
}

fn from_cargo(repo: &Repo, log: &mut Log, tool: &Tool) -> Result<PathBuf> {
    if let Some(home) = machine::cargo_bin()
        && let Some(list) = machine::answer("cargo", &["install", "--list"])
        && serves(&list, tool)
    {
        return Ok(tool.program_in(&home));
    }
    let folder = tool.folder()?;
    let program = tool.program(&folder);
    if !program.is_file() {
        tool.announce();
        tool.cargo_install(repo, log, &folder)?;
    }
    Ok(program)
}

/// Whether cargo's list of what it installed names this tool in a version
/// that is compatible with ours and not older.
fn serves(list: &str, tool: &Tool) -> bool {
    let prefix = format!("{} v", tool.name);
    list.lines()
        .filter_map(|line| line.strip_prefix(&prefix))
        .any(|rest| compatible(rest.trim_end_matches(':'), tool.version))
}

/// Cargo's caret rule, for plain versions only: a pre-release is not taken.
fn compatible(found: &str, wanted: &str) -> bool {
    let (Some(found), Some(wanted)) = (numbers(found), numbers(wanted)) else {
        return false;
    };
    let leading = wanted.iter().position(|number| *number != 0).unwrap_or(2);
    found[..=leading] == wanted[..=leading] && found >= wanted
}

fn numbers(version: &str) -> Option<[u32; 3]> {
    let parts: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    parts?.try_into().ok()
}

impl Tool {
    fn folder(&self) -> Result<PathBuf> {
        Ok(machine::cache_folder()?.join(format!("{}-{}", self.name, self.version)))
    }

    fn program(&self, folder: &std::path::Path) -> PathBuf {
        self.program_in(&folder.join("bin"))
    }

    fn program_in(&self, bin: &std::path::Path) -> PathBuf {
        bin.join(format!("{}{}", self.name, std::env::consts::EXE_SUFFIX))
    }

    fn announce(&self) {
        display::line(&format!(
            "    installing {} {} (once)",
            self.name, self.version
        ));
    }

    fn cargo_install(&self, repo: &Repo, log: &mut Log, folder: &std::path::Path) -> Result<()> {
        let mut cargo = repo.cargo();
        cargo.args(["install", "--locked", self.name, "--version", self.version]);
        cargo.args(self.options).arg("--root").arg(folder);
        log.run(&mut cargo).with_context(|| {
            format!(
                "cannot install {} {}: {}",
                self.name,
                self.version,
                log.name()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_tool_of_a_compatible_version_is_taken() {
        let list = "tauri-driver v2.1.3:\n    tauri-driver\ncargo-deny v0.20.2:\n";
        assert!(serves(list, &TAURI_DRIVER));
        assert!(serves(list, &CARGO_DENY));
        assert!(!serves(list, &TYPOS));
    }

    #[test]
    fn another_major_an_older_one_or_a_preview_is_not() {
        for found in ["1.9.0", "2.0.9", "3.0.0", "2.1", "2.2.0-beta.1"] {
            assert!(!compatible(found, "2.1.0"), "{found}");
        }
        assert!(!compatible("0.21.0", "0.20.2"));
    }
}
