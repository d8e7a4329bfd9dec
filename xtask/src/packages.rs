//! System packages on Debian, Ubuntu and what descends from them.

use std::process::Stdio;

use anyhow::{Result, bail};

use crate::display;
use crate::log::Log;
use crate::machine;
use crate::repo::Repo;

/// To build the app.
pub(crate) const BUILD: [&str; 6] = [
    "build-essential",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libssl-dev",
    "libwebkit2gtk-4.1-dev",
    "pkg-config",
];

/// To drive the app on a screen, a bus and a keyring of its own. Without the
/// font emoji are boxes; `libglib2.0-bin` holds gdbus.
pub(crate) const TEST: [&str; 7] = [
    "dbus-x11",
    "fonts-noto-color-emoji",
    "gnome-keyring",
    "libglib2.0-bin",
    "webkit2gtk-driver",
    "xauth",
    "xvfb",
];

/// Whether packages are dpkg's here.
pub(crate) fn is_debian() -> bool {
    machine::answer("dpkg-query", &["--version"]).is_some()
        && machine::answer("apt-get", &["--version"]).is_some()
}

/// Those of `names` that are not installed.
pub(crate) fn missing<'a>(repo: &Repo, names: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut query = repo.command("dpkg-query");
    query
        .args(["--show", "--showformat", "${db:Status-Status} ${Package}\n"])
        .args(names);
    // Names that dpkg has never heard of make it fail; what it knows it prints.
    let output = query.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    Ok(not_installed(
        names,
        &String::from_utf8_lossy(&output.stdout),
    ))
}

fn not_installed<'a>(names: &[&'a str], answer: &str) -> Vec<&'a str> {
    let installed = |name: &&str| {
        answer
            .lines()
            .any(|line| line == format!("installed {name}"))
    };
    names
        .iter()
        .copied()
        .filter(|name| !installed(name))
        .collect()
}

/// Installs `names` where this person may, else says the line to type.
pub(crate) fn install(repo: &Repo, log: &mut Log, names: &[&str]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let Some(prefix) = privilege() else {
        let names = names.join(" ");
        let line =
            format!("apt-get update && apt-get install --yes --no-install-recommends {names}");
        bail!(
            "system packages are missing, and this account may not install them. Type:\n\
             sudo sh -c \"{line}\"\n\
             (or, where there is no sudo, what is inside the quotes as root)"
        );
    };
    display::line(&format!("    apt-get install {}", names.join(" ")));
    // A stale list is no reason to stop: the packages may be in it.
    if let Err(error) = log.run(&mut apt(repo, &prefix, &["update"])) {
        log.line(&format!(
            "apt-get update: {error:#}; going on with the lists at hand"
        ))?;
    }
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(names);
    log.run(&mut apt(repo, &prefix, &words))
}

fn apt(repo: &Repo, prefix: &[&str], words: &[&str]) -> std::process::Command {
    let line = [
        prefix,
        &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
    ]
    .concat();
    let mut command = repo.command(line[0]);
    // Somebody else's apt is waited for, instead of failing at once.
    command
        .args(&line[1..])
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(words);
    command
}

/// What to put before apt-get; nothing when it would ask for a password.
fn privilege() -> Option<Vec<&'static str>> {
    if machine::answer("id", &["-u"]).as_deref() == Some("0") {
        return Some(Vec::new());
    }
    machine::answer("sudo", &["-n", "true"]).map(|_| vec!["sudo", "-n"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_package_that_is_fully_installed_counts() {
        let answer = "installed xauth\nnot-installed xvfb\nconfig-files dbus-x11\n";
        let names = ["dbus-x11", "gnome-keyring", "xauth", "xvfb"];
        assert_eq!(
            not_installed(&names, answer),
            ["dbus-x11", "gnome-keyring", "xvfb"]
        );
    }

    #[test]
    fn a_name_inside_another_name_is_not_taken_for_it() {
        assert_eq!(not_installed(&["xvfb"], "installed xvfb-extra\n"), ["xvfb"]);
    }
}
