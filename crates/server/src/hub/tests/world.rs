//! A hub, connections to it, and the words to tell stories about them.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parlour_protocol::{
    SessionId, UserId, Username,
    pm::{self, MessageId},
};
use parlour_socketio::server::{AckId, Frame};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::{
    admission::Skeleton,
    config::Limits,
    hub::{
        Announcer, Ask, Command, ConnectionId, Full, Hub, Join, Message, NewPerson, Outlet, Policy,
        Request, SignInError, SignedIn, Way, command::SignIn,
    },
    identity::{SessionHash, new_session_id},
    metrics::Metrics,
    storage::{DataFolder, Memory, Sqlite, Storage},
};

/// What somebody heard: the event and its argument; an answer is `#` and its number.
pub(super) type Heard = (String, Value);

/// One connection's ear.
#[derive(Clone)]
pub(super) struct Ear {
    inner: Arc<Inner>,
    log: Log,
}

#[derive(Default)]
struct Inner {
    heard: Mutex<Vec<String>>,
    /// Heard, and not flushed yet.
    unflushed: Mutex<Vec<String>>,
    full: AtomicBool,
    cut: AtomicBool,
    dismissed: AtomicBool,
}

/// Those who follow what is announced.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<Ear>>>);

impl Announcer for Log {
    fn announce(&self, frame: Frame) {
        for ear in self.0.lock().unwrap().iter() {
            // As the real one does, at its own pace.
            ear.hear(&frame);
            ear.flush();
        }
    }
}

/// The hub's end of an ear; without it nothing is heard.
struct Mouth(Ear);

impl Drop for Mouth {
    fn drop(&mut self) {
        let mut following = self.0.log.0.lock().unwrap();
        following.retain(|ear| !Arc::ptr_eq(&ear.inner, &self.0.inner));
    }
}

impl Outlet for Mouth {
    fn send(&self, frame: &Frame) -> Result<(), Full> {
        if self.0.inner.full.load(Ordering::SeqCst) {
            self.0.inner.cut.store(true, Ordering::SeqCst);
            return Err(Full);
        }
        self.0.hear(frame);
        Ok(())
    }

    fn send_snapshot(&self, frame: &Frame) -> Result<(), Full> {
        self.send(frame)
    }

    fn flush(&self) {
        self.0.flush();
    }

    fn follow(&self) {
        self.0.log.0.lock().unwrap().push(self.0.clone());
    }

    fn dismiss(&self) {
        self.0.inner.dismissed.store(true, Ordering::SeqCst);
        self.0.flush();
    }

    fn cut(&self) {
        self.0.inner.cut.store(true, Ordering::SeqCst);
    }
}

impl Ear {
    fn flush(&self) {
        let mut unflushed = self.inner.unflushed.lock().unwrap();
        self.inner.heard.lock().unwrap().append(&mut unflushed);
    }

    fn hear(&self, frame: &Frame) {
        if self.is_over() {
            return;
        }
        for text in frame.texts() {
            self.inner.unflushed.lock().unwrap().push(text.to_owned());
        }
    }

    /// What was heard since the last time.
    pub(super) fn hears(&self) -> Vec<Heard> {
        assert!(
            self.inner.unflushed.lock().unwrap().is_empty() || self.is_over(),
            "something was not flushed"
        );
        let heard = std::mem::take(&mut *self.inner.heard.lock().unwrap());
        heard.iter().map(|text| read(text)).collect()
    }

    pub(super) fn fill(&self) {
        self.inner.full.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.inner.cut.load(Ordering::SeqCst)
    }

    pub(super) fn is_dismissed(&self) -> bool {
        self.inner.dismissed.load(Ordering::SeqCst)
    }

    fn is_over(&self) -> bool {
        self.is_cut() || self.is_dismissed()
    }
}

fn read(text: &str) -> Heard {
    if let Some(event) = text.strip_prefix("42") {
        let [name, argument]: [Value; 2] = serde_json::from_str(event).expect("an event");
        return (name.as_str().expect("a name").to_owned(), argument);
    }
    let answer = text.strip_prefix("43").expect("an answer");
    let (number, json) = answer.split_once('[').expect("a number");
    let [argument]: [Value; 1] = serde_json::from_str(&format!("[{json}")).expect("an answer");
    (format!("#{number}"), argument)
}

thread_local! {
    /// The clock of this test's hubs.
    static CLOCK: Cell<i64> = const { Cell::new(1_700_000_000_000) };
}

fn now_ms() -> i64 {
    CLOCK.get()
}

/// Lets time pass.
pub(super) fn pass(ms: i64) {
    CLOCK.set(CLOCK.get() + ms);
}

pub(super) struct World {
    pub(super) hub: Hub,
    pub(super) metrics: Arc<Metrics>,
    log: Log,
    next: u64,
    acks: u64,
    _folder: Option<TempDir>,
}

/// Somebody at one connection.
pub(super) struct Person {
    pub(super) connection: ConnectionId,
    pub(super) id: UserId,
    pub(super) session: SessionId,
    pub(super) ear: Ear,
}

impl Person {
    pub(super) fn id(&self) -> &str {
        self.id.as_str()
    }

    pub(super) fn hears(&self) -> Vec<Heard> {
        self.ear.hears()
    }

    /// The only thing heard.
    pub(super) fn hears_one(&self) -> Heard {
        let mut heard = self.ear.hears();
        assert_eq!(heard.len(), 1, "{heard:?}");
        heard.pop().unwrap()
    }
}

/// Runs a story on each engine.
pub(super) fn on_both(story: impl Fn(&mut World)) {
    story(&mut World::in_memory());
    story(&mut World::on_disk());
}

pub(super) fn policy() -> Policy {
    let limits = Limits::default();
    Policy {
        connections_per_user: limits.connections_per_user,
        session_idle: Duration::from_secs(30 * 24 * 60 * 60),
        messages: Some(limits.messages()),
        told: pm::Rate {
            per_second: 20,
            burst: 200,
        },
    }
}

impl World {
    pub(super) fn in_memory() -> Self {
        Self::on(Box::new(Memory::new()))
    }

    pub(super) fn on_disk() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let data = DataFolder::open(folder.path()).expect("folder");
        let mut world = Self::on(Box::new(Sqlite::open(data).expect("storage")));
        world._folder = Some(folder);
        world
    }

    pub(super) fn on(storage: Box<dyn Storage>) -> Self {
        let metrics = Arc::new(Metrics::default());
        let log = Log::default();
        let announcer = Box::new(log.clone());
        let hub = Hub::new(storage, announcer, policy(), metrics.clone(), now_ms);
        Self {
            hub: hub.expect("hub"),
            metrics,
            log,
            next: 0,
            acks: 0,
            _folder: None,
        }
    }

    /// The hub does these.
    pub(super) fn does(&mut self, commands: impl IntoIterator<Item = Command>) {
        let mut batch: Vec<_> = commands.into_iter().collect();
        self.hub.apply(&mut batch);
        assert!(batch.is_empty());
    }

    pub(super) fn connection(&mut self) -> ConnectionId {
        self.next += 1;
        ConnectionId(self.next)
    }

    pub(super) fn signing_in(
        connection: ConnectionId,
        session: &SessionId,
        way: Way,
    ) -> (Command, oneshot::Receiver<Result<SignedIn, SignInError>>) {
        let (answer, answered) = oneshot::channel();
        let sign_in = SignIn {
            connection,
            client: "test".to_owned(),
            session: SessionHash::of(session),
            way,
            answer,
        };
        (Command::SignIn(Box::new(sign_in)), answered)
    }

    pub(super) fn signs_in(
        &mut self,
        session: &SessionId,
        way: Way,
    ) -> Result<(ConnectionId, UserId), SignInError> {
        let connection = self.connection();
        let (command, mut answered) = Self::signing_in(connection, session, way);
        self.does([command]);
        let signed_in = answered.try_recv().expect("an answer")?;
        Ok((connection, signed_in.user))
    }

    /// Somebody who has signed in and is about to join.
    pub(super) fn joining(
        &mut self,
        (connection, id): (ConnectionId, UserId),
        session: &SessionId,
        pm: bool,
    ) -> (Person, Command) {
        let ear = Ear {
            inner: Arc::default(),
            log: self.log.clone(),
        };
        let join = Join {
            connection,
            session_id: session.clone(),
            outlet: Box::new(Mouth(ear.clone())),
            pm,
            resumed: false,
            answer: oneshot::channel().0,
        };
        let person = Person {
            connection,
            id,
            session: session.clone(),
            ear,
        };
        (person, Command::Join(Box::new(join)))
    }

    fn arrives_as(&mut self, name: &str, pm: bool) -> Person {
        let session = new_session_id();
        let entered = self
            .signs_in(&session, Way::New(newcomer(name)))
            .expect("a name");
        let (person, join) = self.joining(entered, &session, pm);
        self.does([join]);
        person
    }

    /// Somebody new, with the guide's client.
    pub(super) fn arrives(&mut self, name: &str) -> Person {
        self.arrives_as(name, false)
    }

    /// Somebody new, with a client that speaks pm.
    pub(super) fn arrives_with_pm(&mut self, name: &str) -> Person {
        self.arrives_as(name, true)
    }

    fn resumes_as(&mut self, person: &Person, pm: bool) -> Person {
        let session = person.session.clone();
        let entered = self.signs_in(&session, Way::Resume).expect("a session");
        let (person, join) = self.joining(entered, &session, pm);
        self.does([join]);
        person
    }

    /// One more connection of somebody.
    pub(super) fn resumes(&mut self, person: &Person) -> Person {
        self.resumes_as(person, false)
    }

    pub(super) fn resumes_with_pm(&mut self, person: &Person) -> Person {
        self.resumes_as(person, true)
    }

    pub(super) fn leaves(&mut self, person: &Person) {
        let connection = person.connection;
        self.does([Command::Leave { connection }]);
    }

    /// Without asking for an answer.
    pub(super) fn says(&mut self, from: &Person, to: &str, content: &str) {
        self.does([message(from, to, content)]);
    }

    /// Asks for an answer, which this is.
    pub(super) fn sends(&mut self, from: &Person, to: &str, content: &str) -> Value {
        let ack = self.ack();
        self.does([with_ack(message(from, to, content), ack)]);
        self.answer(from, ack)
    }

    /// The same with an id.
    pub(super) fn sends_as(&mut self, from: &Person, to: &str, content: &str, id: u8) -> Value {
        let ack = self.ack();
        let mut command = with_ack(message(from, to, content), ack);
        if let Command::Message(message) = &mut command {
            message.id = Some(message_id(id));
        }
        self.does([command]);
        self.answer(from, ack)
    }

    pub(super) fn ack(&mut self) -> AckId {
        self.acks += 1;
        AckId(self.acks)
    }

    /// The answer, which must be the last thing heard; what came before is gone.
    pub(super) fn answer(&mut self, person: &Person, ack: AckId) -> Value {
        let (name, value) = person.hears().pop().expect("an answer");
        assert_eq!(name, format!("#{}", ack.0));
        value
    }

    /// Asks something and gives the answer.
    pub(super) fn asks(&mut self, person: &Person, request: Request) -> Value {
        let ack = self.ack();
        let (command, mut done) = asking(person, Some(ack), request);
        self.does([command]);
        assert!(done.try_recv().is_ok());
        self.answer(person, ack)
    }
}

pub(super) fn newcomer(name: &str) -> NewPerson {
    let username = Username::parse(name).expect("a name");
    NewPerson {
        skeleton: Skeleton::of(&username),
        username,
        unique: false,
        password: None,
        invite: None,
    }
}

pub(super) fn message_id(number: u8) -> MessageId {
    MessageId::new(1_700_000_000_000, &[number; 10])
}

pub(super) fn message(from: &Person, to: &str, content: &str) -> Command {
    Command::Message(Message {
        connection: from.connection,
        ack: None,
        to: UserId::new(to),
        content: content.into(),
        id: None,
        sent_at: None,
    })
}

pub(super) fn with_ack(mut command: Command, ack: AckId) -> Command {
    if let Command::Message(message) = &mut command {
        message.ack = Some(ack);
    }
    command
}

pub(super) fn asking(
    person: &Person,
    ack: Option<AckId>,
    request: Request,
) -> (Command, oneshot::Receiver<u64>) {
    let (done, is_done) = oneshot::channel();
    let ask = Ask {
        connection: person.connection,
        ack,
        request,
        done,
    };
    (Command::Ask(Box::new(ask)), is_done)
}

pub(super) fn fence(of: &Person) -> (Command, oneshot::Receiver<()>) {
    let (answer, answered) = oneshot::channel();
    let connection = of.connection;
    (Command::Fence { connection, answer }, answered)
}

/// A message as plain clients get it.
pub(super) fn live(from: &Person, to: &Person, content: &str) -> Heard {
    let payload = json!({"content": content, "from": from.id(), "to": to.id()});
    ("private message".to_owned(), payload)
}

pub(super) fn texts(heard: &[Heard]) -> Vec<&str> {
    heard
        .iter()
        .filter_map(|(_, payload)| payload["content"].as_str())
        .collect()
}

/// The list that came with the join; checks that `session` came before it.
pub(super) fn users(person: &Person) -> Value {
    let heard = person.hears();
    let events: Vec<_> = heard.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(events[..2], ["session", "users"]);
    heard[1].1.clone()
}

impl World {
    /// Somebody's key in the storage.
    pub(super) fn key(&self, id: &UserId) -> crate::storage::UserKey {
        let index = self.hub.people.by_id(id).expect("somebody");
        self.hub.people.get(index).key
    }
}
