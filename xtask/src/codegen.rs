//! The TypeScript forms of the types that reach the user interface. The
//! export tests of ts-rs write them; here they are compared or put in place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::display;
use crate::log::Log;
use crate::repo::Repo;
use crate::{cargo, npm};

/// The variable by which ts-rs learns where to write.
const EXPORT_DIR: &str = "TS_RS_EXPORT_DIR";

/// Where the committed files are.
const GENERATED: &str = "ui/src/generated";

/// `cargo xtask codegen`.
pub(crate) fn command(repo: &Repo) -> Result<ExitCode> {
    let _lock = repo.lock()?;
    let mut log = Log::create(repo, "codegen")?;
    // The app's crate embeds the user interface, so there has to be one.
    npm::install(repo, &mut log, npm::UI)?;
    npm::build_ui(repo, &mut log)?;
    let made = export(repo, &mut log).with_context(|| log.tail(30))?;
    let difference = Difference::between(&read(&repo.path(GENERATED))?, &made);
    let folder = repo.path(GENERATED);
    fs::create_dir_all(&folder)?;
    for name in difference.stale.iter().chain(&difference.missing) {
        fs::write(folder.join(name), &made[name])?;
        display::line(&format!("wrote {GENERATED}/{}", name.display()));
    }
    for name in &difference.left_over {
        fs::remove_file(folder.join(name))?;
        display::line(&format!("removed {GENERATED}/{}", name.display()));
    }
    if difference.is_empty() {
        display::line(&format!("{GENERATED} is up to date"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails where the committed files are not what the types say.
pub(crate) fn check(repo: &Repo, log: &mut Log) -> Result<()> {
    let made = export(repo, log)?;
    let difference = Difference::between(&read(&repo.path(GENERATED))?, &made);
    if difference.is_empty() {
        return log.line(&format!("{} files are up to date", made.len()));
    }
    bail!("{GENERATED} is out of date (`cargo xtask codegen` writes it): {difference}")
}

/// Lets tests export into a folder of no importance. Without this every run
/// of the tests would write into the checkout.
pub(crate) fn elsewhere(repo: &Repo, cargo: &mut Command) {
    cargo.env(EXPORT_DIR, repo.state("exported-by-tests"));
}

type Files = BTreeMap<PathBuf, String>;

fn export(repo: &Repo, log: &mut Log) -> Result<Files> {
    let folder = repo.state("exported");
    let _ = fs::remove_dir_all(&folder);
    let mut cargo = cargo::selected(repo, "test");
    cargo
        .args(["--lib", "export_bindings"])
        .env(EXPORT_DIR, &folder);
    log.run(&mut cargo)?;
    let files = read(&folder)?;
    if files.is_empty() {
        bail!("the tests exported nothing into {}", folder.display());
    }
    Ok(files)
}

/// The TypeScript files below a folder, by their path in it.
fn read(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(current) = folders.pop() {
        let Ok(entries) = fs::read_dir(&current) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "ts") {
                let name = path.strip_prefix(folder)?.to_path_buf();
                // A checkout with the line ends of Windows is no difference.
                files.insert(name, fs::read_to_string(&path)?.replace("\r\n", "\n"));
            }
        }
    }
    Ok(files)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    missing: Vec<PathBuf>,
    stale: Vec<PathBuf>,
    left_over: Vec<PathBuf>,
}

impl Difference {
    fn between(committed: &Files, made: &Files) -> Self {
        let mut difference = Self::default();
        for (name, text) in made {
            match committed.get(name) {
                None => difference.missing.push(name.clone()),
                Some(old) if old != text => difference.stale.push(name.clone()),
                Some(_) => {}
            }
        }
        let gone = committed.keys().filter(|name| !made.contains_key(*name));
        difference.left_over.extend(gone.cloned());
        difference
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let groups = [
            ("missing", &self.missing),
            ("stale", &self.stale),
            ("left over", &self.left_over),
        ];
        let mut separator = "";
        for (word, names) in groups.iter().filter(|(_, names)| !names.is_empty()) {
            let names: Vec<_> = names
                .iter()
                .map(|name| name.display().to_string())
                .collect();
            write!(to, "{separator}{word}: {}", names.join(", "))?;
            separator = "; ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Files {
        list.iter()
            .map(|(name, text)| (PathBuf::from(name), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn the_same_files_are_no_difference() {
        let same = files(&[("Command.ts", "a")]);
        assert!(Difference::between(&same, &same).is_empty());
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let committed = files(&[("Gone.ts", "a"), ("Kept.ts", "a"), ("Old.ts", "a")]);
        let made = files(&[("Kept.ts", "a"), ("New.ts", "a"), ("Old.ts", "b")]);
        let difference = Difference::between(&committed, &made);
        assert_eq!(
            difference.to_string(),
            "missing: New.ts; stale: Old.ts; left over: Gone.ts"
        );
    }

    #[test]
    fn files_are_read_from_folders_below() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        fs::write(folder.path().join("below/A.ts"), "one\r\ntwo\r\n").unwrap();
        fs::write(folder.path().join("note.md"), "not one of them").unwrap();
        assert_eq!(
            read(folder.path()).unwrap(),
            files(&[("below/A.ts", "one\ntwo\n")])
        );
    }
}
