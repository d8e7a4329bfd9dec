//! A person with a client: says, sees, goes away, comes back.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

use parlour_client::{
    Answer, ClientConfig, ClientEvent, ClientHandle, Command, Compatibility, Delivery, FailureCode,
    Presence, Query, Refusal, RosterEntry, SecretsView, SessionView, Snapshot, SocketIoConnector,
    Subscription, TimelineItem,
    ports::{Connecting, Connector, SecretStore, Target},
    secrets::FileSecrets,
};
use parlour_protocol::UserId;
use tempfile::TempDir;
use tokio::time::timeout;

/// No story waits longer than this for one thing to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a person's screen would show, made of events alone.
#[derive(Clone, Debug)]
pub struct Screen {
    /// Where we stand with the server.
    pub session: SessionView,
    /// Where the session is kept.
    pub secrets: SecretsView,
    /// What is known of the server.
    pub compatibility: Option<Compatibility>,
    /// Everyone.
    pub roster: BTreeMap<UserId, RosterEntry>,
}

impl Screen {
    /// What a fresh listener is shown.
    #[must_use]
    pub fn of(snapshot: Snapshot) -> Self {
        let roster = snapshot
            .roster
            .into_iter()
            .map(|entry| (entry.user_id.clone(), entry))
            .collect();
        Self {
            session: snapshot.session,
            secrets: snapshot.secrets,
            compatibility: snapshot.compatibility.map(|report| *report),
            roster,
        }
    }

    /// What an event changes.
    pub fn apply(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Snapshot { snapshot } => *self = Self::of(snapshot),
            ClientEvent::SessionChanged { session } => self.session = session,
            ClientEvent::SecretsChanged { secrets } => self.secrets = secrets,
            ClientEvent::RosterChanged { entries } => {
                self.roster.extend(
                    entries
                        .into_iter()
                        .map(|entry| (entry.user_id.clone(), entry)),
                );
            }
            ClientEvent::CompatibilityChanged { compatibility } => {
                self.compatibility = Some(compatibility);
            }
            ClientEvent::TimelineChanged { .. }
            | ClientEvent::Typing { .. }
            | ClientEvent::Lagged { .. } => {}
        }
    }

    /// Whether messages go both ways.
    #[must_use]
    pub fn is_online(&self) -> bool {
        matches!(self.session, SessionView::Online { .. })
    }

    /// Whether the form is shown.
    #[must_use]
    pub fn is_signed_out(&self) -> bool {
        matches!(self.session, SessionView::SignedOut { .. })
    }

    /// Why we wait or are signed out.
    pub fn reason(&self) -> Option<FailureCode> {
        match &self.session {
            SessionView::Waiting { reason, .. } => Some(reason.code),
            SessionView::SignedOut { reason, .. } => reason.as_ref().map(|reason| reason.code),
            _ => None,
        }
    }

    /// Somebody's entry, by name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&RosterEntry> {
        self.roster.values().find(|entry| entry.username == name)
    }

    /// Whether somebody is there.
    #[must_use]
    pub fn presence(&self, name: &str) -> Option<Presence> {
        self.entry(name).map(|entry| entry.presence)
    }

    /// How many of somebody's messages have not been seen.
    #[must_use]
    pub fn unread(&self, name: &str) -> u32 {
        self.entry(name).map_or(0, |entry| entry.unread)
    }
}

/// Says nothing of pm to any server, as the releases before it.
struct WithoutPm;

impl Connector for WithoutPm {
    fn connect(&self, target: Target) -> Connecting {
        SocketIoConnector.connect(target)
    }
}

/// Somebody who chats.
pub struct Person {
    /// What they sign in as.
    pub name: String,
    data: TempDir,
    secrets: Arc<dyn SecretStore>,
    running: Option<(ClientHandle, Subscription)>,
    impatient: bool,
    /// Whether their app is of a release before pm.
    old: bool,
    /// What their window would show.
    pub screen: Screen,
}

impl Person {
    /// Somebody whose session is kept in a file of their own.
    pub async fn new(name: &str) -> Self {
        let data = tempfile::tempdir().expect("a data folder");
        let secrets = Arc::new(FileSecrets::new(data.path().join("secrets.json")));
        Self::with_secrets_in(name, data, secrets).await
    }

    /// Somebody with another place for secrets.
    pub async fn with_secrets(name: &str, secrets: Arc<dyn SecretStore>) -> Self {
        Self::with_secrets_in(name, tempfile::tempdir().expect("a data folder"), secrets).await
    }

    async fn with_secrets_in(name: &str, data: TempDir, secrets: Arc<dyn SecretStore>) -> Self {
        let (running, screen) = start(&data, &secrets, false).await;
        Self {
            name: name.to_owned(),
            data,
            secrets,
            running: Some(running),
            impatient: false,
            old: false,
            screen,
        }
    }

    /// A new person who is online with an app that does not speak pm. It is
    /// another one from the next [`Self::comes_back`] on.
    pub async fn signs_in_without_pm(name: &str, server: &str) -> Self {
        let mut person = Self::new(name).await;
        person.quits().await;
        person.old = true;
        person.comes_back().await;
        person.old = false;
        person.sign_in(server).await;
        person.until("online", Screen::is_online).await;
        person
    }

    /// A new person who is online.
    pub async fn signs_in(name: &str, server: &str) -> Self {
        let mut person = Self::new(name).await;
        person.sign_in(server).await;
        person.until("online", Screen::is_online).await;
        person
    }

    /// Fills in the form and presses the button.
    pub async fn sign_in(&self, server: &str) {
        let command = Command::SignIn {
            server: server.to_owned(),
            username: self.name.clone(),
            options: None,
        };
        self.asks(command).await.expect("accepted");
    }

    /// Closes the app.
    pub async fn quits(&mut self) {
        if let Some((client, _)) = self.running.take() {
            client.stop().await;
        }
    }

    /// Opens the app again.
    pub async fn comes_back(&mut self) {
        assert!(self.running.is_none(), "{} is still here", self.name);
        let (running, screen) = start(&self.data, &self.secrets, self.old).await;
        self.running = Some(running);
        self.screen = screen;
    }

    /// Asks the engine for something.
    pub async fn asks(&self, command: Command) -> Result<(), Refusal> {
        self.client().dispatch(command).await
    }

    /// Writes to somebody.
    pub async fn says(&mut self, to: &str, content: &str) {
        let to = self.id_of(to).await;
        let command = Command::SendMessage {
            to,
            content: content.to_owned(),
        };
        self.asks(command).await.expect("the message is accepted");
    }

    /// Opens a conversation.
    pub async fn reads(&mut self, whom: &str) {
        let user = self.id_of(whom).await;
        self.asks(Command::MarkRead { user })
            .await
            .expect("accepted");
    }

    /// Waits until the screen shows something.
    pub async fn until(&mut self, what: &str, shown: impl Fn(&Screen) -> bool) {
        let wait = async {
            while !shown(&self.screen) {
                self.looks().await;
            }
        };
        if timeout(PATIENCE, wait).await.is_err() {
            panic!(
                "{} waited in vain for: {what}\n{:#?}",
                self.name, self.screen
            );
        }
    }

    /// Waits until a conversation looks so.
    pub async fn until_timeline<T: PartialEq + Debug>(
        &mut self,
        whom: &str,
        view: impl Fn(&[TimelineItem]) -> T,
        expected: T,
    ) {
        let user = self.id_of(whom).await;
        let mut last = None;
        let wait = async {
            loop {
                let now = view(&self.page(&user).await);
                if now == expected {
                    return;
                }
                last = Some(now);
                self.looks().await;
            }
        };
        if timeout(PATIENCE, wait).await.is_err() {
            panic!(
                "{}'s conversation with {whom}: expected {expected:?}, got {last:?} while {:?}",
                self.name, self.screen.session
            );
        }
    }

    /// Presses "try now" from now on, whenever there is a wait: for stories that
    /// break more connections than a patient client would make in their time.
    pub fn gets_impatient(&mut self) {
        self.impatient = true;
    }

    /// Waits for the next event.
    async fn looks(&mut self) {
        let (client, events) = self.running.as_mut().expect("the app runs");
        self.screen
            .apply(events.next().await.expect("the engine runs"));
        if self.impatient && matches!(self.screen.session, SessionView::Waiting { .. }) {
            client.dispatch(Command::Reconnect).await.expect("accepted");
        }
    }

    /// The texts of a conversation, once they are these.
    pub async fn sees(&mut self, whom: &str, contents: &[&str]) {
        let expected: Vec<String> = contents
            .iter()
            .map(|content| (*content).to_owned())
            .collect();
        self.until_timeline(whom, texts, expected).await;
    }

    /// Our own messages of a conversation, once they got this far.
    pub async fn sees_delivery(&mut self, whom: &str, expected: &[(&str, Delivery)]) {
        let expected: Vec<(String, Delivery)> = expected
            .iter()
            .map(|(content, delivery)| ((*content).to_owned(), *delivery))
            .collect();
        self.until_timeline(whom, deliveries, expected).await;
    }

    /// Waits until the server has every message of ours in a conversation.
    pub async fn sees_all_sent(&mut self, whom: &str) {
        let unsent = |items: &[TimelineItem]| {
            let mut unsent = deliveries(items);
            unsent.retain(|(_, delivery)| *delivery != Delivery::Sent);
            unsent
        };
        self.until_timeline(whom, unsent, Vec::new()).await;
    }

    /// The whole conversation, page by page.
    pub async fn timeline(&mut self, whom: &str) -> Vec<TimelineItem> {
        let user = self.id_of(whom).await;
        self.page(&user).await
    }

    /// What a fresh listener is told equals what was told bit by bit.
    pub async fn has_seen_everything(&mut self) {
        let mut fresh = self.client().subscribe().await.expect("a subscription");
        let Some(ClientEvent::Snapshot { snapshot }) = fresh.next().await else {
            panic!("a subscription begins with a snapshot");
        };
        let (_, events) = self.running.as_mut().expect("the app runs");
        while let Some(event) = events.try_next() {
            self.screen.apply(event);
        }
        let fresh = Screen::of(snapshot);
        assert_eq!(self.screen.roster, fresh.roster);
        assert_eq!(timeless(&self.screen.session), timeless(&fresh.session));
        assert_eq!(self.screen.secrets, fresh.secrets);
    }

    /// The engine, for what is not a person's business.
    ///
    /// # Panics
    /// If the app is closed.
    #[must_use]
    pub fn client(&self) -> &ClientHandle {
        &self.running.as_ref().expect("the app runs").0
    }

    async fn id_of(&mut self, name: &str) -> UserId {
        let shown = name.to_owned();
        self.until("somebody in the roster", move |screen| {
            screen.entry(&shown).is_some()
        })
        .await;
        self.screen
            .entry(name)
            .expect("in the roster")
            .user_id
            .clone()
    }

    async fn page(&self, user: &UserId) -> Vec<TimelineItem> {
        let mut items: Vec<TimelineItem> = Vec::new();
        loop {
            let before = items.first().map(|item| item.position);
            let query = Query::Timeline {
                user: user.clone(),
                before,
                after: None,
                limit: 200,
            };
            let answer = self.client().query(query).await.expect("a page");
            let Answer::Timeline(mut page) = answer else {
                panic!("no page: {answer:?}");
            };
            page.items.append(&mut items);
            items = page.items;
            if page.complete {
                return items;
            }
        }
    }
}

/// Without the countdown, which is another every time one looks.
fn timeless(session: &SessionView) -> SessionView {
    let mut session = session.clone();
    if let SessionView::Waiting { retry_in_ms, .. } = &mut session {
        *retry_in_ms = 0;
    }
    session
}

async fn start(
    data: &TempDir,
    secrets: &Arc<dyn SecretStore>,
    old: bool,
) -> ((ClientHandle, Subscription), Screen) {
    let mut config = ClientConfig::new(data.path().join("client"), "story", secrets.clone());
    if old {
        config.connector = Arc::new(WithoutPm);
    }
    let client = ClientHandle::start(config).expect("the engine starts");
    let mut events = client.subscribe().await.expect("a subscription");
    let Some(ClientEvent::Snapshot { snapshot }) = events.next().await else {
        panic!("a subscription begins with a snapshot");
    };
    ((client, events), Screen::of(snapshot))
}

/// The texts, in order.
pub fn texts(items: &[TimelineItem]) -> Vec<String> {
    items.iter().map(|item| item.content.clone()).collect()
}

/// Our own messages and how far they got.
pub fn deliveries(items: &[TimelineItem]) -> Vec<(String, Delivery)> {
    items
        .iter()
        .filter_map(|item| Some((item.content.clone(), item.delivery?)))
        .collect()
}
