//! Row 5: no room is left on the disk.
//!
//! The server runs in a mount namespace of its own, where its data lies on a
//! file system of 1 MB: nothing is mounted that outlives it.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use parlour_protocol::{
    UserId,
    pm::{Accepted, Code, MessageId, Reply, StampedMessage},
};
use parlour_tests::{
    inbox::{self, Acknowledged},
    pm::{Device, new_id},
    program::ServerProgram,
};

use crate::{
    database,
    setting::Outcome,
    traffic::{is_in_order, number_in, numbered},
};

/// Long messages, so that the end comes soon.
const LENGTH: usize = 8_000;

/// Within which new room has to be noticed: what the server asks clients to
/// wait, and some more.
const ROOM_SEEN_WITHIN: Duration = Duration::from_secs(10);

pub(crate) async fn a_full_disk_refuses_for_now_and_goes_on_reading() -> Outcome {
    let Some(unshare) = unshare() else {
        return Outcome::Skipped("no file system can be mounted here");
    };
    let mut server = ServerProgram::prepare(&["--no-rate-limits"]);
    std::fs::create_dir(server.data()).expect("a folder");
    let command = on_a_small_disk(&server, &unshare);
    server.restart_by(command);
    let url = server.url();
    let ann = Device::signs_in(&url, "Ann").await;
    let bob = Device::signs_in(&url, "Bob").await;
    let cleo = Device::signs_in(&url, "Cleo").await;

    let mut promised = Vec::new();
    let mut waiting = (new_id(), numbered("ann", 0, LENGTH));
    let refused = loop {
        let answer = ann.try_say(bob.user(), waiting.0, &waiting.1).await;
        match answer.expect("an answer") {
            Reply::Yes(accepted) => {
                let (from, to) = (ann.user(), bob.user());
                let entry = Acknowledged::new(from, to, &waiting.1, waiting.0, &accepted);
                promised.push(entry);
                assert!(promised.len() < 10_000, "the disk is not small");
                waiting = (new_id(), numbered("ann", promised.len(), LENGTH));
            }
            Reply::No(refused) => break refused,
        }
    };
    assert_eq!(refused.code, Code::ServerBusy);
    assert!(refused.retry_after_ms.is_some());
    let full_at = promised.len();
    assert!(full_at > 0);

    // Reading goes on for those who are here and for those who come.
    for _ in 0..3 {
        let again = ann.try_say(bob.user(), waiting.0, &waiting.1).await;
        assert!(matches!(again, Ok(Reply::No(refused)) if refused.code == Code::ServerBusy));
    }
    let read = bob.inbox().await;
    assert_eq!(is_in_order(read.texts_from(ann.user())), full_at);
    assert_eq!(bob.history(ann.user()).await, read.messages);
    let again = ann.twin(&url).await;
    assert_eq!(again.inbox().await.messages.len(), full_at);
    assert_eq!(again.hello().last_seq, full_at as u64);
    heard_nothing_unpromised(&bob, full_at);
    // A repeat of what is stored is answered as it was, or later; never otherwise.
    let first = &promised[0];
    match again.try_say(bob.user(), first.id, &first.content).await {
        Ok(Reply::Yes(accepted)) => assert!(accepted.dup && accepted.seq == Some(first.seq)),
        Ok(Reply::No(refused)) => assert_eq!(refused.code, Code::ServerBusy),
        Err(error) => panic!("{error}"),
    }

    // Room again: the same message goes through, and everything after it.
    let mount = grow(&server);
    for _ in 0..20 {
        let accepted = insists(&ann, bob.user(), &waiting).await;
        let entry = Acknowledged::new(ann.user(), bob.user(), &waiting.1, waiting.0, &accepted);
        promised.push(entry);
        waiting = (new_id(), numbered("ann", promised.len(), LENGTH));
    }
    cleo.says(bob.user(), "me too").await;
    let inboxes = [ann.inbox().await, bob.inbox().await, cleo.inbox().await];
    assert_eq!(is_in_order(inboxes[0].texts_from(ann.user())), full_at + 20);
    inbox::holds(&promised, &inboxes);

    // And nothing is missing in what is left on the disk.
    let copy = server.folder().join("copy.db");
    std::fs::copy(mount.join("server.db"), &copy).expect("copied");
    let log = mount.join("server.db-wal");
    std::fs::copy(log, server.folder().join("copy.db-wal")).expect("copied");
    let connection = database::open(&copy);
    database::is_sound(&connection);
    assert_eq!(database::texts(&connection).len(), full_at + 21);
    Outcome::Done
}

/// Tries again as the server asks, but not for ever.
async fn insists(device: &Device, to: &UserId, message: &(MessageId, String)) -> Accepted {
    let end = Instant::now() + ROOM_SEEN_WITHIN;
    loop {
        let answer = device.try_say(to, message.0, &message.1).await;
        match answer.expect("an answer") {
            Reply::Yes(accepted) => return accepted,
            Reply::No(refused) => assert_eq!(refused.code, Code::ServerBusy),
        }
        assert!(Instant::now() < end, "still refused with room on the disk");
        // The server may have to look for room again; nothing tells when it has.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn heard_nothing_unpromised(device: &Device, promised: usize) {
    let number = |message: &StampedMessage| number_in(&message.content);
    let last = device.heard(|heard| heard.messages.iter().map(number).max());
    assert!(last < Some(promised), "delivered and not stored");
}

/// How this user gets a mount namespace: as root, or as root of a user namespace.
fn unshare() -> Option<Vec<&'static str>> {
    let ways: [&[&str]; 2] = [&["--mount"], &["--mount", "--user", "--map-root-user"]];
    let works = |way: &&&[&str]| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = "mount -t tmpfs -o size=64k tmpfs \"$0\"";
        let mut command = Command::new("unshare");
        command.args(**way).args(["sh", "-c", script]);
        let output = command.arg(folder.path()).output();
        output.is_ok_and(|output| output.status.success())
    };
    ways.iter().find(works).map(|way| way.to_vec())
}

/// The server's command behind a mount of 1 MB over its data folder.
fn on_a_small_disk(server: &ServerProgram, unshare: &[&str]) -> Command {
    let inner = server.command();
    let mut command = Command::new("unshare");
    command.args(unshare).args([
        "sh",
        "-c",
        "mount -t tmpfs -o size=1m,mode=0700 tmpfs \"$0\" && exec \"$@\"",
    ]);
    command.arg(server.data()).arg(inner.get_program());
    command.args(inner.get_args());
    command.stderr(server.log_file());
    command
}

/// Gives the mounted file system more room. Where it is seen from here.
fn grow(server: &ServerProgram) -> std::path::PathBuf {
    let id = server.id().to_string();
    let mut command = Command::new("nsenter");
    command.args(["--target", &id, "--mount"]);
    if !is_root() {
        command.args(["--user", "--preserve-credentials"]);
    }
    command.args(["mount", "-o", "remount,size=16m"]);
    let status = command.arg(server.data()).status();
    assert!(status.is_ok_and(|status| status.success()), "no more room");
    let data = server.data().strip_prefix("/").expect("a whole path");
    std::path::Path::new("/proc")
        .join(id)
        .join("root")
        .join(data)
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id runs");
    output.stdout.starts_with(b"0\n")
}
