//! When the storage fails, and after restarts.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parlour_protocol::pm::{HistoryRequest, Received, SyncRequest};
use serde_json::json;
use tokio::sync::oneshot;

use super::world::{World, fence, message, newcomer, texts, users, with_ack};
use crate::{
    admin::{AdminAnswer, AdminCommand, AdminError},
    admission::{PasswordHash, Skeleton},
    hub::{Command, Request, SignInError, Way},
    identity::{SessionHash, new_session_id},
    storage::{
        Conversation, ConversationSummary, DataFolder, Memory, Page, ServerIdentity, Sqlite,
        Storage, StorageError, StoredSession, StoredUser, UserKey, Write, Written,
    },
};

/// A storage that fails to store what has this text, and everything with it.
const POISON: &str = "cannot be stored";

#[derive(Clone, Default)]
struct Switches {
    full: Arc<AtomicBool>,
    unreadable: Arc<AtomicBool>,
    /// Sessions cannot be ended.
    endless: Arc<AtomicBool>,
}

struct Fragile {
    inner: Memory,
    switches: Switches,
}

impl Fragile {
    fn world() -> (World, Switches) {
        let switches = Switches::default();
        let storage = Self {
            inner: Memory::new(),
            switches: switches.clone(),
        };
        (World::on(Box::new(storage)), switches)
    }

    fn readable(&self) -> Result<(), StorageError> {
        if self.switches.unreadable.load(Ordering::SeqCst) {
            return Err(StorageError::Damaged("test"));
        }
        Ok(())
    }
}

impl Storage for Fragile {
    fn identity(&mut self) -> Result<ServerIdentity, StorageError> {
        self.inner.identity()
    }

    fn users(&mut self) -> Result<Vec<StoredUser>, StorageError> {
        self.inner.users()
    }

    fn owner_of(&mut self, skeleton: &Skeleton) -> Result<Option<UserKey>, StorageError> {
        self.inner.owner_of(skeleton)
    }

    fn password(&mut self, user: UserKey) -> Result<Option<PasswordHash>, StorageError> {
        self.inner.password(user)
    }

    fn session(
        &mut self,
        hash: &SessionHash,
        used_since_ms: i64,
    ) -> Result<Option<StoredSession>, StorageError> {
        self.readable()?;
        self.inner.session(hash, used_since_ms)
    }

    fn sessions_of(
        &mut self,
        user: UserKey,
    ) -> Result<Vec<(SessionHash, StoredSession)>, StorageError> {
        self.inner.sessions_of(user)
    }

    fn commit(&mut self, writes: &[Write]) -> Result<Vec<Written>, StorageError> {
        if self.switches.full.load(Ordering::SeqCst) {
            return Err(StorageError::Full);
        }
        let poisoned = writes.iter().any(|write| match write {
            Write::Message(message) => &*message.content == POISON,
            Write::NewUser(user) => user.username.as_str() == POISON,
            Write::EndSessions { .. } => self.switches.endless.load(Ordering::SeqCst),
            _ => false,
        });
        if poisoned {
            return Err(StorageError::Damaged("test"));
        }
        self.inner.commit(writes)
    }

    fn recent(
        &mut self,
        user: UserKey,
        per_peer: usize,
        weight: usize,
    ) -> Result<Vec<Conversation>, StorageError> {
        self.readable()?;
        self.inner.recent(user, per_peer, weight)
    }

    fn summaries(
        &mut self,
        user: UserKey,
        weight: usize,
    ) -> Result<Vec<ConversationSummary>, StorageError> {
        self.readable()?;
        self.inner.summaries(user, weight)
    }

    fn summary(
        &mut self,
        user: UserKey,
        peer: UserKey,
    ) -> Result<Option<ConversationSummary>, StorageError> {
        self.readable()?;
        self.inner.summary(user, peer)
    }

    fn sync(
        &mut self,
        user: UserKey,
        since: u64,
        limit: usize,
        weight: usize,
    ) -> Result<Page, StorageError> {
        self.readable()?;
        self.inner.sync(user, since, limit, weight)
    }

    fn history(
        &mut self,
        user: UserKey,
        peer: UserKey,
        before: Option<u64>,
        limit: usize,
        weight: usize,
    ) -> Result<Page, StorageError> {
        self.readable()?;
        self.inner.history(user, peer, before, limit, weight)
    }

    fn probe(&mut self) -> Result<(), StorageError> {
        self.inner.probe()
    }

    fn close(&mut self) -> Result<(), StorageError> {
        self.inner.close()
    }
}

#[test]
fn a_message_that_cannot_be_stored_costs_only_its_sender() {
    let (mut world, _) = Fragile::world();
    let ann = world.arrives("Ann");
    let bob = world.arrives("Bob");
    let eve = world.arrives("Eve");
    bob.hears();
    let (eves, mut eves_answer) = fence(&eve);
    let (anns, mut anns_answer) = fence(&ann);
    world.does([
        message(&ann, bob.id(), "one"),
        message(&eve, bob.id(), POISON),
        message(&eve, bob.id(), "behind the poison"),
        message(&ann, bob.id(), "two"),
        eves,
        anns,
    ]);
    let heard = bob.hears();
    assert_eq!(texts(&heard), ["one", "two"]);
    assert!(eve.ear.is_cut());
    assert!(!ann.ear.is_cut());
    assert_eq!(anns_answer.try_recv(), Ok(()));
    assert_eq!(
        eves_answer.try_recv(),
        Err(oneshot::error::TryRecvError::Closed)
    );
}

#[test]
fn who_asked_for_an_answer_hears_that_it_was_not_stored() {
    let (mut world, _) = Fragile::world();
    let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives("Bob"));
    ann.hears();
    bob.hears();
    let (poison, behind) = (world.ack(), world.ack());
    world.does([
        with_ack(message(&ann, bob.id(), POISON), poison),
        with_ack(message(&ann, bob.id(), "behind"), behind),
    ]);
    let busy = json!({"ok": false, "code": "server_busy", "retryAfterMs": 5_000});
    let answers = [poison, behind].map(|ack| (format!("#{}", ack.0), busy.clone()));
    // What came behind it must not overtake it when it comes again.
    assert_eq!(ann.hears(), answers);
    assert_eq!(bob.hears(), []);
    assert!(!ann.ear.is_cut());
}

#[test]
fn a_full_disk_is_said_and_reading_goes_on() {
    let (mut world, switches) = Fragile::world();
    let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives_with_pm("Bob"));
    let plain = world.arrives("Cleo");
    world.sends(&ann, bob.id(), "before");
    bob.hears();
    switches.full.store(true, Ordering::SeqCst);
    let busy = json!({"ok": false, "code": "server_busy", "retryAfterMs": 5_000});
    assert_eq!(world.sends(&ann, bob.id(), "now"), busy);
    let received = Request::Received(Received { up_to: 1 });
    assert_eq!(world.asks(&bob, received), busy);
    world.says(&plain, bob.id(), "unheard");
    assert!(plain.ear.is_cut());
    let sync = Request::Sync(SyncRequest {
        since: 0,
        limit: 10,
    });
    assert_eq!(
        world.asks(&bob, sync)["messages"][0]["content"],
        json!("before")
    );
    let history = Request::History(HistoryRequest {
        peer: ann.id.clone(),
        before: None,
        limit: 10,
    });
    assert_eq!(world.asks(&bob, history)["complete"], json!(true));
    let again = world.resumes(&bob);
    assert_eq!(users(&again)[0]["messages"][0]["content"], json!("before"));
    let new = world.signs_in(&new_session_id(), Way::New(newcomer("Dan")));
    assert_eq!(new, Err(SignInError::Unavailable));
    switches.full.store(false, Ordering::SeqCst);
    assert_eq!(world.sends(&ann, bob.id(), "after")["ok"], json!(true));
}

#[test]
fn what_cannot_be_read_costs_nobody_else() {
    let (mut world, switches) = Fragile::world();
    let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives("Bob"));
    world.says(&ann, bob.id(), "hello");
    let session = bob.session.clone();
    let entered = world.signs_in(&session, Way::Resume).expect("session");
    let (bob_too, join) = world.joining(entered, &session, false);
    switches.unreadable.store(true, Ordering::SeqCst);
    world.does([join]);
    assert!(bob_too.ear.is_cut());
    let again = world.signs_in(&session, Way::Resume);
    assert_eq!(again, Err(SignInError::Unavailable));
    ann.hears();
    let sync = Request::Sync(SyncRequest {
        since: 0,
        limit: 10,
    });
    assert_eq!(world.asks(&ann, sync)["code"], json!("server_busy"));
    assert!(!ann.ear.is_cut() && !bob.ear.is_cut());
    assert!(world.metrics.counts().storage_failures >= 3);
}

#[test]
fn a_user_who_cannot_be_stored_costs_only_their_connection() {
    let (mut world, _) = Fragile::world();
    let (one, other) = (world.connection(), world.connection());
    let session = new_session_id();
    let (poisoned, mut refused) =
        World::signing_in(one, &new_session_id(), Way::New(newcomer(POISON)));
    let (sound, mut let_in) = World::signing_in(other, &session, Way::New(newcomer("Ann")));
    world.does([poisoned, sound]);
    let refused = refused.try_recv().expect("an answer");
    assert_eq!(refused.err(), Some(SignInError::Unavailable));
    let ann = let_in.try_recv().expect("an answer").expect("let in");
    let (ann, join) = world.joining((other, ann.user), &session, false);
    world.does([join]);
    assert_eq!(users(&ann).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_ban_is_whole_or_not_at_all() {
    let (mut world, switches) = Fragile::world();
    let ann = world.arrives_with_pm("Ann");
    let user = ann.id.clone();
    let ban = AdminCommand::Ban { user: user.clone() };
    switches.endless.store(true, Ordering::SeqCst);
    let error = AdminError::Storage;
    assert_eq!(world.hub.administer(&ban), AdminAnswer::Refused { error });
    // Nothing was done, as it says.
    assert!(!ann.ear.is_dismissed());
    let (connection, _) = world.signs_in(&ann.session, Way::Resume).expect("in");
    world.does([Command::Leave { connection }]);
    switches.endless.store(false, Ordering::SeqCst);
    let done = AdminAnswer::Done { count: 1 };
    assert_eq!(world.hub.administer(&ban), done);
    assert!(ann.ear.is_dismissed());
}

#[test]
fn everything_is_there_after_a_restart_but_presence() {
    let folder = tempfile::tempdir().expect("folder");
    let open = || {
        let folder = DataFolder::open(folder.path()).expect("folder");
        World::on(Box::new(Sqlite::open(folder).expect("storage")))
    };
    let mut world = open();
    let (ann, bob) = (world.arrives("Ann"), world.arrives("Bob"));
    world.says(&ann, bob.id(), "hello");
    drop(world);
    let mut world = open();
    let back = world.resumes(&bob);
    assert_eq!(back.id, bob.id);
    let users = users(&back);
    assert_eq!(users[0]["username"], json!("Ann"));
    assert_eq!(users[0]["connected"], json!(false));
    assert_eq!(users[0]["messages"][0]["content"], json!("hello"));
}

#[test]
fn the_secret_is_stored_as_a_hash_only() {
    let folder = tempfile::tempdir().expect("folder");
    let data = DataFolder::open(folder.path()).expect("folder");
    let mut world = World::on(Box::new(Sqlite::open(data).expect("storage")));
    let ann = world.arrives("Ann");
    world.hub.close();
    let secret = ann.session.reveal().as_bytes();
    for file in std::fs::read_dir(folder.path()).expect("folder") {
        let bytes = std::fs::read(file.expect("file").path()).expect("bytes");
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}
