//! The two npm folders: their packages, and the built user interface.

mod lock;

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};

use crate::log::Log;
use crate::repo::Repo;

/// The user interface.
pub(crate) const UI: &str = "ui";

/// The official client and the reference servers of the interop tests.
pub(crate) const INTEROP: &str = "tests/interop/node";

/// `npm ci` where what is installed is not what the lock file says.
pub(crate) fn install(repo: &Repo, log: &mut Log, folder: &str) -> Result<()> {
    let lock = repo.path(folder).join("package-lock.json");
    let wanted = fs::read_to_string(&lock).with_context(|| format!("{}", lock.display()))?;
    let hidden = repo.path(folder).join("node_modules/.package-lock.json");
    if fs::read_to_string(hidden).is_ok_and(|hidden| lock::is_installed(&wanted, &hidden)) {
        return log.line(&format!("{folder}: installed already"));
    }
    let mut npm = repo.npm(folder);
    npm.args(["ci", "--no-audit", "--no-fund"])
        .env("npm_config_update_notifier", "false");
    log.run(&mut npm)
}

/// Builds the user interface where its sources are not those of the last
/// build: the app embeds the result, and a new one makes cargo link it again.
pub(crate) fn build_ui(repo: &Repo, log: &mut Log) -> Result<()> {
    let stamp = repo.state("ui-build");
    let wanted = fingerprint(&repo.path(UI))?;
    let is_there = repo.path("ui/dist/index.html").is_file();
    if is_there && fs::read_to_string(&stamp).is_ok_and(|built| built == wanted) {
        return log.line("ui: built already");
    }
    // Gone while the build runs, so that a failed one is not taken for this.
    let _ = fs::remove_file(&stamp);
    log.run(repo.npm(UI).args(["run", "build"]))?;
    fs::create_dir_all(repo.state(""))?;
    Ok(fs::write(stamp, wanted)?)
}

/// One number for the names and contents of all that the build may read.
fn fingerprint(folder: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    hash_folder(folder, &mut hasher)?;
    Ok(format!("{:016x}\n", hasher.finish()))
}

fn hash_folder(folder: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let mut entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .with_context(|| format!("{}", folder.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let made = ["node_modules", "dist", "coverage"]
            .iter()
            .any(|made| name == *made);
        if made || name.to_string_lossy().starts_with(".svelte") {
            continue;
        }
        name.hash(hasher);
        let path = entry.path();
        if path.is_dir() {
            hash_folder(&path, hasher)?;
        } else {
            fs::read(&path)
                .with_context(|| format!("{}", path.display()))?
                .hash(hasher);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_sees_a_changed_source_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for made in ["src", "dist", "node_modules"] {
            fs::create_dir(at(made)).unwrap();
        }
        fs::write(at("src/app.ts"), "one").unwrap();
        let first = fingerprint(folder.path()).unwrap();

        fs::write(at("dist/app.js"), "built").unwrap();
        fs::write(at("node_modules/x.js"), "installed").unwrap();
        assert_eq!(fingerprint(folder.path()).unwrap(), first);

        fs::write(at("src/app.ts"), "two").unwrap();
        assert_ne!(fingerprint(folder.path()).unwrap(), first);

        fs::write(at("src/app.ts"), "one").unwrap();
        fs::rename(at("src/app.ts"), at("src/other.ts")).unwrap();
        assert_ne!(fingerprint(folder.path()).unwrap(), first);
    }
}
