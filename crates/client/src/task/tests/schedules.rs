//! Arbitrary schedules of servers of each dialect and of the lines to them.
//!
//! A server here does what its dialect does, and lines do what lines do: they break
//! at any place, and what a broken one still holds may arrive later, until the
//! server has noticed that it is dead. Whatever the order of it all: what is called
//! sent is there once and in order, what is there is called sent or unsure, and
//! nothing that was accepted vanishes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use parlour_protocol::{HistoryEntry, UserEntry, UserId};
use proptest::{collection::vec, prelude::*};

use super::stage::{Packet, Stage, list, message, plain, session, user};
use crate::{
    Command, SessionView,
    ports::LinkEvent,
    view::{Delivery, ItemId, TimelineItem},
};

/// How long a server of the stage listens to a connection that is dead.
const PATIENCE: Duration = Duration::from_secs(45);

const WORDS: [&str; 3] = ["ok", "yes", "no"];

/// What a server keeps, as the paper on dialects has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    A,
    B,
    C,
    D,
}

#[derive(Clone, Debug)]
enum Step {
    /// We write to Bob, or a note to ourselves.
    Says {
        note: bool,
        word: usize,
    },
    /// Bob writes to us.
    BobSays(usize),
    /// The server handles so many packets of the present connection.
    Handles(usize),
    /// So many of its own reach us.
    Hears(usize),
    /// The present connection breaks; with a goodbye, the server reads no more.
    Breaks {
        clean: bool,
    },
    /// A connection stands again, and the server has let us in.
    Connects,
    /// So many packets of an old connection arrive after all.
    Late {
        which: usize,
        count: usize,
    },
    /// What an old connection holds is lost.
    Dies(usize),
    Passes(Duration),
    /// The app is closed and opened.
    Restarts,
}

fn step() -> impl Strategy<Value = Step> {
    let word = 0..WORDS.len();
    prop_oneof![
        8 => (prop::bool::weighted(0.15), word.clone()).prop_map(|(note, word)| Step::Says { note, word }),
        1 => word.prop_map(Step::BobSays),
        5 => (1..6_usize).prop_map(Step::Handles),
        5 => (1..6_usize).prop_map(Step::Hears),
        2 => prop::bool::weighted(0.2).prop_map(|clean| Step::Breaks { clean }),
        4 => Just(Step::Connects),
        3 => (0..3_usize, 1..6_usize).prop_map(|(which, count)| Step::Late { which, count }),
        1 => (0..3_usize).prop_map(Step::Dies),
        3 => (1..30_u64).prop_map(|s| Step::Passes(Duration::from_secs(s))),
        1 => Just(Step::Restarts),
    ]
}

/// One connection, as the server has it.
#[derive(Default)]
struct Line {
    up: VecDeque<Packet>,
    down: VecDeque<LinkEvent>,
}

/// The server, and all lines to it.
struct World {
    kind: Kind,
    stage: Stage,
    /// Everything that it has handled, in order: from, to, text.
    handled: Vec<(UserId, UserId, String)>,
    line: Option<Line>,
    /// Those that we have lost, and until when the server listens to them.
    old: Vec<(Line, Instant)>,
    breaks: usize,
    /// The app was closed while something was unsure: should that come back live, it
    /// is shown as a message of another device of ours.
    forgot_doubts: bool,
    /// What was accepted, and what it was called last.
    said: BTreeMap<ItemId, (UserId, String, Delivery)>,
    /// What was ever called unsure: nothing waits for it, so it may come at any time.
    doubted: BTreeSet<ItemId>,
}

impl World {
    fn new(kind: Kind) -> Self {
        let mut world = Self {
            kind,
            stage: Stage::new(),
            handled: Vec::new(),
            line: None,
            old: Vec::new(),
            breaks: 0,
            forgot_doubts: false,
            said: BTreeMap::new(),
            doubted: BTreeSet::new(),
        };
        world.stage.signs_in();
        world.connects();
        world.handles(usize::MAX);
        world.hears(usize::MAX);
        world.looks();
        world
    }

    fn me(&self) -> UserId {
        // Where there are no sessions, one is one's socket.
        if self.kind == Kind::A { "socket" } else { "me" }.into()
    }

    fn takes(&mut self, step: &Step) {
        match step {
            Step::Says { note, word } => self.says(*note, WORDS[*word]),
            Step::BobSays(word) => self.bob_says(WORDS[*word]),
            Step::Handles(count) => self.handles(*count),
            Step::Hears(count) => self.hears(*count),
            Step::Breaks { clean } => self.breaks(*clean),
            Step::Connects => self.connects(),
            Step::Late { which, count } => self.late(*which, *count),
            Step::Dies(which) => {
                if *which < self.old.len() {
                    self.old.remove(*which);
                }
            }
            Step::Passes(time) => {
                // A line that lives carries within two seconds.
                self.hears(usize::MAX);
                self.stage.passes(*time);
            }
            Step::Restarts => {
                let is_unsure = |(.., last): &(_, _, Delivery)| *last == Delivery::Unsure;
                self.forgot_doubts |= self.said.values().any(is_unsure);
                self.stage.restarts();
            }
        }
        self.looks();
    }

    fn says(&mut self, note: bool, word: &str) {
        let to = if note { self.me() } else { "bob".into() };
        let before: Vec<ItemId> = self.mine(&to).iter().map(|item| item.id).collect();
        let said = self.stage.asks(Command::SendMessage {
            to: to.clone(),
            content: word.to_owned(),
        });
        if said.is_err() {
            // Nobody is known, or nobody is signed in.
            return;
        }
        let new = self.mine(&to);
        let item = new.iter().find(|item| !before.contains(&item.id));
        let item = item.expect("what is accepted is shown");
        self.said
            .insert(item.id, (to, word.to_owned(), Delivery::Queued));
    }

    fn bob_says(&mut self, word: &str) {
        let (bob, me): (UserId, UserId) = ("bob".into(), self.me());
        self.handled.push((bob, me.clone(), word.to_owned()));
        if let Some(line) = &mut self.line {
            line.down.push_back(message("bob", me.as_str(), word));
        }
    }

    fn handles(&mut self, count: usize) {
        for _ in 0..count {
            let packet = self.line.as_mut().and_then(|line| line.up.pop_front());
            match packet {
                Some(packet) => self.handle(packet, true),
                None => return,
            }
        }
    }

    fn late(&mut self, which: usize, count: usize) {
        for _ in 0..count {
            let line = self.old.get_mut(which);
            match line.and_then(|(line, _)| line.up.pop_front()) {
                Some(packet) => self.handle(packet, false),
                None => return,
            }
        }
    }

    /// The server handles a packet of ours, on our present connection or not.
    fn handle(&mut self, packet: Packet, present: bool) {
        let me = self.me();
        match packet {
            Packet::Message(to, text) => {
                let to_myself = to == me;
                self.handled.push((me.clone(), to.clone(), text.clone()));
                // Who else of ours gets it: other sockets, or any socket of the recipient's.
                let comes_back = match self.kind {
                    Kind::A => false,
                    Kind::B | Kind::C => !present,
                    Kind::D => to_myself,
                };
                if let (true, Some(line)) = (comes_back, &mut self.line) {
                    line.down
                        .push_back(message(me.as_str(), to.as_str(), &text));
                }
            }
            Packet::Fence(number) => {
                if let (true, Some(line)) = (present, &mut self.line) {
                    line.down.push_back(LinkEvent::FencePassed(number));
                }
            }
        }
    }

    fn hears(&mut self, count: usize) {
        let Some(line) = &mut self.line else { return };
        let count = count.min(line.down.len());
        let events: Vec<LinkEvent> = line.down.drain(..count).collect();
        self.stage.hears(events);
    }

    fn breaks(&mut self, clean: bool) {
        let Some(mut line) = self.line.take() else {
            return;
        };
        self.breaks += 1;
        if clean {
            line.up.clear();
        }
        self.old.push((line, self.stage.now() + PATIENCE));
        self.stage.closes(clean);
    }

    fn connects(&mut self) {
        if self.line.is_some() {
            return;
        }
        if matches!(self.stage.session(), SessionView::Waiting { .. }) {
            self.stage.asks(Command::Reconnect).expect("accepted");
        }
        if !matches!(self.stage.session(), SessionView::Connecting { .. }) {
            return;
        }
        self.stage.opens();
        let mut line = Line::default();
        if self.kind != Kind::A {
            line.down.push_back(session("me"));
        }
        line.down.push_back(list(self.users()));
        self.line = Some(line);
    }

    /// The list as it is now.
    fn users(&self) -> Vec<UserEntry> {
        let me = self.me();
        let with = |id: &str| {
            let peer = UserId::from(id);
            let of_both = |(from, to, _): &&(UserId, UserId, String)| {
                (*from == me && *to == peer) || (*from == peer && *to == me)
            };
            let messages = self.handled.iter().filter(of_both);
            let messages = messages.map(|(from, to, content)| HistoryEntry {
                content: content.clone(),
                from: from.clone(),
                to: to.clone(),
            });
            UserEntry {
                messages: Some(messages.collect()),
                ..user(id, &[])
            }
        };
        match self.kind {
            Kind::A => vec![plain("socket"), plain("bob")],
            Kind::B => vec![plain("me"), plain("bob")],
            Kind::C => vec![with("me"), with("bob")],
            Kind::D => vec![with("bob")],
        }
    }

    fn mine(&self, user: &UserId) -> Vec<TimelineItem> {
        let mut mine = self.stage.whole_timeline(user);
        mine.retain(|item| item.is_mine);
        mine.sort_by_key(|item| item.id);
        mine
    }

    /// What the engine did since the last look, and whether it may say so.
    fn looks(&mut self) {
        let written = self.stage.takes_packets();
        match &mut self.line {
            Some(line) => line.up.extend(written),
            None => assert!(written.is_empty(), "written to no connection"),
        }
        if !self.stage.is_connected()
            && let Some(line) = self.line.take()
        {
            // It has left by itself, or with the app.
            self.breaks += 1;
            self.old.push((line, self.stage.now() + PATIENCE));
        }
        let now = self.stage.now();
        self.old.retain(|(_, until)| now < *until);
        self.stage.has_told_everything();
        if !self.stage.has_account() {
            // Signing in by name shows nothing of before until the server lets us in.
            return;
        }
        for to in [self.me(), "bob".into()] {
            let mine = self.mine(&to);
            for (id, (_, text, last)) in self.said.iter_mut().filter(|(_, (peer, ..))| *peer == to)
            {
                let item = mine.iter().find(|item| item.id == *id);
                let item = item.unwrap_or_else(|| panic!("{id:?} has vanished"));
                assert_eq!(item.content, *text);
                let next = item.delivery.expect("of one's own");
                assert!(may_become(*last, next), "{last:?} became {next:?}");
                *last = next;
                if next == Delivery::Unsure {
                    self.doubted.insert(*id);
                }
            }
        }
    }

    /// Nothing goes wrong any more, until nothing is open.
    fn comes_to_rest(&mut self) {
        for round in 0..40 {
            let all_handled = self.line.as_ref().is_none_or(|line| line.up.is_empty());
            if round % 10 == 9 && all_handled {
                // Where a fence came too late to be believed in, a history decides.
                self.breaks(false);
            }
            self.connects();
            for _ in 0..4 {
                self.looks();
                self.handles(usize::MAX);
                self.hears(usize::MAX);
            }
            self.looks();
            let open = |(.., last): &(UserId, String, Delivery)| {
                matches!(last, Delivery::Queued | Delivery::Sending)
            };
            let line = self.line.as_ref();
            if line.is_some_and(|line| line.up.is_empty() && line.down.is_empty())
                && !self.said.values().any(open)
            {
                return;
            }
            self.stage.passes(Duration::from_secs(5));
            self.looks();
        }
        panic!("it does not come to rest: {:?}", self.said);
    }

    /// What each message is called is true.
    fn is_true(&self) -> Result<(), TestCaseError> {
        for to in [self.me(), "bob".into()] {
            let there: Vec<&str> = self
                .handled
                .iter()
                .filter(|(from, peer, _)| *from == self.me() && *peer == to)
                .map(|(.., text)| text.as_str())
                .collect();
            let said: Vec<(&str, Delivery)> = self
                .said
                .values()
                .filter(|(peer, ..)| *peer == to)
                .map(|(_, text, last)| (text.as_str(), *last))
                .collect();
            let in_order: Vec<&str> = self
                .said
                .iter()
                .filter(|(id, (peer, _, last))| {
                    *peer == to && *last == Delivery::Sent && !self.doubted.contains(id)
                })
                .map(|(_, (_, text, _))| text.as_str())
                .collect();
            let mut rest = there.iter();
            prop_assert!(
                in_order.iter().all(|text| rest.any(|other| other == text)),
                "to {}: {said:?}; there are {there:?}",
                to.as_str()
            );
            prop_assert!(
                accounts_for(&said, &there),
                "to {}: {said:?}; there are {there:?}",
                to.as_str()
            );
            let shown = self.mine(&to).len();
            prop_assert!(
                shown == said.len() || self.forgot_doubts,
                "{shown} shown to {}: {said:?}",
                to.as_str()
            );
            if self.kind == Kind::C {
                // Given up as a poison, after it was the first of so many.
                let poison = self.breaks >= 3;
                let is_decided =
                    |last| last == Delivery::Sent || (poison && last == Delivery::Failed);
                prop_assert!(
                    said.iter().all(|(_, last)| is_decided(*last)),
                    "{said:?}; there are {there:?}"
                );
            }
        }
        Ok(())
    }
}

/// The arrows of the outbox; several may be taken between two looks.
pub(super) fn may_become(last: Delivery, next: Delivery) -> bool {
    use Delivery::{Failed, Held, Queued, Sending, Sent, Unsure};
    match (last, next) {
        _ if last == next => true,
        (Queued | Sending, _) => true,
        // By a history in which it turns up, or a late proof.
        (Unsure, Sent) => true,
        // Nothing else moves by itself, and nothing that is proven moves back.
        (Unsure | Held | Failed | Sent, _) => false,
    }
}

/// Whether those that are there are those that were called sent, and perhaps some
/// that were called unsure.
fn accounts_for(said: &[(&str, Delivery)], there: &[&str]) -> bool {
    let called = |what: Delivery| {
        let of_that = said.iter().filter(move |(_, delivery)| *delivery == what);
        of_that.map(|(text, _)| *text).collect::<Vec<&str>>()
    };
    let (sent, mut unsure) = (called(Delivery::Sent), called(Delivery::Unsure));
    let mut others = there.to_vec();
    for text in &sent {
        match others.iter().position(|other| other == text) {
            Some(place) => others.remove(place),
            None => return false,
        };
    }
    for text in others {
        match unsure.iter().position(|other| *other == text) {
            Some(place) => unsure.remove(place),
            None => return false,
        };
    }
    true
}

fn holds(kind: Kind, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = World::new(kind);
    for step in steps {
        world.takes(step);
    }
    world.comes_to_rest();
    world.is_true()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn on_a_what_dies_with_a_connection_is_said(steps in vec(step(), 1..60)) {
        holds(Kind::A, &steps)?;
    }

    #[test]
    fn on_b_what_nothing_can_tell_is_said(steps in vec(step(), 1..60)) {
        holds(Kind::B, &steps)?;
    }

    #[test]
    fn on_c_everything_arrives_once(steps in vec(step(), 1..60)) {
        holds(Kind::C, &steps)?;
    }

    #[test]
    fn on_d_what_is_said_is_true(steps in vec(step(), 1..60)) {
        holds(Kind::D, &steps)?;
    }
}
