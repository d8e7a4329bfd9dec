use std::os::unix::fs::PermissionsExt;

use serde::Deserialize;

use super::{
    super::tests::stage::{Stage, everyone, message},
    *,
};
use crate::{
    store::Reached,
    view::{Delivery, TimelineItem},
};

/// The format as somebody else would read it, and nothing but it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File1 {
    format: String,
    version: u32,
    exported_at: i64,
    accounts: Vec<Account1>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Account1 {
    server: String,
    user_id: Option<String>,
    username: String,
    conversations: Vec<Conversation1>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Conversation1 {
    user_id: String,
    username: Option<String>,
    draft: Option<String>,
    messages: Vec<Message1>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Message1 {
    #[serde(default)]
    id: Option<String>,
    mine: bool,
    text: String,
    at: Option<i64>,
    #[serde(default)]
    delivery: Option<Delivery>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    receipt: Option<String>,
    #[serde(default)]
    seen: Option<bool>,
}

fn read(path: &Path) -> File1 {
    let text = fs::read_to_string(path).expect("a file");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn export(stage: &mut Stage, path: &Path, user: Option<&str>) -> Result<Exported, ExportError> {
    let (asker, answer) = oneshot::channel();
    stage
        .engine
        .export(path.to_owned(), user.map(UserId::new), asker);
    answer.blocking_recv().expect("an answer")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").file_name().display().to_string())
        .collect()
}

/// Somebody who is online and has a history.
fn stage() -> Stage {
    let mut stage = Stage::online(everyone());
    stage.says("bob", "it's \"quoted\"\n\u{0}\u{1f600} \u{2028}");
    stage.says("bob", "two");
    stage.hears(vec![message("bob", "me", "an answer")]);
    stage
}

#[test]
fn everything_is_read_back_as_it_was() {
    let mut stage = stage();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("all.json");
    let before = stage.engine.clock.now_ms();
    let exported = export(&mut stage, &path, None).expect("exported");
    let file = read(&path);
    assert_eq!((file.format.as_str(), file.version), ("parlour-export", 1));
    assert!((before..=stage.engine.clock.now_ms()).contains(&file.exported_at));
    let [account] = &file.accounts[..] else {
        panic!("one account: {file:?}");
    };
    assert_eq!(account.server, "http://127.0.0.1:1/".trim_end_matches('/'));
    assert_eq!(
        (account.user_id.as_deref(), account.username.as_str()),
        (Some("me"), "Me")
    );
    let bob = account.conversations.iter().find(|c| c.user_id == "bob");
    let bob = bob.expect("the conversation");
    assert!(bob.username.is_some());
    assert_eq!(bob.draft, None);
    let shown: Vec<TimelineItem> = stage.timeline("bob");
    assert_eq!(shown.len(), 3);
    for (item, message) in shown.iter().zip(&bob.messages) {
        assert_eq!(item.content, message.text);
        assert_eq!((item.is_mine, item.at), (message.mine, message.at));
        assert_eq!((item.delivery, &message.refusal), (message.delivery, &None));
        assert_eq!(message.seen, (!item.is_mine).then_some(false));
        assert!(message.id.is_none() || item.is_mine);
        assert_eq!(message.receipt, None, "nobody has said anything");
    }
    assert_eq!(exported.messages, 3);
    assert_eq!(exported.conversations, account.conversations.len() as u64);
    let metadata = fs::metadata(&path).expect("metadata");
    assert_eq!(exported.bytes, metadata.len());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(names(folder.path()), ["all.json"]);
}

#[test]
fn no_session_is_ever_in_it() {
    let mut stage = stage();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("all.json");
    export(&mut stage, &path, None).expect("exported");
    let text = fs::read_to_string(&path).expect("a file").to_lowercase();
    for secret in ["session", "secret", "proxy", "cookie", "auth", "token"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn one_conversation_is_exported_alone() {
    let mut stage = stage();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bob.json");
    let exported = export(&mut stage, &path, Some("bob")).expect("exported");
    assert_eq!((exported.accounts, exported.conversations), (1, 1));
    let file = read(&path);
    assert_eq!(file.accounts[0].conversations.len(), 1);
    assert_eq!(file.accounts[0].conversations[0].messages.len(), 3);
    let nobody = folder.path().join("nobody.json");
    let refused = export(&mut stage, &nobody, Some("nobody"));
    assert!(
        matches!(refused, Err(ExportError::UnknownUser)),
        "{refused:?}"
    );
    assert_eq!(names(folder.path()), ["bob.json"], "nothing is left");
}

#[test]
fn a_file_that_exists_is_never_overwritten() {
    let mut stage = stage();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("precious");
    fs::write(&path, "precious").expect("written");
    let dangling = folder.path().join("dangling");
    std::os::unix::fs::symlink(folder.path().join("nowhere"), &dangling).expect("a link");
    for path in [&path, &dangling] {
        let refused = export(&mut stage, path, None);
        assert!(matches!(refused, Err(ExportError::Exists)), "{refused:?}");
    }
    // Also one that came while the export was written.
    let unfinished = folder.path().join("unfinished");
    fs::write(&unfinished, "new").expect("written");
    let refused = publish(&unfinished, &path);
    assert!(matches!(refused, Err(ExportError::Exists)), "{refused:?}");
    assert_eq!(fs::read_to_string(&path).expect("a file"), "precious");
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let mut stage = stage();
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("no").join("such").join("folder.json");
    let refused = export(&mut stage, &nowhere, None);
    assert!(matches!(refused, Err(ExportError::File(_))), "{refused:?}");
    for strange in ["", "/", ".."] {
        let refused = export(&mut stage, Path::new(strange), None);
        assert!(refused.is_err(), "{strange:?}");
    }
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let stage = stage();
    let full = OpenOptions::new().write(true).open("/dev/full");
    let connection = Store::reader(stage.folder()).expect("a reader");
    let out = BufWriter::with_capacity(16, full.expect("the full device"));
    let outcome = crate::store::export::export(&connection, &Scope::Everything, 0, out, &|| true);
    match outcome.map_err(ExportError::from) {
        Err(ExportError::File(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
        other => panic!("it was written somewhere: {other:?}"),
    }
}

#[test]
fn one_at_a_time_and_none_outlives_the_engine() {
    let mut stage = stage();
    let folder = tempfile::tempdir().expect("a folder");
    let (asker, answer) = oneshot::channel();
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let ends = stage.engine.exports.ends.clone();
    let job = stage
        .engine
        .export_job(folder.path().join("slow.json"), None)
        .expect("a job");
    stage.engine.exports.busy.store(true, Ordering::Relaxed);
    stage.engine.exports.thread = Some(thread::spawn(move || {
        // An error is a sign to go, too.
        let _ = wait.recv();
        let _ = asker.send(job.run(&|| !ends.load(Ordering::Relaxed)));
    }));
    let second = export(&mut stage, &folder.path().join("second.json"), None);
    assert!(matches!(second, Err(ExportError::Busy)), "{second:?}");
    stage.engine.exports.ends.store(true, Ordering::Relaxed);
    drop(go);
    drop(stage);
    let outcome = answer.blocking_recv().expect("an answer");
    assert!(matches!(outcome, Err(ExportError::Closed)), "{outcome:?}");
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
fn receipts_and_drafts_are_told_as_they_are_shown() {
    let mut stage = stage();
    let account = stage.engine.account.as_ref().expect("an account").id;
    let shown = stage.timeline("bob");
    let store = &stage.engine.store;
    for (number, item) in shown.iter().take(2).enumerate() {
        store
            .set_taken(item.id, number as u64 + 1, 1)
            .expect("taken");
    }
    let reached = Reached {
        received: 2,
        read: 1,
    };
    let bob = "bob".into();
    store
        .set_reached(account, &bob, reached)
        .expect("a receipt");
    store.set_draft(account, &bob, "not yet").expect("a draft");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("all.json");
    export(&mut stage, &path, Some("bob")).expect("exported");
    let file = read(&path);
    let conversation = &file.accounts[0].conversations[0];
    assert_eq!(conversation.draft.as_deref(), Some("not yet"));
    let receipts: Vec<_> = conversation
        .messages
        .iter()
        .map(|message| message.receipt.as_deref())
        .collect();
    assert_eq!(receipts, [Some("read"), Some("received"), None]);
}
