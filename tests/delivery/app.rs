//! Somebody's app: the engine, and somebody who presses "try now" whenever it waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use parlour_client::{
    Answer, ClientConfig, ClientEvent, ClientHandle, Command, Delivery, ItemId, Query, RefusalCode,
    SessionView, Subscription, TimelineItem, secrets::FileSecrets,
};
use parlour_protocol::{SessionId, UserId};
use parlour_tests::pm::Account;
use tempfile::TempDir;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// How long one thing may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The profile of the program without a window, whose data this can take over.
const PROFILE: &str = "cli";

/// What the app has shown, as far as these tests care.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    session: Option<SessionView>,
    people: BTreeMap<String, UserId>,
    me: Option<UserId>,
    /// Our messages that are queued or on their way.
    open: BTreeSet<ItemId>,
}

impl Shown {
    pub(crate) fn is_online(&self) -> bool {
        matches!(self.session, Some(SessionView::Online { .. }))
    }

    fn notes(&mut self, items: &[TimelineItem]) {
        for item in items {
            match item.delivery {
                Some(Delivery::Queued | Delivery::Sending) => {
                    self.open.insert(item.id);
                }
                _ => {
                    self.open.remove(&item.id);
                }
            }
        }
    }
}

struct Running {
    client: ClientHandle,
    shown: watch::Receiver<Shown>,
    follower: JoinHandle<()>,
}

/// Somebody's app on one account.
pub(crate) struct App {
    pub(crate) name: String,
    data: TempDir,
    running: Option<Running>,
    /// What was written, by whom it was for.
    pub(crate) said: BTreeMap<UserId, Vec<String>>,
}

impl App {
    /// Takes over the data of another program.
    pub(crate) async fn on(name: &str, data: TempDir) -> Self {
        let mut app = Self {
            name: name.to_owned(),
            data,
            running: None,
            said: BTreeMap::new(),
        };
        app.opens().await;
        app
    }

    /// Signs in at `server`, which lets everybody in.
    pub(crate) async fn signs_in(name: &str, server: &str) -> Self {
        let app = Self::on(name, tempfile::tempdir().expect("a data folder")).await;
        let command = Command::SignIn {
            server: server.to_owned(),
            username: name.to_owned(),
            options: None,
        };
        app.client().dispatch(command).await.expect("accepted");
        app.until("online", Shown::is_online).await;
        app
    }

    /// Starts the app on its data.
    pub(crate) async fn opens(&mut self) {
        assert!(self.running.is_none(), "{} runs already", self.name);
        let secrets = Arc::new(FileSecrets::new(self.secrets()));
        let config = ClientConfig::new(self.data.path().to_owned(), PROFILE, secrets);
        let client = ClientHandle::start(config).expect("the engine starts");
        let events = client.subscribe().await.expect("a subscription");
        let (sender, shown) = watch::channel(Shown::default());
        self.running = Some(Running {
            follower: tokio::spawn(follow(client.clone(), events, sender)),
            client,
            shown,
        });
    }

    /// Closes the app.
    pub(crate) async fn closes(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        running.client.stop().await;
        drop(running.client);
        let ended = timeout(PATIENCE, running.follower).await;
        ended.expect("in time").expect("followed to the end");
    }

    pub(crate) fn client(&self) -> &ClientHandle {
        &self.running.as_ref().expect("the app runs").client
    }

    /// Waits until the app shows something.
    pub(crate) async fn until(&self, what: &str, shown: impl Fn(&Shown) -> bool) {
        assert!(
            self.within(PATIENCE, &shown).await,
            "{} waited in vain for: {what}; {:?}",
            self.name,
            *self.running.as_ref().expect("the app runs").shown.borrow()
        );
    }

    /// Whether the app shows something in time.
    pub(crate) async fn within(&self, limit: Duration, shown: impl Fn(&Shown) -> bool) -> bool {
        let mut seen = self.running.as_ref().expect("the app runs").shown.clone();
        let wait = seen.wait_for(|seen| shown(seen));
        timeout(limit, wait).await.is_ok_and(|seen| seen.is_ok())
    }

    /// Waits until at most so many messages are queued or on their way.
    pub(crate) async fn settles(&self, open: usize) {
        self.until("its messages decided", |shown| shown.open.len() <= open)
            .await;
    }

    /// Somebody's id, once they are listed.
    pub(crate) async fn id_of(&self, name: &str) -> UserId {
        self.until(name, |shown| shown.people.contains_key(name))
            .await;
        let shown = self.running.as_ref().expect("the app runs").shown.borrow();
        shown.people[name].clone()
    }

    /// One's own id.
    pub(crate) async fn id(&self) -> UserId {
        self.until("oneself", |shown| shown.me.is_some()).await;
        let shown = self.running.as_ref().expect("the app runs").shown.borrow();
        shown.me.clone().expect("looked for above")
    }

    /// Writes to somebody.
    pub(crate) async fn says(&mut self, to: &UserId, content: &str) {
        let command = Command::SendMessage {
            to: to.clone(),
            content: content.to_owned(),
        };
        loop {
            match self.client().dispatch(command.clone()).await {
                Ok(()) => break,
                Err(refusal) => assert_eq!(refusal.code, RefusalCode::Busy),
            }
            // Its queue of requests is full of those of this very test.
            tokio::task::yield_now().await;
        }
        let said = self.said.entry(to.clone()).or_default();
        said.push(content.to_owned());
    }

    /// A whole conversation in the order it is shown.
    pub(crate) async fn timeline(&self, user: &UserId) -> Vec<TimelineItem> {
        let items = timeline(self.client(), user, usize::MAX).await;
        items.expect("the app runs")
    }

    /// What was written to somebody, in the order it was written, and what the app
    /// says of each.
    ///
    /// # Errors
    /// If the app shows anything else as one's own.
    pub(crate) async fn says_of(&self, user: &UserId) -> Result<Vec<(String, Delivery)>, String> {
        let mut mine = self.timeline(user).await;
        mine.retain(|item| item.is_mine);
        mine.sort_by_key(|item| item.id);
        let none = Vec::new();
        let said = self.said.get(user).unwrap_or(&none);
        let alike = mine.iter().zip(said);
        let same = alike
            .take_while(|(item, said)| item.content == **said)
            .count();
        if mine.len() != same || said.len() != same {
            return Err(format!(
                "{} wrote {} messages and shows {}, others from {same} on",
                self.name,
                said.len(),
                mine.len(),
            ));
        }
        Ok(mine
            .into_iter()
            .map(|item| (item.content, item.delivery.expect("of one's own")))
            .collect())
    }

    /// What somebody else wrote, in the order it is shown.
    pub(crate) async fn heard_from(&self, user: &UserId) -> Vec<String> {
        let mut theirs = self.timeline(user).await;
        theirs.retain(|item| !item.is_mine);
        theirs.into_iter().map(|item| item.content).collect()
    }

    /// Waits until exactly this came from somebody, in this order.
    pub(crate) async fn hears(&self, user: &UserId, texts: &[String]) {
        let mut changes = self.running.as_ref().expect("the app runs").shown.clone();
        let wait = async {
            while self.heard_from(user).await != texts {
                changes.changed().await.expect("the app runs");
            }
        };
        let heard = timeout(PATIENCE, wait).await;
        assert!(heard.is_ok(), "{} does not show all that came", self.name);
    }

    /// Who one is on the server, to come there by other ways.
    pub(crate) async fn account(&self) -> Account {
        let secrets = std::fs::read(self.secrets()).expect("the sessions");
        let sessions: BTreeMap<String, String> =
            serde_json::from_slice(&secrets).expect("sessions");
        let token = sessions.into_values().next().expect("one session");
        Account::new(self.id().await, SessionId::new(token))
    }

    /// Where its messages are.
    pub(crate) fn database(&self) -> PathBuf {
        self.data.path().join("parlour.db")
    }

    fn secrets(&self) -> PathBuf {
        self.data.path().join("secrets.json")
    }
}

/// The last items of a conversation, at least so many if there are. `None` where
/// the engine has ended.
async fn timeline(client: &ClientHandle, user: &UserId, least: usize) -> Option<Vec<TimelineItem>> {
    let mut items: Vec<TimelineItem> = Vec::new();
    loop {
        let query = Query::Timeline {
            user: user.clone(),
            before: items.first().map(|item| item.position),
            after: None,
            limit: 200,
        };
        let mut page = match client.query(query.clone()).await {
            Ok(Answer::Timeline(page)) => page,
            Ok(other) => panic!("no page: {other:?}"),
            Err(refusal) if refusal.code == RefusalCode::Closed => return None,
            Err(refusal) => {
                // These very tests keep it busy.
                assert_eq!(refusal.code, RefusalCode::Busy);
                tokio::task::yield_now().await;
                continue;
            }
        };
        page.items.append(&mut items);
        items = page.items;
        if page.complete || items.len() >= least {
            return Some(items);
        }
    }
}

async fn follow(client: ClientHandle, mut events: Subscription, shown: watch::Sender<Shown>) {
    while let Some(event) = events.next().await {
        let mut entries = Vec::new();
        let mut recent = Vec::new();
        let mut session = None;
        match event {
            ClientEvent::Snapshot { snapshot } => {
                // Everything that is open is at the end of its conversation.
                for entry in &snapshot.roster {
                    if entry.last_message.is_some() {
                        let items = timeline(&client, &entry.user_id, 200).await;
                        recent.extend(items.into_iter().flatten());
                    }
                }
                shown.send_modify(|shown| shown.open.clear());
                entries = snapshot.roster;
                session = Some(snapshot.session);
            }
            ClientEvent::RosterChanged { entries: changed } => entries = changed,
            ClientEvent::TimelineChanged { items, .. } => recent = items,
            ClientEvent::SessionChanged { session: changed } => session = Some(changed),
            _ => {}
        }
        let waits = matches!(session, Some(SessionView::Waiting { .. }));
        shown.send_modify(|shown| {
            for entry in entries {
                if entry.is_self {
                    shown.me = Some(entry.user_id.clone());
                }
                shown.people.insert(entry.username, entry.user_id);
            }
            shown.notes(&recent);
            if session.is_some() {
                shown.session = session;
            }
        });
        if waits {
            // As fast as a person presses a button, and a server can be started.
            sleep(Duration::from_millis(20)).await;
            // Refused where it is busy; then it says again that it waits, or goes on by itself.
            let _ = client.dispatch(Command::Reconnect).await;
        }
    }
}
