//! An engine and all that surrounds it, in the hands of a story.

mod hands;
mod words;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use parlour_protocol::{OutgoingMessage, SessionId, UserEntry, UserId};
use rand::{SeedableRng, rngs::StdRng};
use tokio::sync::{broadcast, mpsc};

pub(in crate::task) use self::{hands::Hands, words::*};
use super::super::{Engine, witness::Witnessed};
use crate::{
    Answer, ClientEvent, Command, Compatibility, Refusal, RosterEntry, SessionView, Snapshot,
    handle::ClientConfig,
    ports::{
        Alone, Clock, Connecting, Connector, Fence, Link, LinkClose, LinkEvent, LinkFacts,
        LinkSender, NoLink, Notice, Question, SendError, Target, Transport,
    },
    secrets::MemorySecrets,
    session::Input,
    store::{SecretEntry, Store},
    view::{Delivery, Failure, FailureCode, SecretsBackend, TimelineItem},
};

/// How many events a listener may be behind.
const EVENTS: usize = 1024;

/// What a server would have seen, and how the connection behaves.
#[derive(Default)]
pub(in crate::task) struct Wire {
    /// Messages and fences in the order of the wire.
    packets: Vec<Packet>,
    pub(in crate::task) sent: Vec<String>,
    pub(in crate::task) fences: Vec<u64>,
    /// Of a server that speaks pm.
    pub(in crate::task) asked: Vec<(u64, Question)>,
    pub(in crate::task) told: Vec<Notice>,
    pub(in crate::task) full: bool,
    pub(in crate::task) closed: bool,
    /// There is never room for a fence.
    pub(in crate::task) no_fences: bool,
    /// How long a text the server takes.
    pub(in crate::task) longest: Option<usize>,
    pub(in crate::task) transport: Option<Transport>,
}

/// What goes over a wire to a server that does not speak pm.
#[derive(Clone, Debug)]
pub(in crate::task) enum Packet {
    /// To somebody.
    Message(UserId, String),
    /// Of this number.
    Fence(u64),
}

struct Sender(Arc<Mutex<Wire>>);

impl LinkSender for Sender {
    fn transport(&self) -> Option<Transport> {
        self.0.lock().expect("the wire").transport
    }

    fn send(&self, message: &OutgoingMessage) -> Result<(), SendError> {
        let mut wire = self.0.lock().expect("the wire");
        if wire.full {
            return Err(SendError::Full);
        }
        if wire
            .longest
            .is_some_and(|longest| message.content.len() > longest)
        {
            return Err(SendError::TooLarge);
        }
        wire.sent.push(message.content.clone());
        let packet = Packet::Message(message.to.clone(), message.content.clone());
        wire.packets.push(packet);
        Ok(())
    }

    fn fence(&self, number: u64) -> Fence {
        let mut wire = self.0.lock().expect("the wire");
        if wire.full || wire.no_fences {
            return Fence::NotNow;
        }
        wire.fences.push(number);
        wire.packets.push(Packet::Fence(number));
        Fence::Raised
    }

    fn ask(&self, number: u64, question: &Question) -> Result<(), SendError> {
        let mut wire = self.0.lock().expect("the wire");
        if wire.full {
            return Err(SendError::Full);
        }
        wire.asked.push((number, question.clone()));
        Ok(())
    }

    fn tell(&self, notice: &Notice) -> Result<(), SendError> {
        let mut wire = self.0.lock().expect("the wire");
        if wire.full {
            return Err(SendError::Full);
        }
        wire.told.push(notice.clone());
        Ok(())
    }

    fn close(&self) {
        self.0.lock().expect("the wire").closed = true;
    }
}

/// Connections are made by the story itself.
struct NoConnector;

impl Connector for NoConnector {
    fn connect(&self, _: Target) -> Connecting {
        Box::pin(std::future::pending())
    }

    fn can_ask(&self) -> bool {
        true
    }
}

/// An engine and all that surrounds it.
pub(in crate::task) struct Stage {
    pub(in crate::task) engine: Engine,
    pub(in crate::task) wire: Arc<Mutex<Wire>>,
    /// What the witness's connection would show.
    witness: Arc<Mutex<Wire>>,
    pub(in crate::task) hands: Hands,
    events: broadcast::Receiver<ClientEvent>,
    /// What events alone have told.
    roster: BTreeMap<UserId, RosterEntry>,
    report: Option<Compatibility>,
    folder: tempfile::TempDir,
}

impl Stage {
    pub(in crate::task) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let hands = Hands::new();
        let (engine, events) = engine(folder.path(), &hands);
        Self {
            engine,
            wire: Arc::default(),
            witness: Arc::default(),
            hands,
            events,
            roster: BTreeMap::new(),
            report: None,
            folder,
        }
    }

    /// Signed in as `me` on a server with sessions, which lists these.
    pub(in crate::task) fn online(users: Vec<UserEntry>) -> Self {
        let mut stage = Self::new();
        stage.signs_in();
        stage.opens();
        stage.hears(vec![session("me"), list(users)]);
        assert!(stage.engine.session.is_online());
        // The one that is raised before there is anything to prove.
        stage.answers_fences();
        stage
    }

    /// As [`Stage::online`], on a server that answers no fence, which is known.
    pub(in crate::task) fn online_without_fences(users: Vec<UserEntry>) -> Self {
        let mut stage = Self::new();
        let server = "http://127.0.0.1:1";
        stage
            .engine
            .store
            .set_fences_at(server, false)
            .expect("stored");
        stage.signs_in();
        stage.opens();
        stage.hears(vec![session("me"), list(users)]);
        assert!(stage.engine.session.is_online());
        stage
    }

    pub(in crate::task) fn signs_in(&mut self) {
        self.asks(Command::SignIn {
            server: "http://127.0.0.1:1".into(),
            username: "Me".into(),
            options: None,
        })
        .expect("accepted");
    }

    pub(in crate::task) fn asks(&mut self, command: Command) -> Result<(), Refusal> {
        let result = self.engine.dispatch(command);
        self.engine.settle(Ok(()));
        result
    }

    pub(in crate::task) fn says(&mut self, to: &str, content: &str) {
        self.asks(Command::SendMessage {
            to: to.into(),
            content: content.into(),
        })
        .expect("accepted");
    }

    /// A new connection stands.
    pub(in crate::task) fn opens(&mut self) {
        self.wire = Arc::default();
        self.engine.connecting = None;
        self.engine.connected(Ok(link(&self.wire)));
    }

    /// There is no connection, for this reason.
    pub(in crate::task) fn is_refused(&mut self, none: impl Into<NoLink>) {
        self.engine.connecting = None;
        self.engine.connected(Err(none.into()));
    }

    /// The process is stopped meanwhile, so that nothing is done in its time.
    pub(in crate::task) fn stops_for(&mut self, time: Duration) {
        self.hands.moves_to(self.hands.now() + time);
        self.passes(Duration::ZERO);
    }

    pub(in crate::task) fn witness_is_called(&self) -> bool {
        self.engine.witness_link.is_connecting()
    }

    /// The witness's connection stands.
    pub(in crate::task) fn witness_opens(&mut self) {
        assert!(self.witness_is_called());
        self.witness = Arc::default();
        self.engine.witness_link.stop_connecting();
        let opened = Witnessed::Connected(Ok(link(&self.witness)));
        self.witness_brings(opened);
    }

    /// It is there, and hears.
    pub(in crate::task) fn witness_comes(&mut self) {
        self.witness_opens();
        self.witness_hears(vec![session("me"), list(Vec::new())]);
    }

    pub(in crate::task) fn witness_hears(&mut self, events: Vec<LinkEvent>) {
        self.witness_brings(Witnessed::Heard(events));
    }

    pub(in crate::task) fn witness_falls(&mut self) {
        let reason = Failure {
            code: FailureCode::LinkLost,
            detail: None,
        };
        let clean = true;
        self.witness_hears(vec![LinkEvent::Closed(LinkClose { clean, reason })]);
    }

    pub(in crate::task) fn witness_is_refused(&mut self, code: FailureCode) {
        self.witness_fails(Failure { code, detail: None });
    }

    pub(in crate::task) fn witness_fails(&mut self, failure: Failure) {
        assert!(self.witness_is_called());
        self.engine.witness_link.stop_connecting();
        self.witness_brings(Witnessed::Connected(Err(failure.into())));
    }

    /// Whether the last one said goodbye.
    pub(in crate::task) fn witness_is_gone(&self) -> bool {
        self.witness.lock().expect("the wire").closed
    }

    fn witness_brings(&mut self, news: Witnessed) {
        self.engine.witness_news(news);
        self.engine.settle(Ok(()));
    }

    /// Time passes, and everything that is due is done in its time.
    pub(in crate::task) fn passes(&mut self, time: Duration) {
        let end = self.hands.now() + time;
        while let Some(due) = self.engine.deadline().filter(|due| *due <= end) {
            self.hands.moves_to(due);
            let handled = self.engine.time_passed();
            self.engine.settle(handled);
        }
        self.hands.moves_to(end);
    }

    /// The connection breaks, and the next one stands.
    pub(in crate::task) fn reconnects(&mut self) {
        self.breaks();
        self.asks(Command::Reconnect).expect("accepted");
        self.opens();
    }

    pub(in crate::task) fn breaks(&mut self) {
        self.closes(false);
    }

    /// The connection is closed, with a goodbye or without.
    pub(in crate::task) fn closes(&mut self, clean: bool) {
        let reason = Failure {
            code: FailureCode::LinkLost,
            detail: None,
        };
        self.hears(vec![LinkEvent::Closed(LinkClose { clean, reason })]);
    }

    /// All of this in one turn of the loop.
    pub(in crate::task) fn hears(&mut self, events: Vec<LinkEvent>) {
        let handled = self.engine.link_events(events);
        self.engine.settle(handled);
    }

    /// All that waits for its time has waited.
    pub(in crate::task) fn waits(&mut self) {
        let long = self.hands.now() + Duration::from_secs(3600);
        self.engine.outbox.patience_over(long);
        if let Some(pm) = self.engine.link.as_mut().and_then(|link| link.pm.as_mut()) {
            pm.hurry(self.hands.now());
        }
        self.engine.settle(Ok(()));
    }

    pub(in crate::task) fn answers_fences(&mut self) {
        let fences = std::mem::take(&mut self.wire.lock().expect("the wire").fences);
        self.hears(fences.into_iter().map(LinkEvent::FencePassed).collect());
    }

    /// The app ends without a word and is started again; its session was kept.
    pub(in crate::task) fn restarts(&mut self) {
        let known = self.engine.session.identity().is_some_and(|identity| {
            self.engine.session.is_signed_in() && identity.session_id.is_some()
        });
        let account = self.engine.account.clone().filter(|_| known);
        if let Some(account) = &account {
            let entry = SecretEntry {
                backend: SecretsBackend::Memory,
                name: "test".into(),
            };
            let kept = self.engine.store.keep_session(account.id, &entry);
            kept.expect("stored");
        }
        (self.engine, self.events) = engine(self.folder.path(), &self.hands);
        self.roster.clear();
        self.report = None;
        let resumed = self.engine.resume_last();
        self.engine.settle(resumed);
        if account.is_some() {
            let session = SessionId::new("session of me");
            let loaded = self.engine.step(Input::Loaded(Ok(Some(session))));
            self.engine.settle(loaded);
        } else {
            self.signs_in();
        }
    }

    pub(in crate::task) fn now(&self) -> Instant {
        self.hands.now()
    }

    pub(in crate::task) fn session(&self) -> SessionView {
        self.engine.session.view(self.hands.now())
    }

    /// Whether somebody's conversations are shown.
    pub(in crate::task) fn has_account(&self) -> bool {
        self.engine.account.is_some()
    }

    pub(in crate::task) fn is_connected(&self) -> bool {
        self.engine.link.is_some()
    }

    /// What was written since the last time.
    pub(in crate::task) fn takes_packets(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.wire.lock().expect("the wire").packets)
    }

    /// A conversation with all its pages.
    pub(in crate::task) fn whole_timeline(&self, user: &UserId) -> Vec<TimelineItem> {
        let mut items: Vec<TimelineItem> = Vec::new();
        loop {
            let before = items.first().map(|item| item.position);
            let Ok(Answer::Timeline(mut page)) = self.engine.timeline(user, before, None, 200)
            else {
                // Nobody is signed in.
                return items;
            };
            page.items.append(&mut items);
            items = page.items;
            if page.complete {
                return items;
            }
        }
    }

    /// Where its database is.
    pub(in crate::task) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(in crate::task) fn sent(&self) -> Vec<String> {
        self.wire.lock().expect("the wire").sent.clone()
    }

    pub(in crate::task) fn timeline(&self, user: &str) -> Vec<TimelineItem> {
        let answer = self.engine.timeline(&user.into(), None, None, 200);
        let Ok(Answer::Timeline(page)) = answer else {
            panic!("no page: {answer:?}");
        };
        page.items
    }

    pub(in crate::task) fn texts(&self, user: &str) -> Vec<String> {
        self.timeline(user)
            .into_iter()
            .map(|item| item.content)
            .collect()
    }

    pub(in crate::task) fn deliveries(&self, user: &str) -> Vec<Option<Delivery>> {
        self.timeline(user)
            .into_iter()
            .map(|item| item.delivery)
            .collect()
    }

    /// What was told bit by bit equals what a fresh listener is told.
    pub(in crate::task) fn has_told_everything(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            let entries = match event {
                ClientEvent::Snapshot { snapshot } => {
                    self.roster.clear();
                    self.report = snapshot.compatibility.map(|report| *report);
                    snapshot.roster
                }
                ClientEvent::CompatibilityChanged { compatibility } => {
                    self.report = Some(compatibility);
                    continue;
                }
                ClientEvent::RosterChanged { entries } => entries,
                _ => continue,
            };
            self.roster
                .extend(entries.into_iter().map(|e| (e.user_id.clone(), e)));
        }
        let told: Vec<&RosterEntry> = self.roster.values().collect();
        let Snapshot {
            mut roster,
            compatibility,
            ..
        } = self.engine.snapshot();
        assert_eq!(self.report, compatibility.map(|report| *report));
        roster.sort_by(|a, b| a.user_id.cmp(&b.user_id));
        assert_eq!(told, roster.iter().collect::<Vec<_>>());
    }

    /// What was told since the last look.
    pub(in crate::task) fn events(&mut self) -> Vec<ClientEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    pub(in crate::task) fn entry(&self, user: &str) -> Option<RosterEntry> {
        self.engine.roster.entry(&user.into())
    }
}

fn engine(folder: &Path, hands: &Hands) -> (Engine, broadcast::Receiver<ClientEvent>) {
    let config = ClientConfig {
        data: folder.to_owned(),
        profile: "test".into(),
        connector: Arc::new(NoConnector),
        secrets: Arc::new(MemorySecrets::default()),
        neighbours: Arc::new(Alone),
        clock: Box::new(hands.clone()),
        seed: 1,
    };
    let store = Store::open(folder).expect("a store");
    let (sender, events) = broadcast::channel(EVENTS);
    let random = StdRng::seed_from_u64(1);
    (Engine::new(store, config, random, sender), events)
}

fn link(wire: &Arc<Mutex<Wire>>) -> Link {
    let (_, events) = mpsc::channel(1);
    Link {
        socket_id: "socket".into(),
        sender: Box::new(Sender(wire.clone())),
        events,
        server_patience: Duration::from_secs(45),
        facts: LinkFacts::default(),
    }
}
