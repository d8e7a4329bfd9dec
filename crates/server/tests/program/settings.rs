//! Flags, environment and file, as `check-config` tells them.

use std::fs;

use crate::process::{Program, command, prints, refuses, run};

#[test]
fn check_config_says_what_holds_and_why() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("a.toml");
    fs::write(
        &file,
        "storage = \"memory\"\n\nmessage_burst = 7\nlisten = \"127.0.0.1:1\"\n",
    )
    .expect("written");
    let mut command = command();
    command
        .arg("--config")
        .arg(&file)
        .args(["--listen", "127.0.0.1:2", "check-config"])
        .env("PARLOUR_MESSAGE_BURST", "8")
        .env("PARLOUR_COLOUR", "red");
    let text = prints(command.output().expect("run"));
    let has = |start: &str, end: &str| {
        let found = text
            .lines()
            .any(|line| line.starts_with(start) && line.ends_with(end));
        assert!(found, "{start} … {end}\n{text}");
    };
    has("listen = 127.0.0.1:2 ", "(--listen)");
    has("message_burst = 8 ", "(PARLOUR_MESSAGE_BURST)");
    has("storage = memory ", "a.toml, line 1)");
    has("sign_in is not set ", "(default)");
    has("ignored, of the environment: PARLOUR_COLOUR", "");
    has("A server would start with this.", "");
}

#[test]
fn check_config_finds_what_would_not_start() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("a.toml");
    let checks = |text: &str| {
        fs::write(&file, text).expect("written");
        let path = file.to_str().expect("text");
        refuses(run(["--config", path, "check-config"]))
    };
    let at = format!("parlour-server: {}", file.display());
    assert_eq!(
        checks("\nlissen = \"a\"\n"),
        format!("{at}, line 2: there is no key `lissen`; is `listen` meant?\n")
    );
    assert_eq!(
        checks("storage = \"redis\"\n"),
        format!("{at}, line 1: `redis` is not sqlite or memory\n")
    );
    assert!(checks("listen = \"0.0.0.0:1\"\nstorage = \"memory\"\n").contains("--public"));
    let tls = "storage = \"memory\"\ntls_cert = \"/nowhere/a\"\ntls_key = \"/nowhere/b\"\n";
    assert!(checks(tls).contains("the certificate /nowhere/a cannot be read"));
    fs::remove_file(&file).expect("removed");
    let path = file.to_str().expect("text");
    let missing = refuses(run(["--config", path, "check-config"]));
    assert!(missing.contains("cannot be read"), "{missing}");
    assert!(
        fs::read_dir(folder.path())
            .expect("folder")
            .next()
            .is_none()
    );
}

#[test]
fn a_server_starts_from_the_environment_alone() {
    let mut command = command();
    command
        .env("PARLOUR_LISTEN", "127.0.0.1:0")
        .env("PARLOUR_STORAGE", "memory");
    Program::run(command).stops();
}
