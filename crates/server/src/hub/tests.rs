//! The chat's rules, without a network.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use parlour_protocol::{ConnectAuth, OutgoingMessage, SessionId, UserId};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Command, ConnectionId, Frame, Full, Hub, Identity, Outlet, SignInError};
use crate::{
    counters::Counters,
    identity::SessionHash,
    storage::{DataFolder, NewSession, Sqlite, Storage, StorageError, StoredMessage, StoredUser},
};

/// One connection's ear.
#[derive(Clone, Default)]
struct Ear {
    heard: Arc<Mutex<Vec<(String, Value)>>>,
    full: Arc<AtomicBool>,
    cut: Arc<AtomicBool>,
}

impl Outlet for Ear {
    fn deliver(&self, frame: &Frame) -> Result<(), Full> {
        if self.full.load(Ordering::SeqCst) {
            return Err(Full);
        }
        let payload = serde_json::from_str(frame.payload().get()).expect("json");
        let mut heard = self.heard.lock().expect("lock");
        heard.push((frame.event().to_owned(), payload));
        Ok(())
    }

    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }
}

impl Ear {
    /// What was heard since the last time.
    fn hears(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.heard.lock().expect("lock"))
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }
}

/// A storage that fails to store what has this text, and everything with it.
struct Fragile {
    inner: Sqlite,
}

const POISON: &str = "cannot be stored";

impl Storage for Fragile {
    fn users(&mut self) -> Result<Vec<StoredUser>, StorageError> {
        self.inner.users()
    }

    fn user_of_session(&mut self, hash: &SessionHash) -> Result<Option<UserId>, StorageError> {
        self.inner.user_of_session(hash)
    }

    fn create_sessions(&mut self, sessions: &[NewSession]) -> Result<(), StorageError> {
        if sessions
            .iter()
            .any(|session| session.user.username.as_str() == POISON)
        {
            return Err(StorageError::UnknownUser);
        }
        self.inner.create_sessions(sessions)
    }

    fn append(&mut self, messages: &[StoredMessage]) -> Result<(), StorageError> {
        if messages.iter().any(|message| message.content == POISON) {
            return Err(StorageError::UnknownUser);
        }
        self.inner.append(messages)
    }

    fn history(&mut self, user: &UserId) -> Result<Vec<StoredMessage>, StorageError> {
        self.inner.history(user)
    }

    fn close(&mut self) -> Result<(), StorageError> {
        self.inner.close()
    }
}

struct World {
    hub: Hub,
    counters: Arc<Counters>,
    next: u64,
}

/// Somebody at one connection.
struct Person {
    connection: ConnectionId,
    identity: Identity,
    ear: Ear,
}

impl Person {
    fn id(&self) -> &str {
        self.identity.user_id.as_str()
    }

    fn session(&self) -> SessionId {
        self.identity.session_id.clone()
    }
}

impl World {
    fn new() -> Self {
        Self::on(Box::new(Fragile {
            inner: Sqlite::in_memory().expect("storage"),
        }))
    }

    fn on(storage: Box<dyn Storage>) -> Self {
        let counters = Arc::new(Counters::default());
        Self {
            hub: Hub::new(storage, counters.clone(), || 1_000).expect("hub"),
            counters,
            next: 0,
        }
    }

    fn signs_in(
        &mut self,
        session_id: Option<SessionId>,
        username: Option<&str>,
    ) -> Result<Identity, SignInError> {
        let (answer, mut answered) = oneshot::channel();
        let username = username.map(str::to_owned);
        let auth = ConnectAuth {
            session_id,
            username,
            ..ConnectAuth::default()
        };
        self.hub.apply(vec![Command::SignIn { auth, answer }]);
        answered.try_recv().expect("an answer")
    }

    fn joining(&mut self, identity: Identity) -> (Person, Command) {
        self.next += 1;
        let person = Person {
            connection: ConnectionId(self.next),
            identity,
            ear: Ear::default(),
        };
        let command = Command::Join {
            connection: person.connection,
            identity: person.identity.clone(),
            outlet: Box::new(person.ear.clone()),
        };
        (person, command)
    }

    fn joins(&mut self, identity: Identity) -> Person {
        let (person, command) = self.joining(identity);
        self.hub.apply(vec![command]);
        person
    }

    fn arrives(&mut self, name: &str) -> Person {
        let identity = self.signs_in(None, Some(name)).expect("a name");
        self.joins(identity)
    }

    fn resumes(&mut self, person: &Person) -> Person {
        let identity = self
            .signs_in(Some(person.session()), None)
            .expect("a session");
        self.joins(identity)
    }

    fn leaves(&mut self, person: &Person) {
        let connection = person.connection;
        self.hub.apply(vec![Command::Leave { connection }]);
    }

    fn says(&mut self, from: &Person, to: &str, content: &str) {
        self.hub.apply(vec![message(from, to, content)]);
    }
}

fn message(from: &Person, to: &str, content: &str) -> Command {
    Command::Message {
        connection: from.connection,
        message: OutgoingMessage::plain(content, UserId::new(to)),
    }
}

fn fence(of: &Person) -> (Command, oneshot::Receiver<()>) {
    let (answer, answered) = oneshot::channel();
    let connection = of.connection;
    (Command::Fence { connection, answer }, answered)
}

fn live(from: &Person, to: &Person, content: &str) -> (String, Value) {
    let payload = json!({"content": content, "from": from.id(), "to": to.id()});
    ("private message".to_owned(), payload)
}

fn texts(heard: &[(String, Value)]) -> Vec<&str> {
    heard
        .iter()
        .filter_map(|(_, payload)| payload["content"].as_str())
        .collect()
}

fn users(person: &Person) -> Value {
    let heard = person.ear.hears();
    let events: Vec<_> = heard.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(events[..2], ["session", "users"]);
    heard[1].1.clone()
}

#[test]
fn session_then_users_and_the_others_hear_of_it() {
    let mut world = World::new();
    let ann = world.arrives("Ann");
    let ann_entry =
        json!({"userID": ann.id(), "username": "Ann", "connected": true, "messages": []});
    let session = json!({"sessionID": ann.session().reveal(), "userID": ann.id()});
    assert_eq!(
        ann.ear.hears(),
        [
            ("session".to_owned(), session),
            ("users".to_owned(), json!([ann_entry]))
        ]
    );
    let bob = world.arrives("Bob");
    let bob_entry =
        json!({"userID": bob.id(), "username": "Bob", "connected": true, "messages": []});
    assert_eq!(
        ann.ear.hears(),
        [("user connected".to_owned(), bob_entry.clone())]
    );
    assert_eq!(users(&bob), json!([ann_entry, bob_entry]));
}

#[test]
fn a_name_that_is_none_is_refused() {
    let mut world = World::new();
    for name in [None, Some(""), Some("  "), Some("a\u{202E}b")] {
        assert_eq!(world.signs_in(None, name), Err(SignInError::Refused));
    }
    let unknown = Some(SessionId::new("f".repeat(64)));
    assert_eq!(
        world.signs_in(unknown.clone(), None),
        Err(SignInError::Refused)
    );
    let eve = world
        .signs_in(unknown.clone(), Some("Eve"))
        .expect("a name");
    assert_ne!(Some(eve.session_id), unknown);
    assert_eq!(world.counters.counts().refused, 5);
}

#[test]
fn an_attempt_that_never_joins_leaves_nobody_behind() {
    let mut world = World::new();
    let nobody = world.signs_in(None, Some("Nobody")).expect("a name");
    let ann = world.arrives("Ann");
    assert_eq!(users(&ann).as_array().map(Vec::len), Some(1));
    assert_eq!(
        world.signs_in(Some(nobody.session_id), None),
        Err(SignInError::Refused)
    );
}

#[test]
fn messages_reach_all_but_the_sending_connection() {
    let mut world = World::new();
    let (ann, bob, eve) = (
        world.arrives("Ann"),
        world.arrives("Bob"),
        world.arrives("Eve"),
    );
    let (ann_too, bob_too) = (world.resumes(&ann), world.resumes(&bob));
    let everyone = [&ann, &ann_too, &bob, &bob_too, &eve];
    for person in everyone {
        person.ear.hears();
    }
    world.says(&ann, bob.id(), "hello");
    let hello = live(&ann, &bob, "hello");
    for hearing in [&ann_too, &bob, &bob_too] {
        assert_eq!(hearing.ear.hears(), std::slice::from_ref(&hello));
    }
    world.says(&ann, ann.id(), "a note");
    assert_eq!(ann_too.ear.hears(), [live(&ann, &ann, "a note")]);
    for silent in everyone {
        assert_eq!(silent.ear.hears(), []);
    }
}

#[test]
fn only_the_last_connection_takes_its_user_away() {
    let mut world = World::new();
    let (ann, bob) = (world.arrives("Ann"), world.arrives("Bob"));
    let bob_too = world.resumes(&bob);
    ann.ear.hears();
    world.leaves(&bob);
    world.leaves(&bob);
    assert_eq!(ann.ear.hears(), []);
    world.leaves(&bob_too);
    assert_eq!(
        ann.ear.hears(),
        [("user disconnected".to_owned(), json!(bob.id()))]
    );
    let cleo = world.arrives("Cleo");
    assert_eq!(users(&cleo)[1]["connected"], json!(false));
}

#[test]
fn what_came_while_away_is_there_afterwards() {
    let mut world = World::new();
    let (ann, bob, eve) = (
        world.arrives("Ann"),
        world.arrives("Bob"),
        world.arrives("Eve"),
    );
    world.says(&bob, ann.id(), "one");
    world.says(&eve, bob.id(), "other");
    world.leaves(&bob);
    world.says(&ann, bob.id(), "two");
    let back = world.resumes(&bob);
    let users = users(&back);
    assert_eq!(
        users[0]["messages"],
        json!([
            {"content": "one", "from": bob.id(), "to": ann.id()},
            {"content": "two", "from": ann.id(), "to": bob.id()},
        ])
    );
    assert_eq!(users[2]["messages"][0]["content"], json!("other"));
}

#[test]
fn a_message_to_nobody_is_counted_and_not_kept() {
    let mut world = World::new();
    let ann = world.arrives("Ann");
    world.says(&ann, "0123456789abcdef", "hello?");
    assert_eq!(world.counters.counts().unknown_recipient, 1);
    assert!(!ann.ear.is_cut());
}

#[test]
fn a_batch_keeps_its_order_and_a_snapshot_its_place() {
    let mut world = World::new();
    let (ann, bob) = (world.arrives("Ann"), world.arrives("Bob"));
    bob.ear.hears();
    let identity = world.signs_in(Some(bob.session()), None).expect("session");
    let (bob_too, join) = world.joining(identity);
    let (fence, mut answered) = fence(&ann);
    world.hub.apply(vec![
        message(&ann, bob.id(), "one"),
        join,
        message(&ann, bob.id(), "two"),
        fence,
    ]);
    assert_eq!(answered.try_recv(), Ok(()));
    assert_eq!(texts(&bob.ear.hears()), ["one", "two"]);
    let heard = bob_too.ear.hears();
    let kept = &heard[1].1[0]["messages"];
    assert_eq!(kept.as_array().map(Vec::len), Some(1));
    assert_eq!(texts(&heard), ["two"]);
}

#[test]
fn who_reads_too_slowly_is_cut_and_has_left() {
    let mut world = World::new();
    let (ann, bob, cleo) = (
        world.arrives("Ann"),
        world.arrives("Bob"),
        world.arrives("Cleo"),
    );
    bob.ear.full.store(true, Ordering::SeqCst);
    cleo.ear.full.store(true, Ordering::SeqCst);
    ann.ear.hears();
    world.says(&ann, bob.id(), "hello");
    assert!(bob.ear.is_cut());
    assert!(cleo.ear.is_cut(), "Cleo could not be told that Bob left");
    let mut gone: Vec<_> = ann.ear.hears().into_iter().map(|(_, id)| id).collect();
    gone.sort_by_key(Value::to_string);
    let mut expected = vec![json!(bob.id()), json!(cleo.id())];
    expected.sort_by_key(Value::to_string);
    assert_eq!(gone, expected);
    let back = world.resumes(&bob);
    assert_eq!(users(&back)[0]["messages"][0]["content"], json!("hello"));
}

#[test]
fn a_message_that_cannot_be_stored_costs_only_its_sender() {
    let mut world = World::new();
    let (ann, bob, eve) = (
        world.arrives("Ann"),
        world.arrives("Bob"),
        world.arrives("Eve"),
    );
    bob.ear.hears();
    let (eves, mut eves_answer) = fence(&eve);
    let (anns, mut anns_answer) = fence(&ann);
    world.hub.apply(vec![
        message(&ann, bob.id(), "one"),
        message(&eve, bob.id(), POISON),
        message(&eve, bob.id(), "behind the poison"),
        message(&ann, bob.id(), "two"),
        eves,
        anns,
    ]);
    assert_eq!(texts(&bob.ear.hears()), ["one", "two"]);
    assert!(eve.ear.is_cut());
    assert!(!ann.ear.is_cut());
    assert_eq!(anns_answer.try_recv(), Ok(()));
    assert_eq!(
        eves_answer.try_recv(),
        Err(oneshot::error::TryRecvError::Closed)
    );
}

#[test]
fn a_session_that_cannot_be_stored_costs_only_its_connection() {
    let mut world = World::new();
    let [poisoned, sound] = [POISON, "Ann"].map(|name| {
        let identity = world.signs_in(None, Some(name)).expect("a name");
        world.joining(identity)
    });
    world.hub.apply(vec![poisoned.1, sound.1]);
    assert!(poisoned.0.ear.is_cut());
    assert_eq!(poisoned.0.ear.hears(), []);
    assert_eq!(users(&sound.0).as_array().map(Vec::len), Some(1));
}

#[test]
fn everything_is_there_after_a_restart_but_presence() {
    let folder = tempfile::tempdir().expect("folder");
    let open = || {
        let folder = DataFolder::open(folder.path()).expect("folder");
        Box::new(Sqlite::open(folder).expect("storage"))
    };
    let mut world = World::on(open());
    let (ann, bob) = (world.arrives("Ann"), world.arrives("Bob"));
    world.says(&ann, bob.id(), "hello");
    assert!(matches!(
        DataFolder::open(folder.path()),
        Err(StorageError::InUse(_))
    ));
    drop(world);
    let mut world = World::on(open());
    let back = world.resumes(&bob);
    assert_eq!(back.identity.user_id, bob.identity.user_id);
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
    let secret = ann.session();
    world.hub.close();
    for file in std::fs::read_dir(folder.path()).expect("folder") {
        let bytes = std::fs::read(file.expect("file").path()).expect("bytes");
        let secret = secret.reveal().as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}
