//! What it does not start with, each in one clear sentence.

use std::{fs, net::TcpListener, path::Path};

use crate::process::{Program, refuses, run};

fn refuses_on(data: &Path, arguments: &[&str]) -> String {
    let data = ["--data", data.to_str().expect("text")];
    refuses(run(data.iter().chain(arguments)))
}

#[test]
fn each_refusal_is_one_clear_sentence() {
    let data = tempfile::tempdir().expect("folder");
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = holder.local_addr().expect("bound").to_string();
    assert_eq!(
        refuses_on(data.path(), &["--listen", &taken]),
        format!(
            "parlour-server: {taken} is in use by another program: \
             stop it, or listen on another port\n"
        )
    );
    assert_eq!(
        refuses_on(data.path(), &["--listen", "nowhere"]),
        "parlour-server: --listen: `nowhere` is not an address with a port, \
         such as 127.0.0.1:3000\n"
    );
    let nowhere = refuses_on(Path::new("/dev/null/data"), &["--listen", "127.0.0.1:0"]);
    assert!(
        nowhere.starts_with("parlour-server: the data in /dev/null/data cannot be"),
        "{nowhere}"
    );
    assert_eq!(
        refuses(run(["--listen", "127.0.0.1:0"])),
        "parlour-server: say where the data is to be kept: add --data DIR, or \
         --storage memory to keep nothing\n"
    );
}

#[test]
fn a_public_server_is_a_choice_three_times() {
    let data = tempfile::tempdir().expect("folder");
    let mut flags = vec!["--listen", "0.0.0.0:0"];
    for (expected, next) in [
        ("add --public if that is meant", &["--public"][..]),
        ("say who may sign in", &["--sign-in", "guest"]),
        ("would cross the network unencrypted", &[]),
    ] {
        let refusal = refuses_on(data.path(), &flags);
        assert!(refusal.contains(expected), "{refusal}");
        assert_eq!(refusal.lines().count(), 1);
        flags.extend(next);
    }
    assert!(fs::read_dir(data.path()).expect("folder").next().is_none());
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let data = tempfile::tempdir().expect("folder");
    let program = Program::on(data.path());
    let second = refuses_on(data.path(), &["--listen", "127.0.0.1:0"]);
    assert!(
        second.contains("in use by another parlour-server"),
        "{second}"
    );
    program.stops();
}

#[test]
fn a_newer_database_is_refused_untouched() {
    let data = tempfile::tempdir().expect("folder");
    let database = data.path().join("server.db");
    let connection = rusqlite::Connection::open(&database).expect("database");
    connection
        .pragma_update(None, "user_version", 999)
        .expect("version");
    drop(connection);
    let before = fs::read(&database).expect("file");
    let refusal = refuses_on(data.path(), &["--listen", "127.0.0.1:0"]);
    assert!(
        refusal.starts_with("parlour-server: the database is from a newer parlour-server"),
        "{refusal}"
    );
    assert_eq!(before, fs::read(&database).expect("file"));
}
