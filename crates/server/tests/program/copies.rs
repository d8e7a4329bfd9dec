//! Backup and restore.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::{Value, json};

use crate::{
    common::Raw,
    process::{Program, prints, refuses, run},
};

fn copy(verb: &str, data: &Path, file: &Path) -> [String; 4] {
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    ["--data".to_owned(), text(data), verb.to_owned(), text(file)]
}

/// Texts of one's notes to oneself, and the epoch.
async fn resumes(program: &Program, session: &Value) -> (Vec<String>, Value) {
    let auth = json!({"sessionID": session["sessionID"]});
    let (_raw, _, users) = Raw::signs_in(program.addr, &auth).await;
    let me = users.as_array().expect("users").iter();
    let me = me.clone().find(|user| user["userID"] == session["userID"]);
    let notes = me.expect("oneself")["messages"]
        .as_array()
        .expect("messages")
        .clone();
    let texts = notes
        .iter()
        .map(|note| note["content"].as_str().expect("text").to_owned());
    let auth = json!({
        "sessionID": session["sessionID"],
        "pm": {"v": [1], "caps": [], "client": "test"}
    });
    let (_raw, told, _) = Raw::signs_in(program.addr, &auth).await;
    (texts.collect(), told["pm"]["epoch"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_of_one_moment_and_brings_it_back() {
    let folder = tempfile::tempdir().expect("folder");
    let (data, file) = (folder.path().join("data"), folder.path().join("copy.db"));
    let program = Program::on(&data);
    let (mut ann, session) = Raw::arrives(program.addr, "Ann").await;
    ann.says(&session["userID"], "before").await;
    ann.fence(1).await;
    let told = prints(run(copy("backup", &data, &file)));
    assert_eq!(told, format!("wrote {}\n", file.display()));
    let mode = fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = refuses(run(copy("backup", &data, &file)));
    assert!(again.contains("is there already"), "{again}");
    ann.says(&session["userID"], "after").await;
    ann.fence(2).await;
    let running = refuses(run(copy("restore", &data, &file)));
    assert!(running.contains("stop the server"), "{running}");
    let (texts, epoch) = resumes(&program, &session).await;
    assert_eq!(texts, ["before", "after"]);
    program.stops();

    let told = prints(run(copy("restore", &data, &file)));
    assert!(told.contains("kept what was there"), "{told}");
    let program = Program::on(&data);
    let (texts, new_epoch) = resumes(&program, &session).await;
    assert_eq!(texts, ["before"]);
    assert!(new_epoch.is_string());
    assert_ne!(epoch, new_epoch);
    program.stops();

    let elsewhere = folder.path().join("elsewhere");
    let told = prints(run(copy("restore", &elsewhere, &file)));
    assert_eq!(told, format!("restored {}\n", file.display()));
    let program = Program::on(&elsewhere);
    assert_eq!(resumes(&program, &session).await.0, ["before"]);
    program.stops();
    let audit = fs::read_to_string(data.join("audit.jsonl")).expect("a file");
    for (action, done) in [
        ("backup", true),
        ("backup", false),
        ("restore", false),
        ("restore", true),
    ] {
        let entry = format!(r#""action":"{action}","done":{done}}}"#);
        assert!(audit.contains(&entry), "{action} {done}: {audit}");
    }
}

#[test]
fn what_is_no_copy_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let (data, file) = (folder.path().join("data"), folder.path().join("copy.db"));
    Program::on(&data).stops();
    let database = data.join("server.db");
    let before = fs::read(&database).expect("file");
    fs::write(&file, "no database at all").expect("written");
    let refusal = refuses(run(copy("restore", &data, &file)));
    assert!(refusal.contains("copy.db"), "{refusal}");
    assert!(before == fs::read(&database).expect("file"));
    let nowhere = folder.path().join("nowhere");
    let refusal = refuses(run(copy("backup", &nowhere, &folder.path().join("b.db"))));
    assert!(refusal.contains("there is no data in"), "{refusal}");
    assert!(!nowhere.exists());
}
