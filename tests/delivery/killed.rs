//! Apps that are killed over and over while they send.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Barrier},
};

use parlour_client::{ClientEvent, Command, Delivery, ItemId, SessionView, TimelineItem};
use parlour_protocol::UserId;
use parlour_tests::{
    chance::Chance,
    database,
    judge::judge,
    pm::Device,
    process::{Process, program},
    program::ServerProgram,
    setting::many,
};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::app::App;

/// Who writes, each to the next.
const PEOPLE: [&str; 4] = ["Ann", "Bob", "Cleo", "Dan"];

/// How often each of their apps is killed.
const KILLS: usize = 25;

/// Everything that is ever said.
const WORDS: [&str; 4] = ["ok", "yes", "no", "👍"];

/// A program on somebody's data, for one life.
struct Life {
    process: Process,
    /// What its events have shown of its own messages.
    shown: BTreeMap<ItemId, (UserId, String)>,
    sent: BTreeSet<ItemId>,
    /// Changes of its own messages that were told.
    changes: usize,
    people: BTreeMap<String, UserId>,
    is_online: bool,
}

impl Life {
    fn begins(server: &str, name: &str, data: &Path) -> Self {
        let mut command = program("parlour-cli");
        command
            .args(["--server", server, "--username", name])
            .args(["--secrets", "file", "--data"])
            .arg(data);
        Self {
            process: Process::start(command),
            shown: BTreeMap::new(),
            sent: BTreeSet::new(),
            changes: 0,
            people: BTreeMap::new(),
            is_online: false,
        }
    }

    /// Reads events until something was seen.
    fn until(&mut self, seen: impl Fn(&Self) -> bool) {
        while !seen(self) {
            let line = self.process.line().expect("it runs");
            let event = serde_json::from_str(&line);
            let event = event.unwrap_or_else(|error| panic!("{error}: {line}"));
            self.notes(event);
        }
    }

    fn notes(&mut self, event: ClientEvent) {
        let (mut entries, mut session) = (Vec::new(), None);
        match event {
            ClientEvent::Snapshot { snapshot } => {
                entries = snapshot.roster;
                session = Some(snapshot.session);
            }
            ClientEvent::RosterChanged { entries: changed } => entries = changed,
            ClientEvent::SessionChanged { session: changed } => session = Some(changed),
            ClientEvent::TimelineChanged { user, items, .. } => {
                for item in items.into_iter().filter(|item| item.is_mine) {
                    self.changes += 1;
                    if item.delivery == Some(Delivery::Sent) {
                        self.sent.insert(item.id);
                    }
                    self.shown.insert(item.id, (user.clone(), item.content));
                }
            }
            _ => {}
        }
        for entry in entries {
            self.people.insert(entry.username, entry.user_id);
        }
        if let Some(session) = session {
            self.is_online = matches!(session, SessionView::Online { .. });
        }
    }
}

/// What somebody's app was told to send, and what it showed.
#[derive(Default)]
struct Told {
    /// In order; whether the app showed it before it was killed.
    messages: Vec<(UserId, String)>,
    shown: BTreeMap<ItemId, (UserId, String)>,
    /// Of how many lives something was still open when they ended.
    cut_short: usize,
}

/// Somebody writes, and is killed again and again.
fn writes(server: &str, data: &Path, number: usize, all_here: &Barrier) -> Told {
    let name = PEOPLE[number];
    let other = PEOPLE[(number + 1) % PEOPLE.len()];
    let mut chance = Chance::new(10 + number as u64);
    let mut told = Told::default();
    let mut first = Life::begins(server, name, data);
    all_here.wait();
    first.until(|life| life.is_online && PEOPLE.iter().all(|name| life.people.contains_key(*name)));
    let to = [first.people[other].clone(), first.people[name].clone()];
    // It ends with its input, having kept its session.
    first.process.wait();

    for _ in 0..many(KILLS, 5 * KILLS) {
        let mut life = Life::begins(server, name, data);
        life.until(|life| !life.people.is_empty());
        let burst = 1 + chance.below(40);
        for _ in 0..burst {
            // Sometimes a note to oneself.
            let to = &to[usize::from(chance.below(8) == 0)];
            let content = WORDS[chance.below(WORDS.len())];
            let command = Command::SendMessage {
                to: to.clone(),
                content: content.to_owned(),
            };
            let command = serde_json::to_string(&command).expect("JSON");
            life.process.tell(&command);
            told.messages.push((to.clone(), content.to_owned()));
        }
        // Each message is told as queued, sending, sent, or some of that at once.
        let moment = chance.below(2 * burst + 2);
        life.until(|life| life.changes >= moment || life.sent.len() >= burst);
        life.process.kill();
        told.cut_short += usize::from(life.sent.len() < burst);
        told.shown.append(&mut life.shown);
    }
    told
}

/// What was shown is kept, and what is kept was told, in its order.
fn is_kept(told: &Told, app: &str, user: &UserId, mine: &[&TimelineItem]) {
    let kept: BTreeMap<ItemId, &str> = mine
        .iter()
        .map(|item| (item.id, item.content.as_str()))
        .collect();
    for (id, (_, content)) in told.shown.iter().filter(|(_, (to, _))| to == user) {
        assert_eq!(kept.get(id), Some(&content.as_str()), "{app} forgot {id:?}");
    }
    // What was told and not shown may have been lost with the program.
    let told: Vec<(String, Delivery)> = told
        .messages
        .iter()
        .filter(|(to, _)| to == user)
        .map(|(_, content)| (content.clone(), Delivery::Unsure))
        .collect();
    let kept: Vec<String> = mine.iter().map(|item| item.content.clone()).collect();
    let kept = judge(&told, &kept);
    assert!(kept.is_ok(), "{app} keeps what it was not told: {kept:?}");
}

pub(crate) async fn apps_that_are_killed_lose_and_double_nothing() {
    let mut server = ServerProgram::start();
    let all_here = Arc::new(Barrier::new(PEOPLE.len()));
    let mut writing = Vec::new();
    for number in 0..PEOPLE.len() {
        let (url, all_here) = (server.url(), all_here.clone());
        writing.push(spawn_blocking(move || {
            let data = TempDir::new().expect("a folder");
            let told = writes(&url, data.path(), number, &all_here);
            (data, told)
        }));
    }
    let mut people = Vec::new();
    for (name, writer) in PEOPLE.iter().zip(writing) {
        let (data, told) = writer.await.expect("a writer");
        people.push((App::on(name, data).await, told));
    }
    let cut_short: usize = people.iter().map(|(_, told)| told.cut_short).sum();
    assert!(cut_short * 2 > PEOPLE.len() * KILLS, "{cut_short} lives");

    let mut ids = Vec::new();
    for (app, _) in &people {
        app.settles(0).await;
        ids.push(app.id().await);
    }
    for (number, (app, told)) in people.iter().enumerate() {
        let next = (number + 1) % people.len();
        let inbox = Device::resumes(&server.url(), &app.account().await).await;
        let inbox = inbox.inbox().await;
        inbox.is_whole();
        for user in [&ids[next], &ids[number]] {
            let timeline = app.timeline(user).await;
            let mut mine: Vec<&TimelineItem> =
                timeline.iter().filter(|item| item.is_mine).collect();
            mine.sort_by_key(|item| item.id);
            is_kept(told, &app.name, user, &mine);
            let said: Vec<(String, Delivery)> = mine
                .iter()
                .map(|item| (item.content.clone(), item.delivery.expect("of one's own")))
                .collect();
            let there: Vec<String> = inbox
                .messages
                .iter()
                .filter(|message| message.from == ids[number] && message.to == *user)
                .map(|message| message.content.clone())
                .collect();
            let counts = judge(&said, &there).expect("the truth");
            assert_eq!(counts.sent, counts.said, "with ids nothing is in doubt");
            if user != &ids[number] {
                let other = &people[next].0;
                other.hears(&ids[number], &there).await;
            }
        }
    }
    server.kill();
    database::is_sound(&database::open(&server.database()));
    for (mut app, _) in people {
        app.closes().await;
        database::is_sound(&database::open(&app.database()));
    }
}
