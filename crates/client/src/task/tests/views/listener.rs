//! One that listens, and keeps what it was told the way a host does.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use parlour_protocol::UserId;
use tokio::sync::mpsc;

use super::super::stage::Stage;
use crate::{
    ClientEvent, Snapshot,
    handle::{ClientHandle, Request, Subscription},
    view::{ItemId, RosterEntry, SessionView, TimelineItem},
};

/// The way to an engine that is run by hand.
pub(super) struct Door {
    handle: ClientHandle,
    requests: mpsc::Receiver<Request>,
}

impl Door {
    pub(super) fn new() -> Self {
        let (sender, requests) = mpsc::channel(8);
        Self {
            handle: ClientHandle::by_hand(sender),
            requests,
        }
    }

    /// What comes of this while the engine answers what it is asked; `None` while it
    /// has to wait for something else.
    fn waits<T>(&mut self, stage: &mut Stage, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return Some(done);
            }
            stage.engine.request(self.requests.try_recv().ok()?);
        }
    }
}

/// A listener, and the view that it keeps.
pub(super) struct Listener {
    subscription: Subscription,
    snapshot: Option<Snapshot>,
    roster: BTreeMap<UserId, RosterEntry>,
    timelines: BTreeMap<UserId, BTreeMap<ItemId, TimelineItem>>,
    /// How often it was too slow.
    pub(super) lags: usize,
    /// A lag was told, and the snapshot has to follow.
    behind: bool,
}

impl Listener {
    pub(super) fn new(stage: &mut Stage, door: &mut Door) -> Self {
        let handle = door.handle.clone();
        let subscription = door.waits(stage, handle.subscribe());
        Self {
            subscription: subscription.expect("an answer").expect("taken"),
            snapshot: None,
            roster: BTreeMap::new(),
            timelines: BTreeMap::new(),
            lags: 0,
            behind: false,
        }
    }

    /// Reads so many events, or all that there are. Whether those were all.
    pub(super) fn reads(&mut self, stage: &mut Stage, door: &mut Door, count: usize) -> bool {
        for _ in 0..count {
            match door.waits(stage, self.subscription.next()) {
                Some(event) => self.takes(stage, event.expect("the engine lives")),
                None => return true,
            }
        }
        false
    }

    fn takes(&mut self, stage: &Stage, event: ClientEvent) {
        let is_snapshot = matches!(event, ClientEvent::Snapshot { .. });
        assert!(is_snapshot || !self.behind, "{event:?} right after a lag");
        let is_first = self.snapshot.is_none();
        assert!(is_snapshot || !is_first, "{event:?} before a snapshot");
        match event {
            ClientEvent::Snapshot { snapshot } => {
                self.behind = false;
                let entries = snapshot.roster.iter();
                self.roster = entries.map(|e| (e.user_id.clone(), e.clone())).collect();
                assert_eq!(self.roster.len(), snapshot.roster.len(), "told twice");
                let page = |id: &UserId| {
                    let items = stage.whole_timeline(id).into_iter();
                    (id.clone(), items.map(|item| (item.id, item)).collect())
                };
                self.timelines = self.roster.keys().map(page).collect();
                self.snapshot = Some(snapshot);
            }
            ClientEvent::Lagged { missed } => {
                assert!(missed > 0);
                self.lags += 1;
                self.behind = true;
            }
            ClientEvent::SessionChanged { session } => self.whole().session = session,
            ClientEvent::SecretsChanged { secrets } => self.whole().secrets = secrets,
            ClientEvent::CompatibilityChanged { compatibility } => {
                self.whole().compatibility = Some(Box::new(compatibility));
            }
            ClientEvent::RosterChanged { entries } => {
                let entries = entries.into_iter();
                self.roster
                    .extend(entries.map(|entry| (entry.user_id.clone(), entry)));
            }
            // It is in no snapshot, and over by itself.
            ClientEvent::Typing { .. } => {}
            ClientEvent::TimelineChanged {
                user,
                items,
                removed,
            } => {
                let timeline = self.timelines.entry(user).or_default();
                timeline.extend(items.into_iter().map(|item| (item.id, item)));
                for id in removed {
                    timeline.remove(&id);
                }
            }
        }
    }

    fn whole(&mut self) -> &mut Snapshot {
        self.snapshot.as_mut().expect("a snapshot")
    }

    /// What it was told bit by bit is what somebody new is told.
    pub(super) fn agrees(&self, stage: &Stage) {
        let told = self.snapshot.as_ref().expect("a snapshot");
        let fresh = stage.engine.snapshot();
        assert_eq!(
            without_time(told.session.clone()),
            without_time(fresh.session)
        );
        assert_eq!(told.secrets, fresh.secrets);
        assert_eq!(told.compatibility, fresh.compatibility);
        let mut roster = fresh.roster;
        roster.sort_by(|a, b| a.user_id.cmp(&b.user_id));
        let kept: Vec<&RosterEntry> = self.roster.values().collect();
        assert_eq!(kept, roster.iter().collect::<Vec<_>>());
        let ids = self.timelines.keys().chain(self.roster.keys());
        for id in ids {
            let items = self.timelines.get(id).into_iter().flatten();
            let mut items: Vec<&TimelineItem> = items.map(|(_, item)| item).collect();
            items.sort_by_key(|item| (item.position, item.id));
            let whole = stage.whole_timeline(id);
            assert_eq!(items, whole.iter().collect::<Vec<_>>(), "with {id:?}");
        }
    }
}

/// That which runs down by itself is left out.
fn without_time(mut session: SessionView) -> SessionView {
    if let SessionView::Waiting { retry_in_ms, .. } = &mut session {
        *retry_in_ms = 0;
    }
    session
}
