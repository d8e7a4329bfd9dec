//! An engine and all that surrounds it, in the hands of a story.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use parlour_protocol::{
    HistoryEntry, LiveMessage, OutgoingMessage, ServerEvent, SessionId, UserEntry, UserId, Users,
};
use rand::{SeedableRng, rngs::StdRng};
use tokio::sync::{broadcast, mpsc};

use super::super::Engine;
use crate::{
    Answer, ClientEvent, Command, Refusal, RosterEntry, Snapshot,
    handle::ClientConfig,
    ports::{
        Alone, Connecting, Connector, Link, LinkClose, LinkEvent, LinkSender, Notice, Question,
        SendError, SystemClock, Target,
    },
    secrets::MemorySecrets,
    store::Store,
    view::{Delivery, Failure, FailureCode, TimelineItem},
};

/// What a server would have seen, and how the connection behaves.
#[derive(Default)]
pub(in crate::task) struct Wire {
    pub(in crate::task) sent: Vec<String>,
    pub(in crate::task) fences: Vec<u64>,
    /// Of a server that speaks pm.
    pub(in crate::task) asked: Vec<(u64, Question)>,
    pub(in crate::task) told: Vec<Notice>,
    pub(in crate::task) full: bool,
}

struct Sender(Arc<Mutex<Wire>>);

impl LinkSender for Sender {
    fn send(&self, message: &OutgoingMessage) -> Result<(), SendError> {
        let mut wire = self.0.lock().expect("the wire");
        if wire.full {
            return Err(SendError::Full);
        }
        wire.sent.push(message.content.clone());
        Ok(())
    }

    fn fence(&self, number: u64) -> bool {
        let mut wire = self.0.lock().expect("the wire");
        if !wire.full {
            wire.fences.push(number);
        }
        true
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

    fn close(&self) {}
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
    events: broadcast::Receiver<ClientEvent>,
    /// What events alone have told.
    roster: BTreeMap<UserId, RosterEntry>,
    folder: tempfile::TempDir,
}

impl Stage {
    pub(in crate::task) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = ClientConfig {
            data: folder.path().to_owned(),
            profile: "test".into(),
            connector: Arc::new(NoConnector),
            secrets: Arc::new(MemorySecrets::default()),
            neighbours: Arc::new(Alone),
            clock: Box::new(SystemClock),
            seed: 1,
        };
        let store = Store::open(folder.path()).expect("a store");
        let (sender, events) = broadcast::channel(1024);
        Self {
            engine: Engine::new(store, config, StdRng::seed_from_u64(1), sender),
            wire: Arc::default(),
            events,
            roster: BTreeMap::new(),
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
        let (_, events) = mpsc::channel(1);
        self.engine.connected(Ok(Link {
            socket_id: "socket".into(),
            sender: Box::new(Sender(self.wire.clone())),
            events,
            server_patience: Duration::from_secs(45),
        }));
    }

    /// The connection breaks, and the next one stands.
    pub(in crate::task) fn reconnects(&mut self) {
        self.breaks();
        self.asks(Command::Reconnect).expect("accepted");
        self.opens();
    }

    pub(in crate::task) fn breaks(&mut self) {
        let reason = Failure {
            code: FailureCode::LinkLost,
            detail: None,
        };
        let clean = false;
        self.hears(vec![LinkEvent::Closed(LinkClose { clean, reason })]);
    }

    /// All of this in one turn of the loop.
    pub(in crate::task) fn hears(&mut self, events: Vec<LinkEvent>) {
        let handled = self.engine.link_events(events);
        self.engine.settle(handled);
    }

    /// All that waits for its time has waited.
    pub(in crate::task) fn waits(&mut self) {
        let long = std::time::Instant::now() + Duration::from_secs(3600);
        self.engine.outbox.patience_over(long);
        if let Some(pm) = self.engine.link.as_mut().and_then(|link| link.pm.as_mut()) {
            pm.hurry();
        }
        self.engine.settle(Ok(()));
    }

    pub(in crate::task) fn answers_fences(&mut self) {
        let fences = std::mem::take(&mut self.wire.lock().expect("the wire").fences);
        self.hears(fences.into_iter().map(LinkEvent::FencePassed).collect());
    }

    /// Where its database is.
    pub(in crate::task) fn folder(&self) -> &std::path::Path {
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
                    snapshot.roster
                }
                ClientEvent::RosterChanged { entries } => entries,
                _ => continue,
            };
            self.roster
                .extend(entries.into_iter().map(|e| (e.user_id.clone(), e)));
        }
        let told: Vec<&RosterEntry> = self.roster.values().collect();
        let Snapshot { mut roster, .. } = self.engine.snapshot();
        roster.sort_by(|a, b| a.user_id.cmp(&b.user_id));
        assert_eq!(told, roster.iter().collect::<Vec<_>>());
    }

    pub(in crate::task) fn entry(&self, user: &str) -> Option<RosterEntry> {
        self.engine.roster.entry(&user.into())
    }
}

pub(in crate::task) fn session(user: &str) -> LinkEvent {
    LinkEvent::Server(ServerEvent::Session {
        session_id: SessionId::new(format!("session of {user}")),
        user_id: user.into(),
        pm: None,
    })
}

pub(in crate::task) fn list(entries: Vec<UserEntry>) -> LinkEvent {
    LinkEvent::Server(ServerEvent::Users(Users {
        entries,
        unreadable: 0,
    }))
}

pub(in crate::task) fn came(user: UserEntry) -> LinkEvent {
    LinkEvent::Server(ServerEvent::UserConnected(user))
}

pub(in crate::task) fn message(from: &str, to: &str, content: &str) -> LinkEvent {
    LinkEvent::Server(ServerEvent::PrivateMessage(LiveMessage {
        content: content.into(),
        from: from.into(),
        to: Some(to.into()),
        stamp: None,
    }))
}

/// A user with a history: `>text` is ours, `<text` is theirs.
pub(in crate::task) fn user(id: &str, history: &[&str]) -> UserEntry {
    let messages = history.iter().map(|line| {
        let (from, to) = if line.starts_with('>') {
            ("me", id)
        } else {
            (id, "me")
        };
        HistoryEntry {
            content: line[1..].into(),
            from: from.into(),
            to: to.into(),
        }
    });
    UserEntry {
        user_id: id.into(),
        username: id.to_uppercase(),
        connected: true,
        messages: Some(messages.collect()),
        summary: None,
    }
}

/// A user of a server that keeps no messages.
pub(in crate::task) fn plain(id: &str) -> UserEntry {
    UserEntry {
        messages: None,
        ..user(id, &[])
    }
}

pub(in crate::task) fn everyone() -> Vec<UserEntry> {
    vec![user("me", &[]), user("bob", &[])]
}
