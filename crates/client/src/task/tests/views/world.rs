//! A server of each dialect as far as listeners can see of it, our engine, and those
//! who listen.

use std::collections::{BTreeMap, HashMap, VecDeque};

use parlour_protocol::{
    HistoryEntry, ServerEvent, UserEntry, UserId,
    pm::{Code, Receipt, TypingFrom},
};
use uuid::Uuid;

use super::{
    super::{
        pm_server::{BEGINNING, PmServer, refusal},
        schedules::may_become,
        stage::{Packet, Stage, came, list, message, plain, session, user},
    },
    listener::{Door, Listener},
    scene::{Scene, set},
    steps::{Kind, Step, WORDS, Who},
};
use crate::{
    Command, SessionView,
    ports::LinkEvent,
    store::AccountId,
    view::{Delivery, Failure, FailureCode, ItemId, SecretsBackend, TimelineItem},
};

/// What was accepted, and what it was called last.
struct Said {
    account: Option<AccountId>,
    to: UserId,
    content: String,
    last: Delivery,
}

pub(super) struct World {
    scene: Scene,
    stage: Stage,
    door: Door,
    /// One that reads at each step, and one that reads when it is told to.
    quick: Listener,
    slow: Listener,
    pm: PmServer,
    /// Everything that a server without pm has handled: from, to, text.
    handled: Vec<(UserId, UserId, String)>,
    up: VecDeque<Packet>,
    /// Who we are where there are no sessions: another one on each connection.
    socket: usize,
    eve_is_listed: bool,
    /// What was accepted and not discarded.
    said: BTreeMap<ItemId, Said>,
    /// The last message of somebody that was seen, by account.
    read: HashMap<(Option<AccountId>, UserId), ItemId>,
}

impl World {
    pub(super) fn new(scene: Scene) -> Self {
        let mut stage = Stage::new();
        let mut door = Door::new();
        set(&mut stage, scene);
        let quick = Listener::new(&mut stage, &mut door);
        let slow = Listener::new(&mut stage, &mut door);
        let mut world = Self {
            scene,
            stage,
            door,
            quick,
            slow,
            pm: PmServer::new(),
            handled: Vec::new(),
            up: VecDeque::new(),
            socket: 0,
            eve_is_listed: false,
            said: BTreeMap::new(),
            read: HashMap::new(),
        };
        world.looks();
        world.stage.signs_in();
        world.looks();
        world.connects();
        world.looks();
        world
    }

    /// How often a listener was too slow.
    pub(super) fn lags(&self) -> usize {
        self.quick.lags + self.slow.lags
    }

    /// Everybody has read everything.
    pub(super) fn ends(&mut self) {
        self.takes(&Step::Catches(usize::MAX));
    }

    fn me(&self) -> UserId {
        match self.scene.kind {
            Kind::A => UserId::new(format!("socket {}", self.socket)),
            _ => "me".into(),
        }
    }

    fn id(&self, who: Who) -> UserId {
        match who {
            0 => "bob".into(),
            1 => "eve".into(),
            _ => self.me(),
        }
    }

    fn speaks_pm(&self) -> bool {
        self.scene.kind == Kind::Pm
    }

    pub(super) fn takes(&mut self, step: &Step) {
        self.acts(step);
        self.looks();
        if let Step::Catches(count) = step
            && self.slow.reads(&mut self.stage, &mut self.door, *count)
        {
            self.slow.agrees(&self.stage);
        }
    }

    fn acts(&mut self, step: &Step) {
        match *step {
            Step::Says { to, word } => self.says(to, WORDS[word]),
            Step::Retries(which) => {
                let Some(item) = self.own(which) else { return };
                if self.asks(Command::RetryMessage { item })
                    && let Some(said) = self.said.get_mut(&item)
                {
                    said.last = Delivery::Queued;
                }
            }
            Step::Discards(which) => {
                let Some(item) = self.own(which) else { return };
                if self.asks(Command::DiscardMessage { item }) {
                    self.said.remove(&item);
                }
            }
            Step::Reads(who) => self.reads(who),
            Step::Types { to, word } => {
                let content = word.map_or("", |word| WORDS[word]).to_owned();
                let user = self.id(to);
                self.asks(Command::Typing { to: user.clone() });
                self.asks(Command::SaveDraft { user, content });
            }
            Step::Reconnect => _ = self.asks(Command::Reconnect),
            Step::SignsOut => _ = self.asks(Command::SignOut),
            Step::SignsIn => self.stage.signs_in(),
            Step::Resumes => _ = self.asks(Command::Resume),
            Step::ChoosesMemory(memory) => {
                let backend = match memory {
                    true => SecretsBackend::Memory,
                    false => SecretsBackend::Keyring,
                };
                self.asks(Command::ChooseSecrets { backend });
            }
            Step::SavesSession => _ = self.asks(Command::SaveSession),
            Step::KeyringAnswers => {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                let settled = self.stage.engine.secrets_settled();
                let settled = runtime.expect("a runtime").block_on(settled);
                self.stage.engine.settle(settled);
            }
            Step::Handles(count) => self.handles(count),
            Step::Breaks { clean, arrives } => {
                if !clean {
                    self.arrives(arrives);
                }
                self.up.clear();
                self.stage.closes(clean);
            }
            Step::Refused { for_good } => {
                let code = match for_good {
                    true => FailureCode::SignInRefused,
                    false => FailureCode::ConnectionRefused,
                };
                if matches!(self.stage.session(), SessionView::Connecting { .. }) {
                    self.stage.is_refused(Failure { code, detail: None });
                }
            }
            Step::Opens => _ = self.opens(),
            Step::Connects => self.connects(),
            Step::WitnessComes if self.stage.witness_is_called() => self.stage.witness_comes(),
            Step::WitnessFails if self.stage.witness_is_called() => {
                self.stage.witness_is_refused(FailureCode::ServerBusy);
            }
            Step::WitnessComes | Step::WitnessFails => {}
            Step::Passes(time) => self.stage.passes(time),
            Step::Restarts => self.restarts(),
            Step::Catches(_) => {}
            ref other => self.hears(other),
        }
    }

    /// What comes from the server by itself.
    fn hears(&mut self, step: &Step) {
        let me = self.me();
        let event = match *step {
            Step::Writes { from, word } => self.message(self.id(from), me, WORDS[word]),
            Step::WritesElsewhere { to, word } => self.message(me, self.id(to), WORDS[word]),
            Step::Comes {
                who,
                connected,
                renamed,
            } => {
                let mut entry = plain(self.id(who).as_str());
                entry.connected = connected;
                if renamed {
                    entry.username.push('2');
                }
                came(entry)
            }
            Step::Leaves(who) => LinkEvent::Server(ServerEvent::UserDisconnected(self.id(who))),
            Step::EveIsListed(listed) => {
                self.eve_is_listed = listed;
                return;
            }
            Step::ListsAgain => list(self.users()),
            Step::Leaks => message("bob", "eve", "between us"),
            Step::Unreadable => LinkEvent::Unreadable("private message"),
            Step::Refuses { for_now } => {
                let code = match for_now {
                    true => Code::RateLimited,
                    false => Code::Blocked,
                };
                self.pm.refusals = vec![refusal(code)];
                return;
            }
            Step::Receipt { up_to, read, own } => return self.receipt(up_to, read, own),
            Step::Typing => {
                let from = "bob".into();
                LinkEvent::Server(ServerEvent::Typing(TypingFrom { from }))
            }
            Step::NewEpoch => {
                self.pm.epoch = Uuid::from_u128(self.pm.epoch.as_u128() + 1);
                return;
            }
            ref other => unreachable!("{other:?}"),
        };
        self.stage.hears(vec![event]);
    }

    fn message(&mut self, from: UserId, to: UserId, word: &str) -> LinkEvent {
        if self.speaks_pm() {
            return self.pm.says(from.as_str(), to.as_str(), word);
        }
        let event = message(from.as_str(), to.as_str(), word);
        self.handled.push((from, to, word.to_owned()));
        event
    }

    fn receipt(&mut self, up_to: u64, read: bool, own: bool) {
        // What has no number in a new epoch cannot be told by numbers, nor by this model.
        if own && self.pm.epoch != PmServer::new().epoch {
            return;
        }
        let receipt = Receipt {
            peer: "bob".into(),
            received: (!own).then_some(up_to),
            read: (own || read).then_some(up_to),
            own,
        };
        let event = LinkEvent::Server(ServerEvent::Receipt(receipt));
        let counts = own && self.stage.engine.speaks_pm() && self.stage.has_account();
        self.stage.hears(vec![event]);
        if counts {
            let to = Some(BEGINNING + i64::try_from(up_to).expect("small"));
            self.saw(&"bob".into(), |item| item.at <= to);
        }
    }

    fn says(&mut self, to: Who, word: &str) {
        let to = self.id(to);
        let before: Vec<ItemId> = self.mine(&to).iter().map(|item| item.id).collect();
        let content = word.to_owned();
        if self.asks(Command::SendMessage {
            to: to.clone(),
            content: content.clone(),
        }) {
            let mut new = self.mine(&to);
            new.retain(|item| !before.contains(&item.id));
            assert_eq!(new.len(), 1, "what is accepted is shown, once");
            let said = Said {
                account: self.account(),
                to,
                content,
                last: Delivery::Queued,
            };
            self.said.insert(new[0].id, said);
        }
    }

    fn reads(&mut self, who: Who) {
        let user = self.id(who);
        if self.asks(Command::MarkRead { user: user.clone() }) {
            self.saw(&user, |_| true);
        }
    }

    fn saw(&mut self, user: &UserId, which: impl Fn(&TimelineItem) -> bool) {
        let items = self.stage.whole_timeline(user).into_iter();
        let theirs = items.filter(|item| !item.is_mine && which(item));
        if let Some(last) = theirs.map(|item| item.id).max() {
            let account = self.account();
            let read = self.read.entry((account, user.clone())).or_insert(last);
            *read = last.max(*read);
        }
    }

    fn asks(&mut self, command: Command) -> bool {
        self.stage.asks(command).is_ok()
    }

    fn mine(&self, user: &UserId) -> Vec<TimelineItem> {
        let mut mine = self.stage.whole_timeline(user);
        mine.retain(|item| item.is_mine);
        mine
    }

    fn own(&self, which: usize) -> Option<ItemId> {
        self.said
            .keys()
            .nth(which % self.said.len().max(1))
            .copied()
    }

    /// So much of what was written reaches the server, and its answers reach us.
    fn handles(&mut self, count: usize) {
        let answers = self.arrives(count);
        self.stage.hears(answers);
    }

    fn arrives(&mut self, count: usize) -> Vec<LinkEvent> {
        if self.speaks_pm() {
            let wire = self.stage.wire.clone();
            let split = |asked: &mut Vec<_>| asked.split_off(count.min(asked.len()));
            let rest = split(&mut wire.lock().expect("the wire").asked);
            let answers = self.pm.handles(&self.stage);
            wire.lock().expect("the wire").asked.extend(rest);
            return answers;
        }
        let me = self.me();
        let count = count.min(self.up.len());
        let mut answers = Vec::new();
        for packet in self.up.drain(..count) {
            match packet {
                Packet::Fence(number) => answers.push(LinkEvent::FencePassed(number)),
                Packet::Message(to, text) => {
                    if self.scene.kind == Kind::D && to == me {
                        answers.push(message(me.as_str(), me.as_str(), &text));
                    }
                    self.handled.push((me.clone(), to, text));
                }
            }
        }
        answers
    }

    /// Whether a new connection stands.
    fn opens(&mut self) -> bool {
        if matches!(self.stage.session(), SessionView::Waiting { .. }) {
            self.asks(Command::Reconnect);
        }
        let is_tried = matches!(self.stage.session(), SessionView::Connecting { .. });
        if !is_tried || self.stage.is_connected() {
            return false;
        }
        self.up.clear();
        self.stage.opens();
        self.socket += 1;
        match self.stage.engine.link.as_mut() {
            Some(link) => link.socket_id = format!("socket {}", self.socket),
            None => return false,
        }
        true
    }

    fn connects(&mut self) {
        if !self.opens() {
            return;
        }
        let first = match self.scene.kind {
            Kind::A => None,
            Kind::Pm => Some(self.pm.session()),
            _ => Some(session("me")),
        };
        let mut events: Vec<LinkEvent> = first.into_iter().collect();
        events.push(list(self.users()));
        self.stage.hears(events);
    }

    fn users(&self) -> Vec<UserEntry> {
        let me = self.me();
        let mut ids = vec![UserId::from("bob")];
        if self.eve_is_listed {
            ids.push("eve".into());
        }
        if self.scene.kind != Kind::D {
            ids.push(me.clone());
        }
        let entry = |id: &UserId| match self.scene.kind {
            Kind::A | Kind::B => plain(id.as_str()),
            Kind::Pm => user(id.as_str(), &[]),
            Kind::C | Kind::D => self.with_history(&me, id),
        };
        ids.iter().map(entry).collect()
    }

    fn with_history(&self, me: &UserId, peer: &UserId) -> UserEntry {
        let is_between =
            |from: &UserId, to: &UserId| (from == me && to == peer) || (from == peer && to == me);
        let of_both = self.handled.iter().filter(|(f, t, _)| is_between(f, t));
        let messages = of_both.map(|(from, to, content)| HistoryEntry {
            content: content.clone(),
            from: from.clone(),
            to: to.clone(),
        });
        UserEntry {
            messages: Some(messages.collect()),
            ..user(peer.as_str(), &[])
        }
    }

    /// The app is closed and opened, and what listens begins anew.
    fn restarts(&mut self) {
        self.up.clear();
        self.stage.restarts();
        set(&mut self.stage, self.scene);
        let lags = self.lags();
        self.quick = Listener::new(&mut self.stage, &mut self.door);
        self.slow = Listener::new(&mut self.stage, &mut self.door);
        self.quick.lags = lags;
    }

    /// What holds after each step.
    fn looks(&mut self) {
        self.up.extend(self.stage.takes_packets());
        assert!(
            self.quick
                .reads(&mut self.stage, &mut self.door, usize::MAX)
        );
        self.quick.agrees(&self.stage);
        let snapshot = self.stage.engine.snapshot();
        for entry in &snapshot.roster {
            let whole = self.stage.whole_timeline(&entry.user_id);
            let rising = |pair: &[TimelineItem]| pair[0].position <= pair[1].position;
            assert!(whole.windows(2).all(rising), "{whole:?}");
            assert_eq!(entry.last_message.as_ref(), whole.last());
            let seen = self.read.get(&(self.account(), entry.user_id.clone()));
            let unread = whole.iter().filter(|item| !item.is_mine);
            let unread = unread.filter(|item| seen.is_none_or(|seen| item.id > *seen));
            assert_eq!(entry.unread as usize, unread.count(), "{whole:?}");
        }
        if self.stage.has_account() {
            self.keeps_what_was_said();
        }
    }

    fn keeps_what_was_said(&mut self) {
        let account = self.account();
        let mut shown: BTreeMap<UserId, Vec<TimelineItem>> = BTreeMap::new();
        for said in self.said.values() {
            let mine = || self.mine(&said.to);
            shown.entry(said.to.clone()).or_insert_with(mine);
        }
        let here = |said: &&mut Said| said.account == account;
        for (id, said) in self.said.iter_mut().filter(|(_, said)| here(said)) {
            let item = shown[&said.to].iter().find(|item| item.id == *id);
            let item = item.unwrap_or_else(|| panic!("{id:?} to {:?} has vanished", said.to));
            assert_eq!(item.content, said.content);
            let next = item.delivery.expect("of one's own");
            let last = std::mem::replace(&mut said.last, next);
            assert!(may_become(last, next), "{id:?}: {last:?} became {next:?}");
        }
    }

    /// Which account is in use.
    fn account(&self) -> Option<AccountId> {
        let account = self.stage.engine.account.as_ref();
        account.map(|account| account.id)
    }
}
