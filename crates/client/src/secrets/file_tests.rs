//! A file of secrets: kept, private, whole.

use std::{fs, sync::Arc, thread};

use super::*;

fn store() -> (tempfile::TempDir, FileSecrets) {
    let folder = tempfile::tempdir().unwrap();
    let secrets = FileSecrets::new(folder.path().join("private/secrets.json"));
    (folder, secrets)
}

#[test]
fn a_new_process_finds_what_the_last_one_kept() {
    let (_folder, secrets) = store();
    assert_eq!(secrets.load("bob"), Ok(None));
    secrets.save("bob", &SessionId::new("one")).unwrap();
    secrets.save("eve", &SessionId::new("two")).unwrap();
    secrets.save("bob", &SessionId::new("three")).unwrap();

    let again = FileSecrets::new(&secrets.path);
    assert_eq!(again.load("bob"), Ok(Some(SessionId::new("three"))));
    again.delete("bob").unwrap();
    again.delete("bob").unwrap();
    assert_eq!(secrets.load("bob"), Ok(None));
    assert_eq!(secrets.load("eve"), Ok(Some(SessionId::new("two"))));
}

#[test]
fn deleting_from_nothing_writes_nothing() {
    let (_folder, secrets) = store();
    secrets.delete("bob").unwrap();
    assert!(!secrets.path.exists());
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;

    let (_folder, secrets) = store();
    secrets.save("bob", &SessionId::new("one")).unwrap();
    assert_eq!(mode(&secrets.path), 0o600);
    assert_eq!(mode(secrets.folder()), 0o700);

    fs::set_permissions(&secrets.path, fs::Permissions::from_mode(0o644)).unwrap();
    secrets.load("bob").unwrap();
    assert_eq!(mode(&secrets.path), 0o600);
}

#[cfg(unix)]
#[test]
fn a_leftover_draft_that_others_can_read_is_not_written_to() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, secrets) = store();
    secrets.save("bob", &SessionId::new("one")).unwrap();
    let draft = secrets.beside("new");
    fs::write(&draft, "half").unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o644)).unwrap();

    secrets.save("bob", &SessionId::new("two")).unwrap();
    assert_eq!(secrets.load("bob"), Ok(Some(SessionId::new("two"))));
    let mode = fs::metadata(&secrets.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_damaged_file_is_said_and_kept_and_never_quoted() {
    let (_folder, secrets) = store();
    secrets.save("bob", &SessionId::new("c0ffee")).unwrap();
    let damaged = br#"{"bob": "c0ffee" oops"#;
    fs::write(&secrets.path, damaged).unwrap();

    for result in [
        secrets.load("bob").map(drop),
        secrets.save("bob", &SessionId::new("two")),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.ends_with("is damaged"), "{error}");
        assert!(!error.contains("c0ffee"), "{error}");
    }
    assert_eq!(fs::read(&secrets.path).unwrap(), damaged);
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let (_folder, secrets) = store();
    let secrets = Arc::new(secrets);
    let writers: Vec<_> = (0..8)
        .map(|number| {
            // A store each, as two processes would have.
            let secrets = FileSecrets::new(&secrets.path);
            thread::spawn(move || {
                let account = format!("account {number}");
                secrets.save(&account, &SessionId::new("token")).unwrap();
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(secrets.read().unwrap().len(), 8);
}
