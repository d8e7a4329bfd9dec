//! Row 5: no room is left on the disk.

mod small_disk;

use std::time::{Duration, Instant};

use parlour_protocol::{
    UserId,
    pm::{Accepted, Code, MessageId, Reply, StampedMessage},
};
use parlour_tests::{
    inbox::{self, Acknowledged},
    pm::{Device, new_id},
    program::ServerProgram,
};
use serde_json::json;

use self::small_disk::SmallDisk;
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
    let mut server = ServerProgram::prepare(&["--no-rate-limits"]);
    let Some(disk) = SmallDisk::mount(&server) else {
        return Outcome::Skipped("no file system can be mounted here");
    };
    disk.start(&mut server);
    let url = server.url();
    let mut ann = Device::signs_in(&url, "Ann").await;
    let mut bob = Device::signs_in(&url, "Bob").await;
    let plain = Device::signs_in_plainly(&url, "Plain").await;

    // Until nothing more is taken.
    let mut letters = Letters::new(bob.user());
    let refused = loop {
        match letters.send(&ann).await {
            Ok(()) => assert!(letters.sent.len() < 10_000, "the disk is not small"),
            Err(refused) => break refused,
        }
    };
    assert!(refused.retry_after_ms.is_some());
    let full_at = letters.sent.len();
    assert!(full_at > 0);

    // Reading goes on for those who are here and for those who come, also after
    // the server was killed and started on the full disk.
    for round in 0..3 {
        assert!(letters.send(&ann).await.is_err(), "taken without room");
        heard_nothing_unpromised(&bob, full_at);
        let read = bob.inbox().await;
        assert_eq!(is_in_order(read.texts_from(ann.user())), full_at);
        assert_eq!(bob.history(ann.user()).await, read.messages);
        let twin = ann.twin(&url).await;
        assert_eq!(twin.inbox().await.messages.len(), full_at);
        assert_eq!(twin.hello().last_seq, full_at as u64);
        letters.repeats_the_first(&twin).await;
        if round == 0 {
            // Who cannot be refused is cut, and finds out thereby.
            let letter = json!({"content": "x".repeat(LENGTH), "to": bob.user()});
            plain.emits("private message", &letter);
            plain.ends().await;
        } else {
            server.kill();
            disk.start(&mut server);
            ann = Device::resumes(&url, &ann.account).await;
            bob = Device::resumes(&url, &bob.account).await;
        }
    }

    // Room again: the same message goes through, and everything after it.
    disk.grow();
    for _ in 0..20 {
        letters.insists(&ann).await;
    }
    let cleo = Device::signs_in(&url, "Cleo").await;
    cleo.says(bob.user(), "me too").await;
    let inboxes = [ann.inbox().await, bob.inbox().await, cleo.inbox().await];
    assert_eq!(is_in_order(inboxes[0].texts_from(ann.user())), full_at + 20);
    inbox::holds(&letters.sent, &inboxes);

    // And nothing is missing in what is left on the disk.
    server.kill();
    let copy = server.folder().join("copy.db");
    std::fs::copy(disk.path().join("server.db"), &copy).expect("copied");
    let log = disk.path().join("server.db-wal");
    std::fs::copy(log, server.folder().join("copy.db-wal")).expect("copied");
    let connection = database::open(&copy);
    database::is_sound(&connection);
    assert_eq!(database::texts(&connection).len(), full_at + 21);
    Outcome::Done
}

/// What somebody writes, one after the other, each until it is accepted.
struct Letters {
    to: UserId,
    sent: Vec<Acknowledged>,
    next: (MessageId, String),
}

/// Nothing is stored for now.
struct Busy {
    retry_after_ms: Option<u64>,
}

impl Letters {
    fn new(to: &UserId) -> Self {
        Self {
            to: to.clone(),
            sent: Vec::new(),
            next: (new_id(), numbered("letter", 0, LENGTH)),
        }
    }

    async fn send(&mut self, from: &Device) -> Result<(), Busy> {
        let (id, text) = &self.next;
        match from.try_say(&self.to, *id, text).await.expect("an answer") {
            Reply::Yes(accepted) => {
                self.enter(from, &accepted);
                Ok(())
            }
            Reply::No(refused) => {
                assert_eq!(refused.code, Code::ServerBusy);
                let retry_after_ms = refused.retry_after_ms;
                Err(Busy { retry_after_ms })
            }
        }
    }

    fn enter(&mut self, from: &Device, accepted: &Accepted) {
        let (id, text) = &self.next;
        let entry = Acknowledged::new(from.user(), &self.to, text, *id, accepted);
        self.sent.push(entry);
        self.next = (new_id(), numbered("letter", self.sent.len(), LENGTH));
    }

    /// Tries again as the server asks, but not for ever.
    async fn insists(&mut self, from: &Device) {
        let end = Instant::now() + ROOM_SEEN_WITHIN;
        while self.send(from).await.is_err() {
            assert!(Instant::now() < end, "still refused with room on the disk");
            // The server may have to look for room again; nothing tells when it has.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A repeat of what is stored is answered as it was, or later; never otherwise.
    async fn repeats_the_first(&self, from: &Device) {
        let first = &self.sent[0];
        match from.try_say(&self.to, first.id, &first.content).await {
            Ok(Reply::Yes(accepted)) => {
                assert!(accepted.dup && accepted.seq == Some(first.seq));
            }
            Ok(Reply::No(refused)) => assert_eq!(refused.code, Code::ServerBusy),
            Err(error) => panic!("{error}"),
        }
    }
}

fn heard_nothing_unpromised(device: &Device, promised: usize) {
    let number = |message: &StampedMessage| number_in(&message.content);
    let last = device.heard(|heard| heard.messages.iter().map(number).max());
    assert!(last < Some(promised), "delivered and not stored");
}
